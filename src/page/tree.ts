// SPDX-License-Identifier: GPL-3.0-or-later
// Backtraces as a tree, for the flame graph. Frames of the same function are one node. The innermost frame is told by
// its line, too, because that is where the memory was asked for.
//
// A node is a part of an order of all backtraces, in which those below a node stand together. So what a node has is the
// difference of two sums. The children of a node are found when somebody asks for them, which puts the backtraces of its
// part in order: most nodes are too narrow to be seen, and nobody ever asks.
import type { Place, Run } from "./run";

function longer(list: Int32Array): Int32Array {
	const copy = new Int32Array(Math.max(1024, 2 * list.length));
	copy.set(list);
	return copy;
}

// The functions of backtraces, as numbers. Functions with the same key are the same.
export class Paths {
	count = 0;
	private starts = new Int32Array(1); // of each backtrace in the list
	private list: Int32Array = new Int32Array(0); // keys, innermost first, and room for more
	private readonly labels: string[] = []; // by key
	private readonly places: (Place | null)[] = []; // by key: the first one
	private readonly numbers = new Map<string, number>(); // the keys of texts
	private readonly names: { key: number; text: string }[] = []; // what is searched, in lower case

	// WITHLINES: innermost functions are told apart by their lines, and all by their files and modules.
	constructor(private readonly withLines: boolean) {}

	get keyCount(): number {
		return this.labels.length;
	}

	label(key: number): string {
		return this.labels[key] ?? "";
	}

	place(key: number): Place | null {
		return this.places[key] ?? null;
	}

	length(entry: number): number {
		return this.starts[entry + 1] - this.starts[entry];
	}

	// The keys of a backtrace, innermost first.
	keysOf(entry: number): Int32Array {
		return this.list.subarray(this.starts[entry], this.starts[entry + 1]);
	}

	private addKey(text: string, label: string, place: Place | null): number {
		let key = this.numbers.get(text);
		if (key === undefined) {
			key = this.labels.length;
			this.numbers.set(text, key);
			this.labels.push(label);
			this.places.push(place);
		}
		return key;
	}

	private keyOf(place: Place, withLine: boolean): number {
		const parts = [place.name];
		if (this.withLines) parts.push(place.file ?? "", place.module ?? "");
		if (withLine) parts.push(String(place.line));
		const key = this.addKey(parts.join("\n"), withLine ? labelOf(place) : place.name, place);
		this.names.push({ key, text: [place.name, place.file, place.module].join("\n").toLowerCase() });
		return key;
	}

	private callKey(call: string): number {
		const label = noBacktrace(call);
		const key = this.addKey(label, label, null);
		this.names.push({ key, text: label.toLowerCase() });
		return key;
	}

	// Adds the rows of a run.
	addRun(run: Run): void {
		const places = Array.from(run.place.name, (_, i) => run.placeOf(i));
		const inner = Int32Array.from(places, (place) => this.keyOf(place, false));
		const innermost = this.withLines ? Int32Array.from(places, (place) => this.keyOf(place, true)) : inner;
		const calls = new Map<number, number>();
		const { node: nodes, call: callOf } = run.row;
		const starts = new Int32Array(this.count + run.rowCount + 1);
		starts.set(this.starts);
		let at = this.starts[this.count];
		const add = (key: number) => {
			if (at === this.list.length) this.list = longer(this.list);
			this.list[at++] = key;
		};
		for (let row = 0; row < run.rowCount; row++) {
			const first = nodes[row];
			if (first) {
				add(innermost[run.nodePlace[first - 1]]);
				for (let node = run.caller[first - 1]; node; node = run.caller[node - 1]) add(inner[run.nodePlace[node - 1]]);
			} else {
				const key = calls.get(callOf[row]) ?? this.callKey(run.callOf(row));
				calls.set(callOf[row], key);
				add(key);
			}
			starts[this.count + row + 1] = at;
		}
		this.starts = starts;
		this.count += run.rowCount;
	}

