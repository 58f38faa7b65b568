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

// One place of AMOUNTS.
export function amountAt(amounts: Amounts, at: number): Amount {
	const { count, bytes, sample } = amounts;
	if (!sample) return { count: count[at], bytes: bytes[at] };
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
		const { bytes } = this.run.cells.held();
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

	// By consumer: its first cell that is not in front of SLICE.
	private cellsFrom(slice: number): Int32Array {
		const slices = this.run.cells.slice();
		const first = this.run.consumer.firstCell();
		if (slice <= 0) return first;
		const cells = new Int32Array(this.run.consumerCount);
		for (let consumer = 0, i = 0; consumer < cells.length; consumer++) {
			const end = first[consumer + 1];
			while (i < end && slices[i] < slice) i++;
			cells[consumer] = i;
			i = end;
		}
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
				if (thread === null || threads[i] === thread) column[slots[i]] += inFront[end[i]] - inFront[begin[i]];
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
		else if (peak !== null) add(cells.held(), 0, peak + 1);
		else if (metric === "leaked") add(cells.held(), 0, range.to);
		else if (metric === "lost") add(cells.lost(), range.from, range.to);
		else add(metric === "temporary" ? cells.temporary() : cells.came(), range.from, range.to);
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
		const { bytes } = this.run.cells.held();
		const first = this.run.consumer.firstCell();
		const { last, before } = this.consumersOf();
		for (let consumer = last[row]; consumer >= 0; consumer = before[consumer])
			for (let i = first[consumer]; i < first[consumer + 1]; i++) held[slice[i]] += bytes[i + 1] - bytes[i];
		for (let i = 1; i < held.length; i++) held[i] += held[i - 1];
		return held;
	}

	// The modules of each row, each once: the one whose code allocated is the first. MODULES of a row begin at its START.
	private readonly modulesOf = once(() => {
		const { run } = this;
		const starts = new Int32Array(run.rowCount + 1);
		const modules: number[] = [];
		const seen = new Int32Array(run.info.strings.length + 1).fill(-1);
		for (let row = 0; row < run.rowCount; row++) {
			let node = run.row.node[row];
			do {
				const module = node ? run.place.module[run.nodePlace[node - 1]] : 0;
				if (seen[module] !== row) modules.push(module);
				seen[module] = row;
				node = node && run.caller[node - 1];
			} while (node);
			starts[row + 1] = modules.length;
		}
		return { starts, modules: Int32Array.from(modules) };
	});

	// By module: what its own code allocated, and what code that it called allocated, too.
	byModule(amounts: Amounts): ModuleSum[] {
		const { run } = this;
		const { starts, modules } = this.modulesOf();
		const own = newAmounts(run.info.strings.length + 1, run.isSample);
		const whole = newAmounts(run.info.strings.length + 1, run.isSample);
		const from = columnsOf(amounts);
		const owns = columnsOf(own);
		columnsOf(whole).forEach((column, c) => {
			for (let row = 0; row < run.rowCount; row++) {
				const value = from[c][row];
				if (!value) continue;
				owns[c][modules[starts[row]]] += value;
				for (let i = starts[row]; i < starts[row + 1]; i++) column[modules[i]] += value;
			}
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

	// What all the questions need, in parts that take some 20 ms at most where there are a million cells.
	preparations(): (() => unknown)[] {
		const { cells } = this.run;
		return [cells.slice, cells.came, cells.held, cells.temporary, this.heldBySlice, this.consumersOf, this.modulesOf];
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
