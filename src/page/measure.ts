// SPDX-License-Identifier: GPL-3.0-or-later
// What each backtrace has of a metric: of the whole run or of a part of it, of all threads or of one.
import type { Amount, Amounts, Metric, Run } from "./run";

// Slices of the run: FROM is the first, TO is behind the last.
export interface Range {
	from: number;
	to: number;
}

export interface Selection {
	metric: Metric;
	thread: number | null; // null: all
	range: Range | null; // null: the whole run
}

export function countsBlocks(metric: Metric): boolean {
	return metric === "calls" || metric === "temporary";
}

export function newAmounts(length: number): Amounts {
	return { count: new Float64Array(length), bytes: new Float64Array(length) };
}

// The bytes that all consumers held at the end of each slice.
function heldBySlice(run: Run): Float64Array {
	const held = new Float64Array(run.slices + 1);
	const { slice, came, left } = run.cell;
	for (let i = 0; i < slice.length; i++) held[slice[i]] += came.bytes[i] - left.bytes[i];
	for (let i = 1; i < held.length; i++) held[i] += held[i - 1];
	return held;
}

// The slice of RANGE at whose end most bytes were held; null: the peak of the run is in RANGE.
function peakSlice(run: Run, range: Range): number | null {
	const peak = run.info.peak === null ? -1 : Math.floor(run.info.peak / run.info.slice);
	if (peak >= range.from && peak < range.to) return null;
	const held = heldBySlice(run);
	let best = range.from;
	for (let i = range.from; i < range.to; i++) if (held[i] > held[best]) best = i;
	return best;
}

// Where the amounts of each consumer go: to its row, or to its thread.
interface Target {
	slots: Int32Array; // by consumer
	amounts: Amounts;
}

// Adds what the amounts WHAT have in the slices from FROM to below TO, SIGN times.
function addCells(
	run: Run,
	selection: Selection,
	target: Target,
	what: Amounts,
	sign: number,
	from: number,
	to: number,
): void {
	const { thread: threads, cells } = run.consumer;
	const { slice } = run.cell;
	const { count, bytes } = target.amounts;
	for (let consumer = 0, i = 0; consumer < run.consumerCount; consumer++) {
		const end = i + cells[consumer];
		const slot = target.slots[consumer];
		if (selection.thread !== null && threads[consumer] !== selection.thread) i = end;
		for (; i < end; i++) {
			if (slice[i] < from || slice[i] >= to) continue;
			count[slot] += sign * what.count[i];
			bytes[slot] += sign * what.bytes[i];
		}
	}
}

// Adds what was held at the end of slice LAST.
function addHeld(run: Run, selection: Selection, target: Target, last: number): void {
	addCells(run, selection, target, run.cell.came, 1, 0, last + 1);
	addCells(run, selection, target, run.cell.left, -1, 0, last + 1);
}

// Adds what happened in RANGE.
function addHappened(run: Run, selection: Selection, target: Target, range: Range): void {
	const what = selection.metric === "temporary" ? run.cell.temporary : run.cell.came;
	addCells(run, selection, target, what, 1, range.from, range.to);
}

function addWhole(run: Run, selection: Selection, target: Target): void {
	const metric = selection.metric === "calls" ? "allocated" : selection.metric;
	const what = run.whole[metric];
	const { count, bytes } = target.amounts;
	for (let consumer = 0; consumer < run.consumerCount; consumer++) {
		if (selection.thread !== null && run.consumer.thread[consumer] !== selection.thread) continue;
		count[target.slots[consumer]] += what.count[consumer];
		bytes[target.slots[consumer]] += what.bytes[consumer];
	}
}

// What was lost is known of the whole run alone.
function measureInto(run: Run, selection: Selection, target: Target): Amounts {
	const { metric, range } = selection;
	const slice = range && metric === "peak" ? peakSlice(run, range) : null;
	if (!range || metric === "lost" || (metric === "peak" && slice === null)) addWhole(run, selection, target);
	else if (slice !== null) addHeld(run, selection, target, slice);
	else if (metric === "leaked") addHeld(run, selection, target, range.to - 1);
	else addHappened(run, selection, target, range);
	return target.amounts;
}

// The amounts of each row.
export function measure(run: Run, selection: Selection): Amounts {
	return measureInto(run, selection, { slots: run.consumer.row, amounts: newAmounts(run.rowCount) });
}

