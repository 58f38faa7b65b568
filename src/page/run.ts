// SPDX-License-Identifier: GPL-3.0-or-later
// One process image of a trace, as this page has it. References to strings, places and nodes are indexes plus one; 0 is
// none. A place is a function with file and line, a node is a place and the node of its caller, a row is a backtrace, a
// consumer is a row and a thread.
import { signed, unpack } from "./unpack";

export interface Amount {
	count: number;
	bytes: number;
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
	temporary: Amount;
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
	trace: string;
	number: number;
	metric: Metric | null;
	axis: "time" | "events";
	threads: string[];
	marks: { at: number; name: string }[];
	marks_left_out: number;
	slice: number;
	stretch: number;
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

export interface Amounts {
	count: Float64Array;
	bytes: Float64Array;
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

export class Run {
	readonly info: Description;
	readonly report: Report;
	readonly place: { name: Int32Array; file: Int32Array; line: Int32Array; module: Int32Array; flags: Int32Array };
	readonly caller: Int32Array; // by node: the caller's node plus one
	readonly nodePlace: Int32Array;
	readonly row: {
		node: Int32Array;
		call: Int32Array;
		line: Float64Array;
		trend: Int32Array;
		since: Float64Array;
		rate: Float64Array;
	};
	readonly rowCount: number;
	readonly consumer: {
		row: Int32Array;
		thread: Int32Array;
		first: Float64Array;
		last: Float64Array;
		cells: Int32Array;
	};
	readonly consumerCount: number;
	readonly whole: Record<"allocated" | "peak" | "leaked" | "lost" | "temporary", Amounts>;
	readonly cell: { slice: Int32Array; came: Amounts; left: Amounts; temporary: Amounts };
	readonly size: { class: Float64Array; slice: Float64Array; count: Float64Array; bytes: Float64Array };
	readonly usage: {
		at: Float64Array;
		least: Float64Array;
		most: Float64Array;
		order: Float64Array;
		last: Float64Array;
		usable: Float64Array;
		resident: Float64Array;
	};

	constructor(info: Description, columns: Map<string, Float64Array>) {
		const numbers = (name: string): Float64Array => {
			const column = columns.get(name);
			if (!column) throw new Error(`the data of this page has no column ${name}`);
			return column;
		};
		const integers = (name: string) => Int32Array.from(numbers(name));
		const amounts = (name: string) => ({ count: numbers(`${name}.count`), bytes: numbers(`${name}.bytes`) });
		this.info = info;
		this.report = info.report;
		this.place = {
			name: integers("place.name"),
			file: integers("place.file"),
			line: integers("place.line"),
			module: integers("place.module"),
			flags: integers("place.flags"),
		};
		this.caller = integers("node.caller");
		for (let i = 0; i < this.caller.length; i++) if (this.caller[i]) this.caller[i] = i + 1 - this.caller[i];
		this.nodePlace = integers("node.place");
		this.row = {
			node: integers("row.node"),
			call: integers("row.call"),
			line: numbers("row.line"),
			trend: integers("row.trend"),
			since: numbers("row.since"),
			rate: numbers("row.rate").map(signed),
		};
		this.rowCount = this.row.node.length;
		this.consumer = {
			row: integers("consumer.row"),
			thread: integers("consumer.thread"),
			first: numbers("consumer.first"),
			last: numbers("consumer.last"),
			cells: integers("consumer.cells"),
		};
		this.consumerCount = this.consumer.row.length;
		this.whole = {
			allocated: amounts("consumer.allocated"),
			peak: amounts("consumer.peak"),
			leaked: amounts("consumer.leaked"),
			lost: amounts("consumer.lost"),
			temporary: amounts("consumer.temporary"),
		};
		this.cell = {
			slice: integers("cell.slice"),
			came: amounts("cell.came"),
			left: amounts("cell.left"),
			temporary: amounts("cell.temporary"),
		};
		for (let consumer = 0, i = 0; consumer < this.consumerCount; consumer++)
			for (let slice = 0, end = i + this.consumer.cells[consumer]; i < end; i++) {
				slice += this.cell.slice[i];
				this.cell.slice[i] = slice;
			}
		this.size = {
			class: numbers("size.class"),
			slice: numbers("size.slice"),
			count: numbers("size.count"),
			bytes: numbers("size.bytes"),
		};
		this.usage = {
			at: numbers("stretch.at"),
			least: numbers("stretch.least"),
			most: numbers("stretch.most"),
			order: numbers("stretch.order"),
			last: numbers("stretch.last"),
			usable: numbers("stretch.usable"),
			resident: numbers("stretch.resident"),
		};
		for (let i = 1; i < this.usage.at.length; i++) this.usage.at[i] += this.usage.at[i - 1];
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

	// Which rows have QUERY, in lower case, in the name, file or module of a function.
	matching(query: string): Uint8Array {
		const strings = this.info.strings.map((text) => Number(text.toLowerCase().includes(query)));
		const has = (reference: number) => (reference ? strings[reference - 1] : 0);
		const places = this.place.name.map((name, i) => has(name) | has(this.place.file[i]) | has(this.place.module[i]));
		const nodes = new Uint8Array(this.caller.length + 1);
		for (let i = 0; i < this.caller.length; i++) nodes[i + 1] = places[this.nodePlace[i]] | nodes[this.caller[i]];
		const rows = new Uint8Array(this.rowCount);
		for (let row = 0; row < rows.length; row++)
			rows[row] = this.row.node[row] ? nodes[this.row.node[row]] : has(this.row.call[row]);
		return rows;
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

export async function openRun(text: string): Promise<Run> {
	const { description, columns } = await unpack<Description>(text);
	return new Run(description, columns);
}
