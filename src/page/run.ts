// SPDX-License-Identifier: GPL-3.0-or-later
// One process image of a trace, as this page has it. References to strings, places and nodes are indexes plus one; 0 is
// none. A place is a function with file and line, a node is a place and the node of its caller, a row is a backtrace, a
// consumer is a row and a thread. A cell is what a consumer did in a slice of the run. The columns of cells are by far the
// longest, and nothing that is seen at first needs them: they are in a part of their own.
import { type Columns, once, Packed, Reader, readColumns, signed, sumUp } from "./unpack";

export interface Amount {
	count: number;
	bytes: number;
	// Of a sample: the number of blocks that these estimates rest on, and their standard errors.
	estimated?: boolean;
	samples?: number;
	count_error?: number;
	bytes_error?: number;
}

// What `log-malloc-report --format json` says, without its consumers: see log-malloc2-json(5).
export interface Report {
	program: string | null;
	title: string | null;
	pid: number | null;
	parent: number | null;
	flavour: string | null;
	attached: { began: number | null; before: number | null } | null;
	unseen: string | null;
	advice: string | null;
	complete: boolean;
	begun: boolean;
	ended: boolean;
	state: string;
	signal: number | null;
	lost: number;
	unkept: number;
	limit: number | null;
	malformed: number;
	allocated: Amount;
	peak: Amount & { line: number | null; time: number | null };
	leaked: Amount;
	temporary: Amount | null; // of a sample, it is not known
	suppressed?: Amount; // by a file, and so not in what is leaked
	foreign: number;
	inherited: number;
	unknown: number;
	by: Metric;
	window: { since: Edge | null; until: Edge | null } | null;
	sizes: { from: number; to: number; count: number; bytes: number }[];
	calls: Record<string, { count: number; failed: number }>;
	threads: { thread: { number: number; name: string | null } | null; calls: number }[];
}

interface Edge {
	moment: string;
}

// What somebody found who looked what is reachable.
export interface Looked {
	time: number;
	partial: boolean;
	lost: Amount;
	indirect: Amount;
	possible: Amount;
	reachable: Amount;
	later: Amount; // allocated after that
}

export type Metric = "leaked" | "lost" | "peak" | "allocated" | "calls" | "temporary";

export interface Description {
	report: Report;
	strings: string[];
	columns: string[];
	cell_columns: string[];
	sample: number | null; // the mean distance of a sample's blocks, in bytes
	trace: string;
	number: number;
	metric: Metric | null;
	axis: "time" | "events";
	threads: string[];
	marks: { at: number; name: string }[];
	marks_left_out: number;
	slice: number;
	stretch: number;
	stretch_from: number;
	size_slice: number;
	from: number;
	end: number;
	peak: number | null;
	duration: number | null;
	began: number | null;
	events: number;
	looked: Looked | null;
	resident: number | null;
	chip: boolean;
	table: boolean;
}

// Of a sample, they are estimates, with the number of blocks that they rest on, and the squares of the standard errors.
export interface Amounts {
	count: Float64Array;
	bytes: Float64Array;
	sample: { blocks: Float64Array; countVariance: Float64Array; bytesVariance: Float64Array } | null;
}

export function columnsOf({ count, bytes, sample }: Amounts): Float64Array[] {
	return sample ? [count, bytes, sample.blocks, sample.countVariance, sample.bytesVariance] : [count, bytes];
}

function amountsOf([count, bytes, blocks, countVariance, bytesVariance]: Float64Array[]): Amounts {
	return { count, bytes, sample: blocks ? { blocks, countVariance, bytesVariance } : null };
}

export function newAmounts(length: number, isSample: boolean): Amounts {
	return amountsOf(Array.from({ length: isSample ? 5 : 2 }, () => new Float64Array(length)));
}

export const TRENDS = ["unknown", "steady", "stopped", "varies"] as const;
export type Trend = (typeof TRENDS)[number];

export enum PlaceFlag {
	Inlined = 1,
	Guessed = 2,
	Nameless = 4,
}

