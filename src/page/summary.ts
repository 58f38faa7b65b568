// SPDX-License-Identifier: GPL-3.0-or-later
// What a person sees first: which program, how it ended, whether it leaks.
import { element } from "./dom";
import {
	amount,
	blocksOf,
	bytes,
	bytesOf,
	count,
	duration,
	errorsOf,
	plural,
	rate,
	signedBytes,
	sumOf,
} from "./format";
import { type Amount, type Report, type Run, TRENDS } from "./run";
import { sparkline } from "./sparkline";
import { baseName } from "./tree";
import type { RunView } from "./view";

const SIGNALS: Record<number, string> = {
	1: "SIGHUP",
	2: "SIGINT",
	3: "SIGQUIT",
	4: "SIGILL",
	6: "SIGABRT",
	7: "SIGBUS",
	8: "SIGFPE",
	9: "SIGKILL",
	11: "SIGSEGV",
	13: "SIGPIPE",
	14: "SIGALRM",
	15: "SIGTERM",
};

const FLAVOURS: Record<string, string> = {
	preload: "preloaded",
	attached: "attached to while it ran",
	dlopen: "loaded by the program itself",
	"wrap-dynamic": "linked in, dynamic program",
	"wrap-static": "linked in, static program",
	embedded: "on a chip",
};

const STATES: Record<string, string> = {
	ended: "ended",
	running: "still running when its trace was read",
	replaced: "replaced by another program (exec)",
	endless: "none: a chip runs on",
	continued: "not there yet, the trace goes on in a newer file",
	detached: "the tracer went, the program may run on",
	unknown: "not known, the trace ends early",
};

function stateText(report: Report): string {
	if (report.state !== "killed") return STATES[report.state] ?? report.state;
	if (report.signal === null) return "killed";
	return `killed by signal ${report.signal}${SIGNALS[report.signal] ? ` (${SIGNALS[report.signal]})` : ""}`;
}

// A chip's trace may name the program only where it says what was mapped.
function programOf(run: Run): string {
	const { strings } = run.info;
	const path = run.report.program ?? (run.info.chip ? strings[run.place.module[0] - 1] : null);
	return path ? baseName(path) : "program not known";
}

export function nameOf(run: Run): string {
	if (run.info.chip) return `${programOf(run)}, on a chip`;
	return run.report.pid === null ? programOf(run) : `${programOf(run)}, process ${run.report.pid}`;
}

// What is missing in the trace, so that the numbers are not all.
function warnings(run: Run): string[] {
	const { report } = run;
	const list = [];
	if (!report.begun) list.push("The beginning is missing in the trace.");
	if (!report.ended && report.state !== "endless")
		list.push("The end is missing in the trace: what is live here may have been freed later.");
	if (report.attached) {
		const before = report.attached.before === null ? "" : `, ${bytes(report.attached.before)},`;
		list.push(`The tracer came when the process ran already: what it had allocated before${before} is not in here.`);
	}
	if (report.lost) list.push(`${plural(report.lost, "event")} could not be recorded.`);
	if (report.limit !== null)
		list.push(`The trace reached its limit of ${bytes(report.limit)}: later allocations are not in it.`);
	if (report.unkept) list.push(`The sizes of ${plural(report.unkept, "block")} are not known.`);
	if (report.malformed) list.push(`${plural(report.malformed, "line")} of the trace could not be read.`);
	if (report.unseen) list.push(`Not seen are ${report.unseen}. Advice: ${report.advice ?? ""}.`);
	if (report.unknown) list.push(`${plural(report.unknown, "free")} of blocks that the trace does not show.`);
	if (run.info.looked?.partial)
		list.push("The tracer came later than the program: blocks from before count as pointing to whatever they contain.");
	return list;
}

function fact(name: string, value: string, detail = "", hint = ""): HTMLElement {
	return element(
		"div",
		{ class: "fact" },
		element("dt", { text: name }),
		element(
			"dd",
			{},
			element("span", { class: "value", text: value }),
			detail ? element("span", { class: "detail", text: detail }) : null,
			hint ? element("span", { class: "detail", text: hint }) : null,
		),
	);
}

