// SPDX-License-Identifier: GPL-3.0-or-later
// Where backtraces asked for memory: the innermost function of the program's own, with its line. Functions of the
// language's library are told behind the one that called them.
import type { Run } from "./run";
import { labelOf, noBacktrace } from "./tree";
import { once } from "./unpack";

// What a program calls to allocate, rather than what it is interested in.
const RUNTIME = /^(.*\/)?(libc|libstdc\+\+|libc\+\+|libc\+\+abi|libgcc_s|ld)([-.][^/]*)?\.so(\.[^/]*)?$/;

const CALLERS_SHOWN = 3;

export class Origins {
	private readonly labels = new Map<number, string>(); // of two places

	constructor(private readonly run: Run) {}

	private readonly isRuntime = once(() =>
		this.run.place.name.map((_, place) => Number(RUNTIME.test(this.run.placeOf(place).module ?? ""))),
	);

	private placeAt(node: number): number {
		return this.run.nodePlace[node - 1];
	}

	// The node of the innermost function of the program's own in a row that has functions, or of the innermost of all.
	private nodeOf(row: number): number {
		const isRuntime = this.isRuntime();
		const first = this.run.row.node[row];
		let node = first;
		while (node && isRuntime[this.placeAt(node)]) node = this.run.caller[node - 1];
		return node || first;
	}

	// The node that NODE called in ROW; 0: NODE is the innermost one.
	private calledBy(node: number, row: number): number {
		let called = 0;
		for (let at = this.run.row.node[row]; at !== node; at = this.run.caller[at - 1]) called = at;
		return called;
	}

	label(row: number): string {
		if (!this.run.row.node[row]) return noBacktrace(this.run.callOf(row));
		const node = this.nodeOf(row);
		const called = this.calledBy(node, row);
		const place = this.placeAt(node);
		const by = called ? this.placeAt(called) + 1 : 0;
		const key = by * this.run.place.name.length + place;
		const known = this.labels.get(key);
		if (known !== undefined) return known;
		const label = labelOf(this.run.placeOf(place)) + (by ? `, by ${this.run.placeOf(by - 1).name}` : "");
		this.labels.set(key, label);
		return label;
	}

	// The functions that called that one.
	callers(row: number): string {
		if (!this.run.row.node[row]) return "";
		const names = [];
		let node = this.run.caller[this.nodeOf(row) - 1];
		for (; node && names.length < CALLERS_SHOWN; node = this.run.caller[node - 1])
			names.push(` \u2190 ${this.run.placeOf(this.placeAt(node)).name}`);
		return names.join("");
	}
}