export interface Place {
	name: string;
	file: string | null;
	line: number;
	module: string | null;
	inlined: boolean;
	guessed: boolean;
	nameless: boolean;
}

const PARTS = ["count", "bytes"];
const PARTS_OF_SAMPLE = ["count", "bytes", "samples", "count_variance", "bytes_variance"];

// The columns of amounts, each of which is read when it is asked for.
function columnReaders(columns: () => Columns, name: string, isSample: boolean): (() => Float64Array)[] {
	if (!isSample) return PARTS.map((part) => once(() => columns().numbers(`${name}.${part}`)));
	return PARTS_OF_SAMPLE.map((part) => once(() => columns().doubles(`${name}.${part}`)));
}

export class AmountsReader {
	readonly parts: (() => Float64Array)[]; // each takes some 20 ms where there are a million cells

	constructor(parts: (() => Float64Array)[]) {
		this.parts = parts;
	}

	readonly all = once(() => amountsOf(this.parts.map((part) => part())));
}

// What happened when. All is in the order of the cells; amounts are the sums of the cells in front.
export class Cells {
	readonly slice: () => Uint8Array; // there are 256 at most
	readonly came: AmountsReader;
	readonly held: AmountsReader; // what came without what left
	readonly temporary: AmountsReader;
	readonly lost: AmountsReader; // what came and is lost at the end

	constructor(packed: Packed, names: string[], consumerCells: () => Int32Array, isSample: boolean) {
		const columns = once(() => readColumns(new Reader(packed.now()), names));
		const sums = (name: string) => columnReaders(columns, name, isSample).map((read) => once(() => sumUp(read())));
		this.slice = once(() => {
			const consumers = consumerCells();
			const slices = new Uint8Array(columns().numbers("cell.slice"));
			for (let consumer = 0, i = 0; consumer < consumers.length; consumer++)
				for (let slice = 0, end = i + consumers[consumer]; i < end; i++) {
					slice += slices[i];
					slices[i] = slice;
				}
			return slices;
		});
		this.came = new AmountsReader(sums("cell.came"));
		const left = columnReaders(columns, "cell.left", isSample);
		this.held = new AmountsReader(
			this.came.parts.map((came, i) =>
				once(() => {
					const held = sumUp(left[i]());
					const all = came();
					for (let at = 0; at < held.length; at++) held[at] = all[at] - held[at];
					return held;
				}),
			),
		);
		this.temporary = new AmountsReader(sums("cell.temporary"));
		this.lost = new AmountsReader(sums("cell.lost"));
	}
}

export class Run {
	readonly info: Description;
	readonly report: Report;
	readonly isSample: boolean;
	readonly place: { name: Int32Array; file: Int32Array; line: Int32Array; module: Int32Array; flags: Int32Array };
	readonly caller: Int32Array; // by node: the caller's node plus one
	readonly nodePlace: Int32Array;
	readonly row: {
		node: Int32Array;
		call: Int32Array;
		trend: Int32Array;
		since: Float64Array;
		rate: Float64Array;
	};
	readonly rowCount: number;
	readonly consumer: {
		row: Int32Array;
		thread: Int32Array;
		first: () => Float64Array;
		last: () => Float64Array;
		firstCell: () => Int32Array; // and behind them all the number of cells
	};
	readonly consumerCount: number;
	readonly whole: Record<"allocated" | "peak" | "leaked" | "lost" | "temporary", () => Amounts>;
	readonly cells: Cells;
	readonly size: { class: Int32Array; slice: Int32Array; amounts: Amounts };
	readonly usage: {
		at: Float64Array;
		least: Float64Array;
		most: Float64Array;
		order: Float64Array;
		usableLeast: Float64Array;
		usableMost: Float64Array;
		resident: Float64Array;
	};