// A fact that is an amount: what is estimated tells how well.
function amountFact(name: string, value: Amount, detail: string): HTMLElement {
	return fact(name, bytesOf(value), detail, errorsOf(value) ?? "");
}

// What no pointer leads to; null if nobody looked.
function lostOf(run: Run): Amount | null {
	const { looked } = run.info;
	if (!looked) return null;
	return sumOf([looked.lost, looked.indirect]);
}

function reachFacts(run: Run): (HTMLElement | null)[] {
	const { looked } = run.info;
	const lost = lostOf(run);
	if (!looked || !lost) return [];
	return [
		amountFact("Lost", lost, `${blocksOf(lost)}: no pointer leads to them`),
		looked.possible.count
			? amountFact("Possibly lost", looked.possible, `${blocksOf(looked.possible)}: only pointers into their inside`)
			: null,
		amountFact(
			"Reachable",
			looked.reachable,
			blocksOf(looked.reachable) + (looked.later.count ? `; ${blocksOf(looked.later)} came later` : ""),
		),
	];
}

// The part that the command was asked for by --since and --until.
function windowText({ since, until }: NonNullable<Report["window"]>): string {
	return [since && `since ${since.moment}`, until && `until ${until.moment}`].filter(Boolean).join(", ");
}

export function facts(run: Run, moment: (at: number) => string): HTMLElement {
	const { report, info } = run;
	const began =
		info.began === null ? "" : `began ${new Date(info.began).toISOString().replace("T", " ").slice(0, 19)} UTC`;
	return element(
		"dl",
		{ class: "facts" },
		amountFact(info.table ? "Live" : "Leaked", report.leaked, `${blocksOf(report.leaked)} live at the end`),
		report.suppressed
			? amountFact("Suppressed", report.suppressed, `${blocksOf(report.suppressed)} do not count as leaked`)
			: null,
		...reachFacts(run),
		amountFact("Peak", report.peak, `${blocksOf(report.peak)}${info.peak === null ? "" : `, at ${moment(info.peak)}`}`),
		amountFact("Allocated", report.allocated, blocksOf(report.allocated)),
		info.sample === null
			? null
			: fact("Sample", `one in ${bytes(info.sample)}`, "numbers with ~ are estimates of what all blocks have"),
		info.resident === null ? null : fact("Resident", bytes(info.resident), "at most"),
		info.duration === null ? null : fact("Duration", duration(info.duration), began),
		report.window === null ? null : fact("Part of the run", windowText(report.window)),
		fact(
			"Events",
			count(info.events),
			report.temporary?.count ? `temporary: ${plural(report.temporary.count, "block")}` : "",
		),
		run.hasThreads ? fact("Threads", count(report.threads.length)) : null,
		fact("End", stateText(report), warnings(run).length ? "the trace is not complete" : "the trace is complete"),
		fact("Traced", FLAVOURS[report.flavour ?? ""] ?? report.flavour ?? "not known", info.trace),
	);
}

export function warningList(run: Run): HTMLElement | null {
	const list = warnings(run);
	if (!list.length) return null;
	return element(
		"div",
		{ class: "warnings", attributes: { role: "note" } },
		element("h2", { text: "Not all is in this trace" }),
		element("ul", {}, ...list.map((text) => element("li", { text }))),
	);
}

const STEADY_SHOWN = 5;
const STEADY = TRENDS.indexOf("steady");

// The backtraces that grow steadily, those that grow fastest first.
function steadyRows(run: Run): number[] {
	const rows = [];
	for (let row = 0; row < run.rowCount; row++) if (run.row.trend[row] === STEADY) rows.push(row);
	return rows.sort((a, b) => run.row.rate[b] - run.row.rate[a]);
}

function verdictText(run: Run, steady: number[]): string {
	const { leaked } = run.report;
	const lost = lostOf(run);
	if (steady.length) {
		const together = steady.reduce((all, row) => all + run.row.rate[row], 0);
		const about = run.isSample ? "~" : "";
		const many = steady.length > 1;
		return `${plural(steady.length, "backtrace")} ${many ? "grow" : "grows"} steadily, by ${about}${rate(together)}${many ? " together" : ""}.`;
	}
	if (lost?.count) return `${amount(lost)} ${lost.count === 1 ? "is" : "are"} lost: no pointer leads to them.`;
	if (!leaked.count) return "All that was allocated was freed.";
	const rest = lost ? "Nothing is lost." : "No backtrace is known to grow steadily.";
	return `${amount(leaked)} ${leaked.count === 1 ? "was" : "were"} not freed. ${rest}`;
}

