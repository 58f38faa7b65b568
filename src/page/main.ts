// SPDX-License-Identifier: GPL-3.0-or-later
// Opens the data of the page, and connects its parts.
import { Chart } from "./chart";
import { element, fill, find, visible } from "./dom";
import { Flame } from "./flame";
import { bytes, count, duration, METRIC_TEXT, plural, signedBytes, signedCount } from "./format";
import { Later } from "./later";
import { countsBlocks, type Range, type Selection } from "./measure";
import { moduleTable, sizeTable, threadTable } from "./panels";
import { type Metric, openRun, type Run } from "./run";
import { comparisonFacts, facts, nameOf, verdict, warningList } from "./summary";
import { Table } from "./table";
import { Comparison, type Measured, RunView, type View } from "./view";

const EMPTY: Record<Metric, string> = {
	leaked: "All that was allocated was freed.",
	lost: "Nothing is lost: pointers lead to all live blocks.",
	peak: "Nothing was allocated.",
	allocated: "Nothing was allocated.",
	calls: "Nothing was allocated.",
	temporary: "No block was temporary.",
};

// What it means for a part of the run.
const RANGE_TEXT: Partial<Record<Metric, string>> = {
	leaked: "live at the end of the range",
	lost: "lost of what was allocated in the range",
	peak: "at the peak of the range",
};

const MARKS_SHOWN = 100;

// Is it in the window?
function isSeen(part: HTMLElement): boolean {
	const { top, bottom } = part.getBoundingClientRect();
	return bottom >= 0 && top <= innerHeight;
}

class Page {
	private readonly runs: Run[] = [];
	private view: View | null = null;
	private run: Run | null = null; // null: the view is a comparison
	private chart: Chart | null = null;
	private readonly selection: Selection = { metric: "leaked", thread: null, range: null };
	private measured: Measured | null = null; // for the selection
	private readonly later = new Later();
	private inverted = false;
	private readonly metrics = find("metrics", HTMLElement);
	private readonly threads = find("thread", HTMLSelectElement);
	private readonly flame = new Flame(
		find("flame", HTMLElement),
		find("flame-detail", HTMLElement),
		find("flame-found", HTMLElement),
		find("flame-out", HTMLButtonElement),
	);
	private readonly table = new Table(
		find("table-head", HTMLElement),
		find("table-body", HTMLElement),
		find("table-state", HTMLElement),
		find("table-more", HTMLButtonElement),
	);

	async start(): Promise<void> {
		const [scripts, cells] = ["trace", "cells"].map((name) => [...document.querySelectorAll(`script.${name}`)]);
		for (const [i, script] of scripts.entries()) {
			this.runs.push(await openRun(script.textContent ?? "", cells[i].textContent ?? ""));
			script.remove();
			cells[i].remove();
		}
		if (!this.runs.length) throw new Error("this page has no data");
		this.connect();
		this.offerViews();
		find("main", HTMLElement).hidden = false;
	}

	// ---- which run ----------------------------------------------------------------

	private get isComparison(): boolean {
		return Math.max(...this.runs.map((run) => run.info.number)) === 2;
	}

	private offerViews(): void {
		const choice = find("run", HTMLSelectElement);
		const names = this.runs.map((run) => nameOf(run));
		names.forEach((name, i) => {
			const trace = this.isComparison ? ` (${this.runs[i].info.trace})` : "";
			choice.append(element("option", { text: name + trace, attributes: { value: i } }));
		});
		if (this.isComparison)
			choice.prepend(element("option", { text: "comparison of both traces", attributes: { value: "both" } }));
		if (this.isComparison) choice.value = "both";
		else choice.value = String(this.largest());
		find("run-choice", HTMLElement).hidden = choice.length < 2;
		choice.addEventListener("change", () => this.choose(choice.value));
		this.choose(choice.value);
	}

	// A shell that starts a program is not what people look for.
	private largest(): number {
		const peaks = this.runs.map((run) => run.report.peak.bytes);
		return peaks.indexOf(Math.max(...peaks));
	}

	private choose(value: string): void {
		this.selection.range = null;
		this.selection.thread = null;
		if (value === "both") this.showComparison();
		else this.showRun(this.runs[Number(value)]);
	}

	private moment = (at: number): string =>
		this.run?.info.axis === "events" ? `event ${count(Math.round(at))}` : duration(Math.round(at));

