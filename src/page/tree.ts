// SPDX-License-Identifier: GPL-3.0-or-later
// Backtraces as a tree, for the flame graph. Frames of the same function are one node. The innermost frame is told by
// its line, too, because that is where the memory was asked for.
import type { Place, Run } from "./run";

// Numbers for pairs of numbers. Faster than a Map with joined keys.
class Pairs {
	private keys: Int32Array;
	private values: Int32Array;
	private used = 0;

	constructor(room = 1 << 12) {
		this.keys = new Int32Array(2 * room);
		this.values = new Int32Array(room);
	}

	private slot(a: number, b: number): number {
		const mask = this.values.length - 1;
		let hash = (Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)) >>> 0;
		hash ^= hash >>> 15;
		let at = hash & mask;
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

// The node 0 is the root.
export class Tree {
	readonly parents: number[] = [0];
	private readonly labels: string[] = [""];
	private readonly places: (Place | null)[] = [null];
	private readonly pairs = new Pairs();
	private readonly keys = new Map<string, number>();
	private firsts: Int32Array | null = null;
	private nexts: Int32Array | null = null;

	// WITHLINES: nodes of innermost frames are told apart by their lines.
	constructor(private readonly withLines: boolean) {}

	get size(): number {
		return this.parents.length;
	}

	private add(parent: number, key: number, label: () => string, place: Place | null): number {
		let node = this.pairs.get(parent, key);
		if (node) return node;
		node = this.size;
		this.pairs.set(parent, key, node);
		this.parents.push(parent);
		this.labels.push(label());
		this.places.push(place);
		this.firsts = null;
		return node;
	}

	label(node: number): string {
		return this.labels[node];
	}

	place(node: number): Place | null {
		return this.places[node];
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
		const texts = new Texts(run, this.keys);
		const ends = new Int32Array(run.rowCount);
		const inner = new Int32Array(run.caller.length + 1).fill(-1);
		inner[0] = 0;
		const step = (parent: number, node: number, innermost: boolean): number => {
			const place = run.nodePlace[node - 1];
			const withLine = innermost && this.withLines;
			return this.add(parent, texts.key(place, withLine), () => texts.label(place, withLine), texts.place(place));
		};
		const innerNode = (node: number): number => {
			if (inner[node] < 0) inner[node] = step(innerNode(run.caller[node - 1]), node, false);
			return inner[node];
		};
		const addRow = (row: number): number => {
			const first = run.row.node[row];
			if (!first) {
				const label = `(no backtrace: ${run.callOf(row)})`;
				return this.add(0, texts.number(label), () => label, null);
			}
			if (!inverted) return step(innerNode(run.caller[first - 1]), first, true);
			let end = step(0, first, true);
			for (let node = run.caller[first - 1]; node; node = run.caller[node - 1]) end = step(end, node, false);
			return end;
		};
		for (let row = 0; row < run.rowCount; row++) ends[row] = addRow(row);
		return ends;
	}

	// What each node has with all below it. ENDS and VALUES are by row.
	sums(ends: Int32Array, values: Float64Array): Float64Array {
		const sums = new Float64Array(this.size);
		for (let row = 0; row < ends.length; row++) sums[ends[row]] += values[row];
		// A node is made behind its parent.
		for (let node = sums.length - 1; node > 0; node--) sums[this.parents[node]] += sums[node];
		return sums;
	}
}

export function baseName(path: string): string {
	return path.slice(path.lastIndexOf("/") + 1) || path;
}

export function lineOf(place: Place): string | null {
	if (!place.file) return null;
	return place.line ? `${baseName(place.file)}:${place.line}` : baseName(place.file);
}

// The texts of a run's places, made once. Equal texts have the same number.
class Texts {
	private readonly known: [Int32Array, Int32Array];
	private readonly places = new Map<number, Place>();

	constructor(
		private readonly run: Run,
		private readonly numbers: Map<string, number>,
	) {
		const count = run.place.name.length;
		this.known = [new Int32Array(count).fill(-1), new Int32Array(count).fill(-1)];
	}

	number(text: string): number {
		let number = this.numbers.get(text);
		if (number === undefined) {
			number = this.numbers.size;
			this.numbers.set(text, number);
		}
		return number;
	}

	place(index: number): Place {
		let place = this.places.get(index);
		if (!place) {
			place = this.run.placeOf(index);
			this.places.set(index, place);
		}
		return place;
	}

	label(index: number, withLine: boolean): string {
		const place = this.place(index);
		const line = withLine ? lineOf(place) : null;
		return line ? `${place.name} (${line})` : place.name;
	}

	key(index: number, withLine: boolean): number {
		const known = this.known[withLine ? 1 : 0];
		if (known[index] < 0) {
			const place = this.place(index);
			known[index] = this.number(withLine ? `${place.name}\n${place.file}\n${place.line}` : place.name);
		}
		return known[index];
	}
}
