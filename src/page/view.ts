// SPDX-License-Identifier: GPL-3.0-or-later
// What the flame graph and the table show: the backtraces of one run, or those of two runs side by side. An entry is a
// line of the table.
import { Curves, firstAndLast, measure, newAmounts, type Selection } from "./measure";
import type { Amounts, Metric, Place, Run, Trend } from "./run";
import { Adding, noBacktrace, type Origin, originOf, Tree } from "./tree";

export interface Branches {
	tree: Tree;
	ends: Int32Array; // the tree's node of each entry
}

// What only the table of one run has.
export interface Course {
	trend(entry: number): Trend;
	since(entry: number): number;
	rate(entry: number): number;
	first(entry: number): number;
	last(entry: number): number;
	curve(entry: number): Float64Array;
}

export interface Measured {
	now: Amounts;
	before: Amounts | null; // of a comparison
}

export interface View {
	readonly entries: number;
	readonly course: Course | null;
	readonly metrics: Metric[];
	measure(selection: Selection): Measured;
	branches(inverted: boolean): Branches;
	path(entry: number): Place[]; // innermost first
	origin(entry: number): Origin; // where it was allocated
	matching(query: string): Uint8Array; // by entry: does a function, file or module have the text in lower case?
}

function originOfRow(run: Run, row: number): Origin {
	const path = run.path(row).map((place) => run.placeOf(place));
	return path.length ? originOf(path) : { label: noBacktrace(run.callOf(row)), callers: "" };
}

const METRICS: Metric[] = ["leaked", "lost", "peak", "allocated", "calls", "temporary"];

function metricsOf(runs: Run[]): Metric[] {
	return METRICS.filter((metric) => metric !== "lost" || runs.every((run) => run.info.looked));
}

export class RunView implements View {
	readonly entries: number;
	readonly course: Course;
	readonly metrics: Metric[];
	private readonly made: (Branches | undefined)[] = [];
	private readonly origins: Origin[] = [];
	private adding: { tree: Tree; adding: Adding } | null = null; // the inverted tree, which takes a while

	constructor(private readonly run: Run) {
		this.entries = run.rowCount;
		this.metrics = metricsOf([run]);
		const { first, last } = firstAndLast(run);
		const curves = new Curves(run);
		this.course = {
			trend: (row) => run.trendOf(row),
			since: (row) => run.row.since[row],
			rate: (row) => run.row.rate[row],
			first: (row) => first[row],
			last: (row) => last[row],
			curve: (row) => curves.of(row),
		};
	}

	measure(selection: Selection): Measured {
		return { now: measure(this.run, selection), before: null };
	}

	// Works on what may be asked for later. Is it done?
	prepare(milliseconds: number): boolean {
		if (this.made[1]) return true;
		if (!this.adding) {
			const tree = new Tree(true, this.run.caller.length);
			this.adding = { tree, adding: new Adding(tree, this.run, true) };
		}
		if (!this.adding.adding.work(milliseconds)) return false;
		this.made[1] = { tree: this.adding.tree, ends: this.adding.adding.ends };
		this.adding = null;
		return true;
	}

	branches(inverted: boolean): Branches {
		if (inverted) this.prepare(Infinity);
		let made = this.made[Number(inverted)];
		if (!made) {
			const tree = new Tree(true, this.run.caller.length);
			made = { tree, ends: tree.addRun(this.run, inverted) };
			this.made[Number(inverted)] = made;
		}
		return made;
	}

	path(row: number): Place[] {
		return this.run.path(row).map((place) => this.run.placeOf(place));
	}

	origin(row: number): Origin {
		this.origins[row] ??= originOfRow(this.run, row);
		return this.origins[row];
	}

	matching(query: string): Uint8Array {
		return this.run.matching(query);
	}
}

// Two backtraces are the same if they have the same functions: lines differ between versions. The last trace is the new one.
export class Comparison implements View {
	readonly entries: number;
	readonly course = null;
	readonly metrics: Metric[];
	private readonly trees: Branches[] = [];
	private readonly owners: { run: Run; row: number }[] = [];
	private readonly slots: Int32Array[] = []; // the entry of each row, by run

	constructor(
		private readonly runs: Run[],
		private readonly isNew: (run: Run) => boolean,
	) {
		this.metrics = metricsOf(runs);
		const entryOf = new Map<number, number>();
		const tree = new Tree(false, 0);
		for (const run of runs)
			this.slots.push(
				tree.addRun(run, false).map((end, row) => {
					const entry = entryOf.get(end) ?? this.owners.length;
					if (entry === this.owners.length) this.owners.push({ run, row });
					else if (isNew(run) && !isNew(this.owners[entry].run)) this.owners[entry] = { run, row };
					entryOf.set(end, entry);
					return entry;
				}),
			);
		this.entries = this.owners.length;
	}

	// The node of each entry: all rows of an entry have the same.
	private endsOf(tree: Tree, inverted: boolean): Int32Array {
		const ends = new Int32Array(this.entries);
		this.runs.forEach((run, i) => {
			tree.addRun(run, inverted).forEach((end, row) => {
				ends[this.slots[i][row]] = end;
			});
		});
		return ends;
	}

	measure(selection: Selection): Measured {
		const now = newAmounts(this.entries);
		const before = newAmounts(this.entries);
		this.runs.forEach((run, i) => {
			const amounts = measure(run, { ...selection, thread: null, range: null });
			const to = this.isNew(run) ? now : before;
			for (let row = 0; row < run.rowCount; row++) {
				to.count[this.slots[i][row]] += amounts.count[row];
				to.bytes[this.slots[i][row]] += amounts.bytes[row];
			}
		});
		return { now, before };
	}

	branches(inverted: boolean): Branches {
		const index = Number(inverted);
		if (!this.trees[index]) {
			const tree = new Tree(false, 0);
			this.trees[index] = { tree, ends: this.endsOf(tree, inverted) };
		}
		return this.trees[index];
	}

	path(entry: number): Place[] {
		const { run, row } = this.owners[entry];
		return run.path(row).map((place) => run.placeOf(place));
	}

	origin(entry: number): Origin {
		const { run, row } = this.owners[entry];
		return originOfRow(run, row);
	}

	matching(query: string): Uint8Array {
		const entries = new Uint8Array(this.entries);
		this.runs.forEach((run, i) => {
			run.matching(query).forEach((matches, row) => {
				entries[this.slots[i][row]] |= matches;
			});
		});
		return entries;
	}
}