	// By backtrace: the number of the first one that is the same.
	firstAlike(): Int32Array {
		const firsts = new Int32Array(this.count);
		const known = new Map<number, number[]>(); // by hash: backtraces that differ
		for (let entry = 0; entry < this.count; entry++) {
			const keys = this.keysOf(entry);
			const hash = keys.reduce((sum, key) => Math.imul(sum ^ key, 0x01000193), keys.length);
			const alike = known.get(hash) ?? [];
			const first = alike.find((other) => {
				const others = this.keysOf(other);
				return others.length === keys.length && others.every((key, i) => key === keys[i]);
			});
			if (first === undefined) known.set(hash, [...alike, entry]);
			firsts[entry] = first ?? entry;
		}
		return firsts;
	}

	// Of the backtraces ENTRIES alone.
	only(entries: number[]): Paths {
		const chosen: Paths = Object.assign(new Paths(this.withLines), this);
		chosen.count = entries.length;
		chosen.starts = new Int32Array(entries.length + 1);
		for (let i = 0; i < entries.length; i++) chosen.starts[i + 1] = chosen.starts[i] + this.length(entries[i]);
		chosen.list = new Int32Array(chosen.starts[entries.length]);
		for (let i = 0; i < entries.length; i++) chosen.list.set(this.keysOf(entries[i]), chosen.starts[i]);
		return chosen;
	}

	// Which keys have QUERY, in lower case, in the name, file or module of a function.
	matchingKeys(query: string): Uint8Array {
		const keys = new Uint8Array(this.keyCount);
		for (const { key, text } of this.names) if (text.includes(query)) keys[key] = 1;
		return keys;
	}

	// Which backtraces have one of KEYS.
	having(keys: Uint8Array): Uint8Array {
		const found = new Uint8Array(this.count);
		for (let entry = 0, i = 0; entry < found.length; entry++)
			for (const end = this.starts[entry + 1]; i < end; i++) found[entry] |= keys[this.list[i]];
		return found;
	}

	// How many of KEYS are in the backtraces that have VALUES.
	countFunctions(keys: Uint8Array, values: Float64Array): number {
		const seen = new Uint8Array(keys.length);
		for (let entry = 0, i = 0; entry < this.count; entry++) {
			const end = this.starts[entry + 1];
			if (values[entry]) for (; i < end; i++) seen[this.list[i]] |= keys[this.list[i]];
			else i = end;
		}
		return seen.reduce((sum, isSeen) => sum + isSeen, 0);
	}

	// Writes to KEYS the keys of ENTRIES that are DEPTH frames from where the tree begins; -1: the backtrace ends there.
	keysAt(depth: number, inverted: boolean, entries: Int32Array, keys: Int32Array): void {
		const { starts, list } = this;
		for (let i = 0; i < entries.length; i++) {
			const begin = starts[entries[i]];
			const end = starts[entries[i] + 1];
			keys[i] = begin + depth < end ? list[inverted ? begin + depth : end - 1 - depth] : -1;
		}
	}
}

// Values by backtrace, and their sums in front of each place of an order.
class Sums {
	readonly inFront: Float64Array;

	constructor(readonly values: Float64Array) {
		this.inFront = new Float64Array(values.length + 1);
	}

	add(order: Int32Array, from: number, to: number): void {
		let sum = this.inFront[from];
		for (let i = from; i < to; i++) {
			sum += this.values[order[i]];
			this.inFront[i + 1] = sum;
		}
	}
}

// By backtrace.
export interface Values {
	now: Float64Array;
	before: Float64Array | null; // of a comparison
	variance: Float64Array | null; // of estimates: the squares of their standard errors
}

interface Node {
	parent: number;
	key: number;
	depth: number;
	from: number; // in the order
	to: number;
	children: number[] | null; // null: nobody has asked yet
}

const ROOT: Node = { parent: 0, key: -1, depth: 0, from: 0, to: 0, children: null };

// The node 0 is the root.
export class Tree {
	private readonly nodes: Node[];
	private readonly order: Int32Array; // of the backtraces
	private sums: { now: Sums; before: Sums | null; variance: Sums | null };
	private readonly slots: Int32Array; // by key plus one: which child it is of the node that is looked at, plus one