	private showRun(run: Run): void {
		const view = new RunView(run);
		this.run = run;
		this.view = view;
		this.title(nameOf(run), run.report.title ?? run.report.program ?? "");
		fill(
			find("summary", HTMLElement),
			verdict(run, view, (row) => this.reveal(row)),
			warningList(run),
			facts(run, this.moment),
		);
		find("usage", HTMLElement).hidden = false;
		find("rest", HTMLElement).hidden = false;
		fill(find("chart", HTMLElement));
		this.chart = new Chart(find("chart", HTMLElement), run, this.moment, (range) => this.selectRange(range));
		this.describeChart(run);
		this.offerThreads(run);
		this.offerMetrics(run.info.metric ?? this.firstMetric(run));
		this.showFirst(() => void this.prepareCells(run, view));
	}

	private showComparison(): void {
		const isNew = (run: Run) => run.info.number === 2;
		this.run = null;
		this.chart = null;
		this.view = new Comparison(this.runs, isNew);
		const now = this.runs.filter(isNew);
		const before = this.runs.filter((run) => !isNew(run));
		this.title(`${nameOf(now[0] ?? before[0])}: comparison`, "");
		fill(find("summary", HTMLElement), comparisonFacts(before, now), ...this.runs.map((run) => warningList(run)));
		find("usage", HTMLElement).hidden = true;
		find("rest", HTMLElement).hidden = true;
		find("thread-choice", HTMLElement).hidden = true;
		this.offerMetrics(this.runs[0].info.metric ?? "leaked");
		this.showFirst();
	}

	// What is farther down does not keep the summary and the chart waiting.
	private showFirst(then: () => void = () => {}): void {
		find("main", HTMLElement).setAttribute("aria-busy", "true");
		this.later.set("update", () => {
			this.update();
			this.later.set("cells", then);
		});
	}

	// Curves, ranges and modules need the cells, which are the larger part of the data.
	private async prepareCells(run: Run, view: RunView): Promise<void> {
		await run.prepareCells();
		const isShown = () => this.view === view;
		view.about.preparations().forEach((prepare, i) => {
			this.later.set(`preparation ${i}`, () => isShown() && prepare());
		});
		this.later.set("curves", () => view.cellsCame());
	}

	private title(name: string, detail: string): void {
		document.title = visible(`${name} \u2013 memory`);
		fill(find("title", HTMLElement), document.createTextNode(visible(name)));
		fill(find("subtitle", HTMLElement), document.createTextNode(visible(detail)));
	}

	// What is interesting of a run that ended without leaks is its peak.
	private firstMetric(run: Run): Metric {
		return run.report.leaked.count ? (run.info.looked ? "lost" : "leaked") : "peak";
	}

	private describeChart(run: Run): void {
		const { report, info } = run;
		const text = `Memory in use over the run: at most ${bytes(report.peak.bytes)}${info.peak === null ? "" : ` at ${this.moment(info.peak)}`}, ${bytes(report.leaked.bytes)} at the end.`;
		const host = find("chart", HTMLElement);
		host.setAttribute("aria-label", text);
		const marks = info.marks
			.slice(0, MARKS_SHOWN)
			.map((mark) => element("li", { text: `${mark.name} at ${this.moment(mark.at)}` }));
		const hidden = info.marks_left_out + Math.max(0, info.marks.length - MARKS_SHOWN);
		const rest = hidden ? element("li", { text: `and ${count(hidden)} more` }) : null;
		fill(find("marks", HTMLElement), ...marks, rest);
		find("marks-part", HTMLElement).hidden = !marks.length;
	}

	// ---- controls -----------------------------------------------------------------

	private connect(): void {
		const inverted = find("inverted", HTMLInputElement);
		inverted.addEventListener("change", () => {
			this.inverted = inverted.checked;
			this.updateFlame();
		});
		const search = find("search", HTMLInputElement);
		search.addEventListener("input", () => this.flame.search(search.value));
		const filter = find("filter", HTMLInputElement);
		filter.addEventListener("input", () => this.table.filter(filter.value));
		this.threads.addEventListener("change", () => {
			this.selection.thread = this.threads.value === "" ? null : Number(this.threads.value);
			this.update();
		});
		find("range-whole", HTMLButtonElement).addEventListener("click", () => this.chart?.select(null));
	}

