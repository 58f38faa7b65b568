// SPDX-License-Identifier: GPL-3.0-or-later
// What the flame graph and the table show: the backtraces of one run, or those of two runs side by side. An entry is a
// line of the table.
import { addAt, Measure, type Selection } from "./measure";
import { Origins } from "./origin";
import { type Amounts, type Metric, newAmounts, type Place, type Run, type Trend } from "./run";
import { Paths, Tree } from "./tree";
import { once } from "./unpack";

// What only the table of one run has.
export interface Course {
	trend(entry: number): Trend;
	since(entry: number): number;
	rate(entry: number): number;
	first(entry: number): number;
	last(entry: number): number;
	// What the entry held over the run. It is told at once, or as soon as the cells are there.
	curve(entry: number, tell: (held: Float64Array) => void): void;
}

export interface Measured {
	now: Amounts;
	before: Amounts | null; // of a comparison
}

export interface View {
	readonly entries: number;
	readonly course: Course | null;
	readonly metrics: Metric[];
	readonly paths: Paths; // by entry
	measure(selection: Selection): Measured;
	tree(inverted: boolean): Tree;
	path(entry: number): Place[]; // innermost first
	label(entry: number): string; // where it was allocated
	callers(entry: number): string; // who called that
}

const METRICS: Metric[] = ["leaked", "lost", "peak", "allocated", "calls", "temporary"];

// Of a sample, it is not known which blocks were temporary.
function metricsOf(runs: Run[]): Metric[] {
	const isKnown = (run: Run, metric: Metric) =>
		metric === "lost" ? run.info.looked : metric !== "temporary" || !run.isSample;
	return METRICS.filter((metric) => runs.every((run) => isKnown(run, metric)));
}

// The trees of PATHS, which are made when they are asked for.
function treesOf(paths: () => Paths): (inverted: boolean) => Tree {
	const trees = [false, true].map((inverted) => once(() => new Tree(paths(), inverted)));
	return (inverted) => trees[Number(inverted)]();
}

export class RunView implements View {
	readonly entries: number;
	readonly course: Course;
	readonly metrics: Metric[];
	readonly isSample: boolean;
	readonly about: Measure;
	private readonly makePaths: () => Paths;
	readonly tree: (inverted: boolean) => Tree;
	private readonly origins: Origins;
	private hasCells = false;
	private waiting: (() => void)[] = []; // for the cells

	constructor(private readonly run: Run) {
		this.entries = run.rowCount;
		this.metrics = metricsOf([run]);
		this.isSample = run.isSample;
		this.about = new Measure(run);
		this.origins = new Origins(run);
		this.makePaths = once(() => {
			const paths = new Paths(true);
			paths.addRun(run);
			return paths;
		});
		this.tree = treesOf(this.makePaths);
		this.course = {
			trend: (row) => run.trendOf(row),
			since: (row) => run.row.since[row],
			rate: (row) => run.row.rate[row],
			first: (row) => this.about.firstAndLast().first[row],
			last: (row) => this.about.firstAndLast().last[row],
			curve: (row, tell) => this.whenCells(() => tell(this.about.curve(row))),
		};
	}

	get paths(): Paths {
		return this.makePaths();
	}

	private whenCells(act: () => void): void {
		if (this.hasCells) act();
		else this.waiting.push(act);
	}

	// What the cells are needed for can be done from now on.
	cellsCame(): void {
		this.hasCells = true;
		for (const act of this.waiting.splice(0)) act();
	}

	measure(selection: Selection): Measured {
		return { now: this.about.byRow(selection), before: null };
	}

	path(row: number): Place[] {
		return this.run.path(row).map((place) => this.run.placeOf(place));
	}

	label(row: number): string {
		return this.origins.label(row);
	}

	callers(row: number): string {
		return this.origins.callers(row);
	}
}

// Two backtraces are the same if they have the same functions: lines differ between versions. The last trace is the new one.
export class Comparison implements View {
	readonly entries: number;
	readonly course = null;
	readonly metrics: Metric[];
	readonly paths: Paths;
	readonly tree: (inverted: boolean) => Tree;
	private readonly owners: { run: Run; row: number }[] = [];
	private readonly slots: Int32Array; // the entry of each row, those of all runs one behind the other
	private readonly isSample: boolean;
	private readonly origins: Origins[]; // by run

	constructor(
		private readonly runs: Run[],
		private readonly isNew: (run: Run) => boolean,
	) {
		const all = new Paths(false);
		for (const run of runs) all.addRun(run);
		this.metrics = metricsOf(runs);
		this.isSample = runs.some((run) => run.isSample);
		this.origins = runs.map((run) => new Origins(run));
		const firsts = all.firstAlike();
		const entries: number[] = []; // the first backtrace of each
		this.slots = new Int32Array(all.count);
		this.eachRow((run, row, at) => {
			const entry = firsts[at] === at ? entries.push(at) - 1 : this.slots[firsts[at]];
			this.slots[at] = entry;
			if (!this.owners[entry] || (isNew(run) && !isNew(this.owners[entry].run))) this.owners[entry] = { run, row };
		});
		this.entries = entries.length;
		this.paths = all.only(entries);
		this.tree = treesOf(() => this.paths);
	}

	private eachRow(act: (run: Run, row: number, at: number) => void): void {
		let at = 0;
		for (const run of this.runs) for (let row = 0; row < run.rowCount; row++) act(run, row, at++);
	}

	measure(selection: Selection): Measured {
		const now = newAmounts(this.entries, this.isSample);
		const before = newAmounts(this.entries, this.isSample);
		const whole = { ...selection, thread: null, range: null };
		const amounts = new Map(this.runs.map((run) => [run, new Measure(run).byRow(whole)]));
		this.eachRow((run, row, at) => {
			addAt(this.isNew(run) ? now : before, this.slots[at], amounts.get(run) as Amounts, row);
		});
		return { now, before };
	}

	path(entry: number): Place[] {
		const { run, row } = this.owners[entry];
		return run.path(row).map((place) => run.placeOf(place));
	}

	label(entry: number): string {
		const { run, row } = this.owners[entry];
		return this.originsOf(run).label(row);
	}

	callers(entry: number): string {
		const { run, row } = this.owners[entry];
		return this.originsOf(run).callers(row);
	}

	private originsOf(run: Run): Origins {
		return this.origins[this.runs.indexOf(run)];
	}
}