	constructor(
		readonly paths: Paths,
		private readonly inverted: boolean,
	) {
		this.order = Int32Array.from({ length: paths.count }, (_, i) => i);
		this.nodes = [{ ...ROOT, to: paths.count }];
		this.slots = new Int32Array(paths.keyCount + 1);
		this.sums = { now: new Sums(new Float64Array(paths.count)), before: null, variance: null };
	}

	show(values: Values): void {
		const { now, before, variance } = values;
		const sums = (list: Float64Array | null) => (list ? new Sums(list) : null);
		this.sums = { now: new Sums(now), before: sums(before), variance: sums(variance) };
		this.sumUp(0, this.order.length);
	}

	private sumUp(from: number, to: number): void {
		for (const sums of Object.values(this.sums)) sums?.add(this.order, from, to);
	}

	private sumOf(sums: Sums | null, { from, to }: Node): number {
		return sums ? sums.inFront[to] - sums.inFront[from] : 0;
	}

	value(node: number): number {
		return this.sumOf(this.sums.now, this.nodes[node]);
	}

	// What it has more than before; 0 if nothing is compared.
	change(node: number): number {
		return this.isComparison ? this.value(node) - this.sumOf(this.sums.before, this.nodes[node]) : 0;
	}

	// The standard error of an estimate; null if the values are none.
	error(node: number): number | null {
		const { variance } = this.sums;
		return variance && Math.sqrt(Math.max(this.sumOf(variance, this.nodes[node]), 0));
	}

	get isComparison(): boolean {
		return this.sums.before !== null;
	}

	key(node: number): number {
		return this.nodes[node].key;
	}

	label(node: number): string {
		return this.paths.label(this.nodes[node].key);
	}

	place(node: number): Place | null {
		return this.paths.place(this.nodes[node].key);
	}

	parent(node: number): number {
		return this.nodes[node].parent;
	}

	// From below the root to NODE.
	path(node: number): number[] {
		const nodes = [];
		for (let at = node; at; at = this.nodes[at].parent) nodes.push(at);
		return nodes.reverse();
	}

	children(node: number): number[] {
		const found = this.nodes[node];
		found.children ??= this.divide(node, found);
		return found.children;
	}

	// Makes the children of NODE, and puts the backtraces of each together. Those that end at the node come first.
	private divide(number: number, node: Node): number[] {
		const part = this.order.subarray(node.from, node.to);
		const keys = new Int32Array(part.length);
		const found = [-1]; // keys, in the order in which they come
		const counts = [0];
		this.paths.keysAt(node.depth, this.inverted, part, keys);
		this.slots[0] = 1;
		for (let i = 0; i < keys.length; i++) {
			const key = keys[i];
			if (!this.slots[key + 1]) {
				this.slots[key + 1] = found.push(key);
				counts.push(0);
			}
			const slot = this.slots[key + 1] - 1;
			counts[slot]++;
			keys[i] = slot;
		}
		for (const key of found) this.slots[key + 1] = 0;
		const places = new Int32Array(counts.length);
		for (let slot = 1; slot < places.length; slot++) places[slot] = places[slot - 1] + counts[slot - 1];
		const children = [];
		for (let slot = 1; slot < found.length; slot++) {
			const from = node.from + places[slot];
			const child = { parent: number, key: found[slot], depth: node.depth + 1, from, to: from + counts[slot] };
			children.push(this.nodes.push({ ...child, children: null }) - 1);
		}
		if (children.length > 1 || counts[0]) this.sort(node, part.slice(), keys, places);
		return children;
	}

	// Puts each of PART, which are a node's, to the place of its slot.
	private sort({ from, to }: Node, part: Int32Array, slots: Int32Array, places: Int32Array): void {
		for (let i = 0; i < part.length; i++) this.order[from + places[slots[i]]++] = part[i];
		this.sumUp(from, to);
	}
}

// A function with its line: where memory was asked for.
export function labelOf(place: Place): string {
	const line = lineOf(place);
	return line ? `${place.name} (${line})` : place.name;
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