// The amounts of each thread.
export function byThread(run: Run, selection: Selection): Amounts {
	const target = { slots: run.consumer.thread, amounts: newAmounts(run.info.threads.length) };
	return measureInto(run, { ...selection, thread: null }, target);
}

export function sum(amounts: Amounts): Amount {
	const total = { count: 0, bytes: 0 };
	for (let i = 0; i < amounts.count.length; i++) {
		total.count += amounts.count[i];
		total.bytes += amounts.bytes[i];
	}
	return total;
}

// When each row's first and last block came.
export function firstAndLast(run: Run): { first: Float64Array; last: Float64Array } {
	const first = new Float64Array(run.rowCount).fill(Infinity);
	const last = new Float64Array(run.rowCount);
	for (let i = 0; i < run.consumerCount; i++) {
		const row = run.consumer.row[i];
		first[row] = Math.min(first[row], run.consumer.first[i]);
		last[row] = Math.max(last[row], run.consumer.last[i]);
	}
	return { first, last };
}

// The consumers of each row, and each consumer's first cell, for curves of single rows.
export class Curves {
	private readonly firstCell: Int32Array;
	private readonly head: Int32Array;
	private readonly next: Int32Array;

	constructor(private readonly run: Run) {
		this.firstCell = new Int32Array(run.consumerCount);
		this.head = new Int32Array(run.rowCount).fill(-1);
		this.next = new Int32Array(run.consumerCount);
		for (let i = 0, cell = 0; i < run.consumerCount; cell += run.consumer.cells[i++]) {
			this.firstCell[i] = cell;
			this.next[i] = this.head[run.consumer.row[i]];
			this.head[run.consumer.row[i]] = i;
		}
	}

	// The bytes that ROW held at the end of each slice.
	of(row: number): Float64Array {
		const held = new Float64Array(this.run.slices);
		const { slice, came, left } = this.run.cell;
		for (let consumer = this.head[row]; consumer >= 0; consumer = this.next[consumer]) {
			const begin = this.firstCell[consumer];
			for (let i = begin; i < begin + this.run.consumer.cells[consumer]; i++)
				held[slice[i]] += came.bytes[i] - left.bytes[i];
		}
		for (let i = 1; i < held.length; i++) held[i] += held[i - 1];
		return held;
	}
}

export interface ModuleSum {
	module: string | null;
	own: Amount;
	whole: Amount;
}

// By module: what its own code allocated, and what code that it called allocated, too.
export function byModule(run: Run, amounts: Amounts): ModuleSum[] {
	const count = run.info.strings.length + 1;
	const own = newAmounts(count);
	const whole = newAmounts(count);
	const seen = new Int32Array(count).fill(-1);
	const add = (to: Amounts, module: number, row: number) => {
		to.count[module] += amounts.count[row];
		to.bytes[module] += amounts.bytes[row];
	};
	for (let row = 0; row < run.rowCount; row++) {
		if (!amounts.count[row]) continue;
		let node = run.row.node[row];
		let module = node ? run.place.module[run.nodePlace[node - 1]] : 0;
		add(own, module, row);
		for (;;) {
			if (seen[module] !== row) add(whole, module, row);
			seen[module] = row;
			node = node ? run.caller[node - 1] : 0;
			if (!node) break;
			module = run.place.module[run.nodePlace[node - 1]];
		}
	}
	const at = (sums: Amounts, module: number) => ({ count: sums.count[module], bytes: sums.bytes[module] });
	const list = [];
	for (let module = 0; module < count; module++)
		if (whole.count[module])
			list.push({
				module: module ? run.info.strings[module - 1] : null,
				own: at(own, module),
				whole: at(whole, module),
			});
	return list;
}

// By size class: what was allocated in RANGE.
export function bySize(run: Run, range: Range | null): Amounts {
	const classes = newAmounts(65);
	const parts = run.info.slice / run.info.size_slice;
	for (let i = 0; i < run.size.class.length; i++) {
		const slice = Math.floor(run.size.slice[i] / parts);
		if (range && (slice < range.from || slice >= range.to)) continue;
		classes.count[run.size.class[i]] += run.size.count[i];
		classes.bytes[run.size.class[i]] += run.size.bytes[i];
	}
	return classes;
}