// SHOW opens the row in the table.
export function verdict(run: Run, view: RunView, show: (row: number) => void): HTMLElement {
	const steady = steadyRows(run);
	const list = element("ul", { class: "steady" });
	for (const row of steady.slice(0, STEADY_SHOWN)) {
		const since = duration(run.info.end - run.row.since[row]);
		list.append(
			element(
				"li",
				{},
				sparkline("held over the run", (draw) => view.course.curve(row, draw)),
				element("button", {
					class: "link",
					text: view.label(row),
					attributes: { type: "button" },
					click: () => show(row),
				}),
				element("span", { class: "callers", text: view.callers(row) }),
				element("span", {
					class: "detail",
					text: `\u25b2 ${run.isSample ? "~" : ""}${rate(run.row.rate[row])}, for ${since}`,
				}),
			),
		);
	}
	if (steady.length > STEADY_SHOWN)
		list.append(element("li", { text: `and ${steady.length - STEADY_SHOWN} more: sort the table by growth` }));
	return element(
		"div",
		{ class: steady.length || lostOf(run)?.count ? "verdict leaks" : "verdict" },
		element("p", { class: "said", text: (steady.length ? "\u25b2 " : "") + verdictText(run, steady) }),
		steady.length ? list : null,
	);
}

// Null: of some run it is not known.
function total(runs: Run[], of: (report: Report) => Amount | null): Amount | null {
	const amounts = runs.map((run) => of(run.report)).filter((amount) => amount !== null);
	return amounts.length === runs.length ? sumOf(amounts) : null;
}

// The table on top of a comparison.
export function comparisonFacts(before: Run[], now: Run[]): HTMLElement {
	const rows: [string, (report: Report) => Amount | null][] = [
		["Leaked", (report) => report.leaked],
		["Peak", (report) => report.peak],
		["Allocated", (report) => report.allocated],
		["Temporary", (report) => report.temporary],
	];
	const names = (runs: Run[]) => [...new Set(runs.map((run) => run.info.trace))].join(", ");
	const body = rows.map(([name, of]) => {
		const old = total(before, of);
		const fresh = total(now, of);
		if (!old || !fresh) return null;
		const change = fresh.bytes - old.bytes;
		const about = old.estimated || fresh.estimated ? "~" : "";
		return element(
			"tr",
			{},
			element("th", { text: name, attributes: { scope: "row" } }),
			element("td", { class: "number", text: amount(old) }),
			element("td", { class: "number", text: amount(fresh) }),
			element("td", {
				class: `number ${change > 0 ? "grew" : change < 0 ? "shrank" : ""}`,
				text: `${change > 0 ? "\u25b2 " : change < 0 ? "\u25bc " : ""}${about}${signedBytes(change)}`,
			}),
		);
	});
	const heading = (text: string) => element("th", { class: "change", text, attributes: { scope: "col" } });
	const head = [heading(`Before: ${names(before)}`), heading(`Now: ${names(now)}`), heading("Change")];
	return element(
		"div",
		{},
		comparisonVerdict(sumOf(before.map((run) => run.report.leaked)), sumOf(now.map((run) => run.report.leaked))),
		element(
			"div",
			{ class: "scrolls" },
			element(
				"table",
				{},
				element("caption", { text: "Both traces" }),
				element("thead", {}, element("tr", {}, element("td"), ...head)),
				element("tbody", {}, ...body),
			),
		),
	);
}

function comparisonVerdict(before: Amount, now: Amount): HTMLElement {
	const change = now.bytes - before.bytes;
	const about = now.estimated || before.estimated ? "~" : "";
	const text =
		change > 0
			? `\u25b2 ${about}${bytes(change)} more are leaked than before.`
			: change < 0
				? `\u25bc ${about}${bytes(-change)} less are leaked than before.`
				: "As much is leaked as before.";
	return element("div", { class: change > 0 ? "verdict leaks" : "verdict" }, element("p", { class: "said", text }));
}
