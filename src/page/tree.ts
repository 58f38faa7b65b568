// SPDX-License-Identifier: GPL-3.0-or-later
// Backtraces as a tree, for the flame graph. Frames of the same function are one node. The innermost frame is told by
// its line, too, because that is where the memory was asked for.
import type { Place, Run } from "./run";

// Numbers for pairs of numbers. Faster than a Map with joined keys.
class Pairs {
	private keys: Int32Array;
	private values: Int32Array;
	private used = 0;

	constructor(expected: number) {
		let room = 1 << 10;
		while (room < 2 * expected) room *= 2;
		this.keys = new Int32Array(2 * room);
		this.values = new Int32Array(room);
	}

	private slot(a: number, b: number): number {
		const mask = this.values.length - 1;
		let hash = Math.imul(a ^ Math.imul(b, 0x85ebca6b), 0x9e3779b1);
		hash ^= hash >>> 15;
		hash = Math.imul(hash, 0x2c1b3c6d);
		let at = (hash ^ (hash >>> 13)) & mask;
		while (this.values[at] && (this.keys[2 * at] !== a || this.keys[2 * at + 1] !== b)) at = (at + 1) & mask;
		return at;
	}

	// The number of the pair; 0 if it has none.
	get(a: number, b: number): number {
		return this.values[this.slot(a, b)];
	}

	set(a: number, b: number, value: number): void {
		if (2 * this.used >= this.values.length) this.grow();
		const at = this.slot(a, b);
		this.keys[2 * at] = a;
		this.keys[2 * at + 1] = b;
		this.values[at] = value;
		this.used++;
	}

	private grow(): void {
		const { keys, values } = this;
		this.keys = new Int32Array(2 * keys.length);
		this.values = new Int32Array(2 * values.length);
		this.used = 0;
		for (let i = 0; i < values.length; i++) if (values[i]) this.set(keys[2 * i], keys[2 * i + 1], values[i]);
	}
}

// The node 0 is the root. Nodes with the same text have the same key.
export class Tree {
	readonly parents: number[] = [0];
	private readonly keys: number[] = [-1];
	private readonly labels: string[] = []; // by key
	private readonly places: (Place | null)[] = []; // by key: the first one with that text
	private readonly numbers = new Map<string, number>(); // the keys of texts
	private readonly pairs: Pairs;
	private firsts: Int32Array | null = null;
	private nexts: Int32Array | null = null;
	private fixed: Int32Array | null = null; // the parents, for loops

	// WITHLINES: nodes of innermost frames are told apart by their lines, and all by their modules.
	constructor(
		readonly withLines: boolean,
		expected: number,
	) {
		this.pairs = new Pairs(expected);
	}

	get size(): number {
		return this.parents.length;
	}

	get keyCount(): number {
		return this.labels.length;
	}

	key(node: number): number {
		return this.keys[node];
	}

	label(node: number): string {
		return this.labels[this.keys[node]] ?? "";
	}

	place(node: number): Place | null {
		return this.places[this.keys[node]] ?? null;
	}

	// The key of TEXT, whose nodes are shown as LABEL.
	addKey(text: string, label: string, place: Place | null): number {
		let key = this.numbers.get(text);
		if (key === undefined) {
			key = this.labels.length;
			this.numbers.set(text, key);
			this.labels.push(label);
			this.places.push(place);
		}
		return key;
	}

	// The node with KEY below PARENT, which is made if there is none.
	add(parent: number, key: number): number {
		let node = this.pairs.get(parent, key);
		if (node) return node;
		node = this.size;
		this.pairs.set(parent, key, node);
		this.parents.push(parent);
		this.keys.push(key);
		this.firsts = null;
		return node;
	}

	children(node: number): number[] {
		if (!this.firsts || !this.nexts) {
			this.firsts = new Int32Array(this.size);
			this.nexts = new Int32Array(this.size);
			for (let i = this.size - 1; i > 0; i--) {
				this.nexts[i] = this.firsts[this.parents[i]];
				this.firsts[this.parents[i]] = i;
			}
		}
		const list = [];
		for (let child = this.firsts[node]; child; child = this.nexts[child]) list.push(child);
		return list;
	}

	// From below the root to NODE.
	path(node: number): number[] {
		const nodes = [];
		for (let at = node; at; at = this.parents[at]) nodes.push(at);
		return nodes.reverse();
	}

	// Adds the rows of a run. The result tells each row's node.
	addRun(run: Run, inverted: boolean): Int32Array {
		const adding = new Adding(this, run, inverted);
		adding.work(Infinity);
		return adding.ends;
	}