	private offerThreads(run: Run): void {
		const options = run.info.threads.map((name, i) => element("option", { text: name, attributes: { value: i } }));
		const used = new Uint8Array(options.length);
		for (const thread of run.consumer.thread) used[thread] = 1;
		fill(
			this.threads,
			element("option", { text: "all threads", attributes: { value: "" } }),
			...options.filter((_, i) => used[i]),
		);
		find("thread-choice", HTMLElement).hidden = !run.hasThreads;
	}

	private offerMetrics(first: Metric): void {
		const metrics = this.view?.metrics ?? [];
		this.selection.metric = metrics.includes(first) ? first : "leaked";
		const buttons = metrics.map((metric) => {
			const input = element("input", {
				attributes: { type: "radio", name: "metric", value: metric, id: `metric-${metric}` },
			});
			input.checked = metric === this.selection.metric;
			input.addEventListener("change", () => {
				this.selection.metric = metric;
				this.update();
			});
			return element(
				"label",
				{ attributes: { for: `metric-${metric}` } },
				input,
				element("span", { text: METRIC_TEXT[metric] }),
			);
		});
		fill(this.metrics, ...buttons);
	}

	private reveal(row: number): void {
		find("filter", HTMLInputElement).value = "";
		const input = find("metric-leaked", HTMLInputElement);
		if (!input.checked) input.click();
		this.later.flush();
		this.table.reveal(row);
	}

	private selectRange(range: Range | null): void {
		this.selection.range = range;
		this.update();
	}

	// ---- what is shown ------------------------------------------------------------

	private what(): string {
		const { metric, range } = this.selection;
		return (range && RANGE_TEXT[metric]) ?? `${METRIC_TEXT[metric]}${range ? " in the range" : ""}`;
	}

	// What is not in the window waits until the rest is shown.
	private update(): void {
		if (!this.view) return;
		this.later.drop("update");
		const main = find("main", HTMLElement);
		main.setAttribute("aria-busy", "true");
		this.measured = this.view.measure(this.selection);
		const parts = [
			{ name: "flame", place: "flame", act: () => this.updateFlame() },
			{ name: "table", place: "backtraces", act: () => this.updateTable() },
		].map((part) => ({ ...part, isSeen: isSeen(find(part.place, HTMLElement)) }));
		for (const { name, act, isSeen } of parts)
			if (!isSeen) this.later.set(name, act);
			else {
				this.later.drop(name);
				act();
			}
		for (const place of document.querySelectorAll(".what")) place.textContent = this.what();
		this.later.set("panels", () => this.updatePanels());
	}

	private updateFlame(): void {
		if (!this.view || !this.measured) return;
		const tree = this.view.tree(this.inverted);
		const { now, before } = this.measured;
		const byBlocks = countsBlocks(this.selection.metric);
		const column = byBlocks ? "count" : "bytes";
		const about = now.sample ? "~" : "";
		tree.show({
			now: now[column],
			before: before?.[column] ?? null,
			variance: now.sample?.[`${column}Variance`] ?? null,
		});
		this.flame.show({
			tree,
			values: now[column],
			format: (n) => about + (byBlocks ? plural(Math.round(n), "block") : bytes(n)),
			formatChange: (n) => about + (byBlocks ? signedCount(n) : signedBytes(n)),
			empty: EMPTY[this.selection.metric],
		});
	}

	private updateTable(): void {
		const { view, measured } = this;
		if (!view || !measured) return;
		this.table.show({
			view,
			measured,
			byBlocks: countsBlocks(this.selection.metric),
			moment: this.moment,
			empty: EMPTY[this.selection.metric],
		});
	}

	// What is farther down the page.
	private updatePanels(): void {
		const { view, run, measured } = this;
		find("main", HTMLElement).removeAttribute("aria-busy");
		if (!(view instanceof RunView) || !run || !measured) return;
		const byBlocks = countsBlocks(this.selection.metric);
		const what = this.what();
		const { threads } = run.info;
		fill(
			find("panels", HTMLElement),
			sizeTable(view.about.bySize(this.selection.range)),
			moduleTable(view.about.byModule(measured.now), byBlocks, what),
			run.hasThreads && threadTable(threads, view.about.byThread(this.selection), byBlocks, what),
		);
	}
}

new Page().start().catch((error: unknown) => {
	const message = find("message", HTMLElement);
	message.textContent = `This page can't show its data: ${error instanceof Error ? error.message : String(error)}`;
	message.hidden = false;
});
