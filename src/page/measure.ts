// SPDX-License-Identifier: GPL-3.0-or-later
// What each backtrace has of a metric: of the whole run or of a part of it, of all threads or of one.
import { type Amount, type Amounts, columnsOf, type Metric, newAmounts, type Run } from "./run";
import { once } from "./unpack";

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

// Ends of ranges that are remembered: the panels ask for the same one as the table.
const KEPT = 4;

// One place of AMOUNTS.
export function amountAt(amounts: Amounts, at: number): Amount {
	const { count, bytes, sample } = amounts;
	if (!sample?.blocks[at]) return { count: count[at], bytes: bytes[at] };
	return {
		count: count[at],
		bytes: bytes[at],
		estimated: true,
		samples: sample.blocks[at],
		count_error: Math.sqrt(Math.max(sample.countVariance[at], 0)),
		bytes_error: Math.sqrt(Math.max(sample.bytesVariance[at], 0)),
	};
}

// Adds place AT of MORE to place SLOT of SUMS. Of a full trace, there is no error.
export function addAt(sums: Amounts, slot: number, more: Amounts, at: number): void {
	const from = columnsOf(more);
	columnsOf(sums).forEach((column, i) => {
		column[slot] += from[i]?.[at] ?? 0;
	});
}

// Measures one run. What is found out for one question is kept for the next.
export class Measure {
	constructor(private readonly run: Run) {}

	// The bytes that all consumers held at the end of each slice.
	private readonly heldBySlice = once(() => {
		const held = new Float64Array(this.run.slices + 1);
		const slice = this.run.cells.slice();
		const { bytes } = this.run.cells.held.all();
		for (let i = 0; i < slice.length; i++) held[slice[i]] += bytes[i + 1] - bytes[i];
		for (let i = 1; i < held.length; i++) held[i] += held[i - 1];
		return held;
	});

	// The slice of RANGE at whose end most bytes were held; null: the peak of the run is in RANGE.
	private peakSlice(range: Range): number | null {
		const { peak: at, slice } = this.run.info;
		const peak = at === null ? -1 : Math.floor(at / slice);
		if (peak >= range.from && peak < range.to) return null;
		const held = this.heldBySlice();
		let best = range.from;
		for (let i = range.from; i < range.to; i++) if (held[i] > held[best]) best = i;
		return best;
	}

	private readonly found = new Map<number, Int32Array>(); // by slice, the last ones of cellsFrom()

	// By consumer: its first cell that is not in front of SLICE.
	private cellsFrom(slice: number): Int32Array {
		const first = this.run.consumer.firstCell();
		if (slice <= 0) return first;
		const cells = this.found.get(slice) ?? new Int32Array(this.run.consumerCount);
		if (this.found.has(slice)) return cells;
		const slices = this.run.cells.slice();
		for (let consumer = 0, i = 0; consumer < cells.length; consumer++) {
			const end = first[consumer + 1];
			while (i < end && slices[i] < slice) i++;
			cells[consumer] = i;
			i = end;
		}
		if (this.found.size === KEPT) this.found.clear();
		this.found.set(slice, cells);
		return cells;
	}

	// What came to AMOUNTS in RANGE, added up by the slot of each consumer.
	private inRange(amounts: Amounts, range: Range, slots: Int32Array, sums: Amounts, thread: number | null): void {
		const { thread: threads } = this.run.consumer;
		const begin = this.cellsFrom(range.from);
		const end = this.cellsFrom(range.to);
		const from = columnsOf(amounts);
		columnsOf(sums).forEach((column, c) => {
			const inFront = from[c];
			for (let i = 0; i < slots.length; i++)
				if (begin[i] < end[i] && (thread === null || threads[i] === thread))
					column[slots[i]] += inFront[end[i]] - inFront[begin[i]];
		});
		if (this.run.isSample) roundCrumbs(sums);
	}

	private inWhole(amounts: Amounts, slots: Int32Array, sums: Amounts, thread: number | null): void {
		const { thread: threads } = this.run.consumer;
		const from = columnsOf(amounts);
		columnsOf(sums).forEach((column, c) => {
			const values = from[c];
			for (let i = 0; i < slots.length; i++)
				if (thread === null || threads[i] === thread) column[slots[i]] += values[i];
		});
	}

	private into(selection: Selection, slots: Int32Array, sums: Amounts): Amounts {
		const { metric, thread, range } = selection;
		const { cells, whole } = this.run;
		const name = metric === "calls" ? "allocated" : metric;
		const peak = range && metric === "peak" ? this.peakSlice(range) : null;
		const add = (amounts: Amounts, from: number, to: number) =>
			this.inRange(amounts, { from, to }, slots, sums, thread);
		if (!range || (metric === "peak" && peak === null)) this.inWhole(whole[name](), slots, sums, thread);
		else if (peak !== null) add(cells.held.all(), 0, peak + 1);
		else if (metric === "leaked") add(cells.held.all(), 0, range.to);
		else if (metric === "lost") add(cells.lost.all(), range.from, range.to);
		else add((metric === "temporary" ? cells.temporary : cells.came).all(), range.from, range.to);
		return sums;
	}

	// The amounts of each row.
	byRow(selection: Selection): Amounts {
		return this.into(selection, this.run.consumer.row, newAmounts(this.run.rowCount, this.run.isSample));
	}