	private fixedParents(): Int32Array {
		if (this.fixed?.length !== this.size) this.fixed = Int32Array.from(this.parents);
		return this.fixed;
	}

	// What each node has with all below it. ENDS and VALUES are by row.
	sums(ends: Int32Array, values: Float64Array): Float64Array {
		const sums = new Float64Array(this.size);
		for (let row = 0; row < ends.length; row++) sums[ends[row]] += values[row];
		const parents = this.fixedParents();
		// A node is made behind its parent.
		for (let node = sums.length - 1; node > 0; node--) sums[parents[node]] += sums[node];
		return sums;
	}
}

// Adding a run's rows to a tree, which may be done bit by bit.
export class Adding {
	readonly ends: Int32Array; // the node of each row
	private readonly innerKeys: Int32Array; // by place
	private readonly innermostKeys: Int32Array;
	private readonly inner: Int32Array; // by the run's node plus one: the tree's node that is called by others
	private row = 0;

	constructor(
		private readonly tree: Tree,
		private readonly run: Run,
		private readonly inverted: boolean,
	) {
		const places = run.place.name.map((_, i) => i);
		this.innerKeys = places.map((place) => this.keyOf(place, false));
		this.innermostKeys = tree.withLines ? places.map((place) => this.keyOf(place, true)) : this.innerKeys;
		this.ends = new Int32Array(run.rowCount);
		this.inner = new Int32Array(run.caller.length + 1).fill(-1);
		this.inner[0] = 0;
	}

	// Works for so many milliseconds. Is it done?
	work(milliseconds: number): boolean {
		const end = performance.now() + milliseconds;
		for (; this.row < this.run.rowCount; this.row++) {
			if (this.row % 64 === 0 && performance.now() > end) return false;
			this.ends[this.row] = this.addRow(this.row);
		}
		return true;
	}

	private keyOf(index: number, withLine: boolean): number {
		const place = this.run.placeOf(index);
		const parts = [place.name];
		if (this.tree.withLines) parts.push(place.module ?? "");
		if (withLine) parts.push(place.file ?? "", String(place.line));
		return this.tree.addKey(parts.join("\n"), withLine ? labelOf(place) : place.name, place);
	}

	private innerNode(node: number): number {
		if (this.inner[node] < 0)
			this.inner[node] = this.tree.add(
				this.innerNode(this.run.caller[node - 1]),
				this.innerKeys[this.run.nodePlace[node - 1]],
			);
		return this.inner[node];
	}

	private addRow(row: number): number {
		const { run, tree } = this;
		const first = run.row.node[row];
		if (!first) {
			const label = noBacktrace(run.callOf(row));
			return tree.add(0, tree.addKey(label, label, null));
		}
		const innermost = this.innermostKeys[run.nodePlace[first - 1]];
		if (!this.inverted) return tree.add(this.innerNode(run.caller[first - 1]), innermost);
		let end = tree.add(0, innermost);
		for (let node = run.caller[first - 1]; node; node = run.caller[node - 1])
			end = tree.add(end, this.innerKeys[run.nodePlace[node - 1]]);
		return end;
	}
}

// A function with its line: where memory was asked for.
export function labelOf(place: Place): string {
	const line = lineOf(place);
	return line ? `${place.name} (${line})` : place.name;
}

// What a program calls to allocate, rather than what it is interested in.
const RUNTIME = /^(.*\/)?(libc|libstdc\+\+|libc\+\+|libc\+\+abi|libgcc_s|ld)([-.][^/]*)?\.so(\.[^/]*)?$/;

export interface Origin {
	label: string; // the innermost function of the program's own, with its line
	callers: string; // those that called it
}

const CALLERS_SHOWN = 3;

// Where PATH, which has a function at least, asked for memory. Functions of the language's library are told behind the one
// that called them.
export function originOf(path: Place[]): Origin {
	const first = path.findIndex((place) => !RUNTIME.test(place.module ?? ""));
	const at = Math.max(first, 0);
	const callers = path.slice(at + 1, at + 1 + CALLERS_SHOWN).map((place) => place.name);
	return {
		label: labelOf(path[at]) + (at ? `, by ${path[at - 1].name}` : ""),
		callers: callers.map((name) => ` \u2190 ${name}`).join(""),
	};
}

export function noBacktrace(call: string): string {
	return `(no backtrace: ${call})`;
}

export function baseName(path: string): string {
	return path.slice(path.lastIndexOf("/") + 1) || path;
}

export function lineOf(place: Place): string | null {
	if (!place.file) return null;
	return place.line ? `${baseName(place.file)}:${place.line}` : baseName(place.file);
}