	constructor(
		info: Description,
		columns: Columns,
		private readonly packedCells: Packed,
	) {
		const isSample = info.sample !== null;
		const amounts = (name: string) => new AmountsReader(columnReaders(() => columns, name, isSample)).all;
		this.info = info;
		this.report = info.report;
		this.isSample = isSample;
		this.place = {
			name: columns.integers("place.name"),
			file: columns.integers("place.file"),
			line: columns.integers("place.line"),
			module: columns.integers("place.module"),
			flags: columns.integers("place.flags"),
		};
		this.caller = columns.integers("node.caller");
		for (let i = 0; i < this.caller.length; i++) if (this.caller[i]) this.caller[i] = i + 1 - this.caller[i];
		this.nodePlace = columns.integers("node.place");
		this.row = {
			node: columns.integers("row.node"),
			call: columns.integers("row.call"),
			trend: columns.integers("row.trend"),
			since: columns.numbers("row.since"),
			rate: columns.numbers("row.rate").map(signed),
		};
		this.rowCount = this.row.node.length;
		const consumerCells = once(() => columns.integers("consumer.cells"));
		this.consumer = {
			row: columns.integers("consumer.row"),
			thread: columns.integers("consumer.thread"),
			first: once(() => columns.numbers("consumer.first")),
			last: once(() => columns.numbers("consumer.last")),
			firstCell: once(() => {
				const cells = consumerCells();
				const first = new Int32Array(cells.length + 1);
				for (let i = 0; i < cells.length; i++) first[i + 1] = first[i] + cells[i];
				return first;
			}),
		};
		this.consumerCount = this.consumer.row.length;
		this.whole = {
			allocated: amounts("consumer.allocated"),
			peak: amounts("consumer.peak"),
			leaked: amounts("consumer.leaked"),
			lost: amounts("consumer.lost"),
			temporary: amounts("consumer.temporary"),
		};
		this.cells = new Cells(packedCells, info.cell_columns, consumerCells, isSample);
		this.size = {
			class: columns.integers("size.class"),
			slice: columns.integers("size.slice"),
			amounts: amounts("size")(),
		};
		this.usage = {
			at: columns.numbers("stretch.at"),
			least: columns.numbers("stretch.least"),
			most: columns.numbers("stretch.most"),
			order: columns.numbers("stretch.order"),
			usableLeast: columns.numbers("stretch.usable_least"),
			usableMost: columns.numbers("stretch.usable_most"),
			resident: columns.numbers("stretch.resident"),
		};
		for (let i = 1; i < this.usage.at.length; i++) this.usage.at[i] += this.usage.at[i - 1];
	}

	// Inflates the cells beside other work. Without that, who asks for them first waits.
	async prepareCells(): Promise<void> {
		await this.packedCells.prepare();
	}

	private string(reference: number): string | null {
		return reference ? this.info.strings[reference - 1] : null;
	}

	placeOf(index: number): Place {
		const flags = this.place.flags[index];
		return {
			name: this.string(this.place.name[index]) ?? "?",
			file: this.string(this.place.file[index]),
			line: this.place.line[index],
			module: this.string(this.place.module[index]),
			inlined: (flags & PlaceFlag.Inlined) !== 0,
			guessed: (flags & PlaceFlag.Guessed) !== 0,
			nameless: (flags & PlaceFlag.Nameless) !== 0,
		};
	}

	// The places of a row, innermost first.
	path(row: number): number[] {
		const places = [];
		for (let node = this.row.node[row]; node; node = this.caller[node - 1]) places.push(this.nodePlace[node - 1]);
		return places;
	}

	callOf(row: number): string {
		return this.string(this.row.call[row]) ?? "?";
	}

	trendOf(row: number): Trend {
		return TRENDS[this.row.trend[row]] ?? "unknown";
	}

	get slices(): number {
		return Math.floor(this.info.end / this.info.slice) + 1;
	}

	get hasThreads(): boolean {
		return this.info.report.threads.length > 1;
	}
}

// FIRST has all but the cells.
export async function openRun(first: string, cells: string): Promise<Run> {
	const reader = new Reader(await new Packed(first).prepare());
	const info = JSON.parse(new TextDecoder().decode(reader.piece())) as Description;
	return new Run(info, readColumns(reader, info.columns), new Packed(cells));
}