	// The amounts of each thread.
	byThread(selection: Selection): Amounts {
		const sums = newAmounts(this.run.info.threads.length, this.run.isSample);
		return this.into({ ...selection, thread: null }, this.run.consumer.thread, sums);
	}

	// When each row's first and last block came.
	readonly firstAndLast = once(() => {
		const { row: rows, first: firstOf, last: lastOf } = this.run.consumer;
		const first = new Float64Array(this.run.rowCount).fill(Infinity);
		const last = new Float64Array(this.run.rowCount);
		const firsts = firstOf();
		const lasts = lastOf();
		for (let i = 0; i < rows.length; i++) {
			if (firsts[i] < first[rows[i]]) first[rows[i]] = firsts[i];
			if (lasts[i] > last[rows[i]]) last[rows[i]] = lasts[i];
		}
		return { first, last };
	});

	// A row's consumers: the last one, and by consumer the one in front of it.
	private readonly consumersOf = once(() => {
		const { row } = this.run.consumer;
		const last = new Int32Array(this.run.rowCount).fill(-1);
		const before = new Int32Array(row.length);
		for (let i = 0; i < row.length; i++) {
			before[i] = last[row[i]];
			last[row[i]] = i;
		}
		return { last, before };
	});

	// The bytes that ROW held at the end of each slice.
	curve(row: number): Float64Array {
		const held = new Float64Array(this.run.slices);
		const slice = this.run.cells.slice();
		const { bytes } = this.run.cells.held.all();
		const first = this.run.consumer.firstCell();
		const { last, before } = this.consumersOf();
		for (let consumer = last[row]; consumer >= 0; consumer = before[consumer])
			for (let i = first[consumer]; i < first[consumer + 1]; i++) held[slice[i]] += bytes[i + 1] - bytes[i];
		for (let i = 1; i < held.length; i++) held[i] += held[i - 1];
		return held;
	}

	// The modules that have functions in the backtrace of each row. There are few sets of modules: SETS, by number.
	private readonly modulesOf = once(() => {
		const { caller, nodePlace, place, row } = this.run;
		const sets: number[][] = [[]];
		const larger = new Map<number, number>(); // the set that a module is added to, and the module: the set with it
		const add = (set: number, module: number) => {
			if (sets[set].includes(module)) return set;
			const key = set * (this.run.info.strings.length + 1) + module;
			const known = larger.get(key) ?? sets.push([...sets[set], module]) - 1;
			larger.set(key, known);
			return known;
		};
		const byNode = new Int32Array(caller.length + 1);
		for (let i = 0; i < caller.length; i++) byNode[i + 1] = add(byNode[caller[i]], place.module[nodePlace[i]]);
		const none = add(0, 0);
		return { sets, byRow: row.node.map((node) => (node ? byNode[node] : none)) };
	});

	// By module: what its own code allocated, and what code that it called allocated, too.
	byModule(amounts: Amounts): ModuleSum[] {
		const { run } = this;
		const { sets, byRow } = this.modulesOf();
		const own = newAmounts(run.info.strings.length + 1, run.isSample);
		const whole = newAmounts(run.info.strings.length + 1, run.isSample);
		const bySet = newAmounts(sets.length, run.isSample);
		const from = columnsOf(amounts);
		const owns = columnsOf(own);
		columnsOf(bySet).forEach((column, c) => {
			for (let row = 0; row < run.rowCount; row++) {
				const node = run.row.node[row];
				column[byRow[row]] += from[c][row];
				owns[c][node ? run.place.module[run.nodePlace[node - 1]] : 0] += from[c][row];
			}
		});
		sets.forEach((modules, set) => {
			for (const module of modules) addAt(whole, module, bySet, set);
		});
		const list = [];
		for (let module = 0; module < whole.count.length; module++)
			if (whole.count[module])
				list.push({
					module: module ? run.info.strings[module - 1] : null,
					own: amountAt(own, module),
					whole: amountAt(whole, module),
				});
		return list;
	}

	// By size class: what was allocated in RANGE.
	bySize(range: Range | null): Amounts {
		const { info, size, isSample } = this.run;
		const classes = newAmounts(65, isSample);
		const parts = info.slice / info.size_slice;
		for (let i = 0; i < size.class.length; i++) {
			const slice = Math.floor(size.slice[i] / parts);
			if (!range || (slice >= range.from && slice < range.to)) addAt(classes, size.class[i], size.amounts, i);
		}
		return classes;
	}

	// What questions need, in parts that take some 20 ms at most where there are a million cells.
	preparations(): (() => unknown)[] {
		const { cells, whole, consumer } = this.run;
		const columns = [cells.came, cells.held, cells.temporary].flatMap((amounts) => amounts.parts);
		const found = [this.heldBySlice, this.consumersOf, this.modulesOf];
		return [cells.slice, consumer.firstCell, ...columns, ...found, whole.peak, whole.allocated, whole.temporary];
	}
}

// Estimates have digits behind the point. What came and left again is not nothing to the last digit.
function roundCrumbs(amounts: Amounts): void {
	for (const column of columnsOf(amounts))
		for (let i = 0; i < column.length; i++) column[i] = Math.round(column[i] * 1024) / 1024;
}

export interface ModuleSum {
	module: string | null;
	own: Amount;
	whole: Amount;
}
