// SPDX-License-Identifier: GPL-3.0-or-later
// The table of backtraces: sorted by any column, filtered by a text, and each opens to show its functions.
import { bytesCell, countCell, numberCell } from "./cells";
import { element, fill } from "./dom";
import { blocksOf, bytesOf, count, errorsOf, percent, plural, rate, signedBytes, signedCount, sumOf } from "./format";
import { amountAt } from "./measure";
import type { Amount, Amounts, Place } from "./run";
import { sparkline } from "./sparkline";
import type { Measured, View } from "./view";

const FIRST_ROWS = 30;
const MORE_ROWS = 100;

export interface TableData {
	view: View;
	measured: Measured;
	byBlocks: boolean; // the metric counts blocks
	moment(at: number): string; // a position of the run, for people
	empty: string;
}

type Key = "place" | "bytes" | "blocks" | "before" | "change" | "trend" | "first" | "last";

interface Column {
	key: Key;
	title: string;
	order(entry: number): number;
	cell(entry: number): Node;
}

function frames(path: Place[]): HTMLElement {
	const list = element("ol", { class: "frames" });
	for (const place of path) {
		const where = place.file ? `${place.file}${place.line ? `:${place.line}` : ""}` : "no line known";
		list.append(
			element(
				"li",
				{},
				element("span", { class: "name", text: place.name + (place.guessed ? " (guessed)" : "") }),
				element("span", { class: "line", text: where + (place.inlined ? " (inlined)" : "") }),
				element("span", { class: "module", text: place.module ?? "" }),
			),
		);
	}
	return list;
}

// Which MOST of KEYS are the smallest, the smallest first. Of those that are alike, the first comes first.
function smallest(keys: Float64Array, most: number): number[] {
	const before = (a: number, b: number) => keys[a] - keys[b] || a - b;
	if (most * 16 > keys.length)
		return Array.from(keys, (_, i) => i)
			.sort(before)
			.slice(0, most);
	const list: number[] = [];
	for (let i = 0; i < keys.length; i++) {
		if (list.length === most && keys[i] >= keys[list[most - 1]]) continue;
		let at = list.length < most ? list.push(i) - 1 : most - 1;
		for (; at && keys[list[at - 1]] > keys[i]; at--) list[at] = list[at - 1];
		list[at] = i;
	}
	return list;
}

export class Table {
	private data: TableData | null = null;
	private sortKey: Key = "bytes";
	private descending = true;
	private query = "";
	private shown = FIRST_ROWS;
	private entries: number[] = []; // that are to be shown, in no order
	private readonly open = new Set<number>();
	private matching: Uint8Array | null = null; // by entry; null: there is no filter
	private ranks: Float64Array | null = null; // of the entries' labels in the alphabet

	constructor(
		private readonly head: HTMLElement,
		private readonly body: HTMLElement,
		private readonly state: HTMLElement,
		private readonly more: HTMLButtonElement,
	) {
		more.addEventListener("click", () => this.showMore());
	}

	show(data: TableData): void {
		if (data.view !== this.data?.view) {
			this.open.clear();
			this.ranks = null;
			this.findMatching(data.view);
			this.sortKey = data.measured.before ? "change" : "bytes";
		}
		if (!data.measured.before && this.data && data.byBlocks !== this.data.byBlocks)
			this.sortKey = data.byBlocks ? "blocks" : "bytes";
		this.data = data;
		this.shown = FIRST_ROWS;
		this.draw();
	}

	filter(query: string): void {
		this.query = query.trim().toLowerCase();
		if (this.data) this.findMatching(this.data.view);
		this.shown = FIRST_ROWS;
		this.draw();
	}

	private findMatching({ paths }: View): void {
		this.matching = this.query ? paths.having(paths.matchingKeys(this.query)) : null;
	}

	// Shows and opens one entry.
	reveal(entry: number): void {
		this.filter("");
		this.open.add(entry);
		this.shown = Math.max(this.shown, this.first(this.entries.length).indexOf(entry) + 1);
		this.draw();
		const row = this.body.querySelector(`[data-entry="${entry}"]`);
		row?.scrollIntoView({ block: "center" });
		row?.querySelector("button")?.focus({ preventScroll: true });
	}

	// ---- columns ------------------------------------------------------------------

	private rank(entry: number): number {
		if (!this.ranks) {
			const { view } = this.data as TableData;
			const labels = Array.from({ length: view.entries }, (_, i) => view.label(i));
			const places = new Map([...new Set(labels)].sort().map((label, i) => [label, i]));
			this.ranks = Float64Array.from(labels, (label) => places.get(label) ?? 0);
		}
		return this.ranks[entry];
	}

	private amountColumn(key: Key, title: string, amounts: Amounts): Column {
		const byBlocks = key === "blocks";
		const values = byBlocks ? amounts.count : amounts.bytes;
		const cell = byBlocks ? countCell : bytesCell;
		return { key, title, order: (entry) => values[entry], cell: (entry) => cell(amountAt(amounts, entry)) };
	}

	private momentColumn(key: Key, title: string, of: (entry: number) => number): Column {
		const { moment } = this.data as TableData;
		return { key, title, order: of, cell: (entry) => numberCell(moment(of(entry)), of(entry)) };
	}

	private columns(): Column[] {
		const { view, measured } = this.data as TableData;
		const { now, before } = measured;
		const course = view.course;
		const place: Column = {
			key: "place",
			title: "Allocated in",
			order: (entry) => this.rank(entry),
			cell: (entry) => this.placeCell(entry),
		};
		const list = [
			place,
			this.amountColumn("bytes", before ? "Bytes now" : "Bytes", now),
			this.amountColumn("blocks", before ? "Blocks now" : "Blocks", now),
		];
		if (before) {
			list.push(this.amountColumn("before", "Bytes before", before), this.changeColumn(now, before));
			return list;
		}
		if (course) {
			list.push({
				key: "trend",
				title: "Growth",
				order: (e) =>
					course.trend(e) === "steady" ? 1e15 + course.rate(e) : course.trend(e) === "stopped" ? -1e15 : 0,
				cell: (e) => this.trendCell(e),
			});
			list.push(this.momentColumn("first", "First", (e) => course.first(e)));
			list.push(this.momentColumn("last", "Last", (e) => course.last(e)));
		}
		return list;
	}

	private changeColumn(now: Amounts, before: Amounts): Column {
		const change = (e: number) => now.bytes[e] - before.bytes[e];
		const about = now.sample ? "~" : "";
		return {
			key: "change",
			title: "Change",
			order: change,
			cell: (e) => {
				const grew = change(e);
				const blocks = signedCount(now.count[e] - before.count[e]);
				const errors = errorsOf(sumOf([amountAt(now, e), amountAt(before, e)])) ?? undefined;
				return element("td", {
					title: errors,
					class: `number ${grew > 0 ? "grew" : grew < 0 ? "shrank" : ""}`,
					text: `${grew > 0 ? "\u25b2 " : grew < 0 ? "\u25bc " : ""}${about}${signedBytes(grew)} (${blocks})`,
				});
			},
		};
	}

	private placeCell(entry: number): HTMLElement {
		const isOpen = this.open.has(entry);
		const { view } = this.data as TableData;
		const button = element("button", {
			class: "opens",
			text: view.label(entry),
			attributes: { type: "button", "aria-expanded": String(isOpen) },
			click: () => {
				if (isOpen) this.open.delete(entry);
				else this.open.add(entry);
				this.draw();
				this.body.querySelector<HTMLElement>(`[data-entry="${entry}"] button`)?.focus({ preventScroll: true });
			},
		});
		return element(
			"th",
			{ attributes: { scope: "row" } },
			button,
			element("span", { class: "callers", text: view.callers(entry) }),
		);
	}

	private trendCell(entry: number): HTMLElement {
		const { view, measured } = this.data as TableData;
		const about = measured.now.sample ? "~" : "";
		const cell = element("td", { class: "trend" });
		const course = view.course;
		if (!course) return cell;
		const trend = course.trend(entry);
		const text =
			trend === "steady"
				? `\u25b2 steadily, ${about}${rate(course.rate(entry))}`
				: trend === "stopped"
					? "stopped"
					: trend === "varies"
						? "varies"
						: "";
		const image = sparkline("held over the run", (draw) => course.curve(entry, draw));
		cell.append(image, element("span", { class: trend, text }));
		return cell;
	}

	// ---- rows ---------------------------------------------------------------------

	// The entries that are to be shown, in no order.
	private wanted(): number[] {
		const { view, measured } = this.data as TableData;
		const { now, before } = measured;
		const list = [];
		for (let entry = 0; entry < view.entries; entry++)
			if ((now.count[entry] || before?.count[entry]) && (!this.matching || this.matching[entry])) list.push(entry);
		return list;
	}

	// The first MOST of the wanted entries in their order. Sorting all of them takes longer than a person likes to wait.
	private first(most: number): number[] {
		const column = this.columns().find((c) => c.key === this.sortKey) ?? this.columns()[1];
		const sign = this.descending ? -1 : 1;
		const keys = new Float64Array(this.entries.length);
		for (let i = 0; i < keys.length; i++) keys[i] = sign * column.order(this.entries[i]);
		return smallest(keys, most).map((i) => this.entries[i]);
	}

	private sortBy(key: Key): void {
		this.descending = this.sortKey === key ? !this.descending : key !== "place";
		this.sortKey = key;
		this.draw();
		this.head.querySelector<HTMLElement>(`[data-key="${key}"]`)?.focus();
	}

	private heading(column: Column): HTMLElement {
		const isSorted = column.key === this.sortKey;
		const arrow = isSorted ? (this.descending ? " \u2193" : " \u2191") : "";
		const heading = element(
			"th",
			{ attributes: { scope: "col", class: column.key } },
			element("button", {
				text: column.title + arrow,
				attributes: { type: "button", "data-key": column.key },
				click: () => this.sortBy(column.key),
			}),
		);
		if (isSorted) heading.setAttribute("aria-sort", this.descending ? "descending" : "ascending");
		return heading;
	}

	// The rows of an entry: its own, and one with its frames if it is open.
	private rowsOf(entry: number, columns: Column[]): HTMLElement[] {
		const { view } = this.data as TableData;
		const row = element("tr", { attributes: { "data-entry": entry } }, ...columns.map((column) => column.cell(entry)));
		if (!this.open.has(entry)) return [row];
		const path = view.path(entry);
		const inside = path.length ? frames(path) : element("p", { text: "The trace has no backtrace of it." });
		const errors = errorsOf(this.amount(entry));
		const told =
			errors === null ? null : element("p", { class: "detail", text: `${errors[0].toUpperCase()}${errors.slice(1)}.` });
		const cell = element("td", { attributes: { colspan: columns.length } }, inside, told);
		return [row, element("tr", { class: "inside" }, cell)];
	}

	private draw(): void {
		if (!this.data) return;
		const columns = this.columns();
		this.entries = this.wanted();
		fill(this.head, element("tr", {}, ...columns.map((column) => this.heading(column))));
		const rows = this.first(this.shown).flatMap((entry) => this.rowsOf(entry, columns));
		if (!rows.length) {
			const text = this.query ? "Nothing is called so." : this.data.empty;
			rows.push(element("tr", {}, element("td", { text, attributes: { colspan: columns.length } })));
		}
		fill(this.body, ...rows);
		this.tellMore();
		this.state.textContent = this.share();
	}

	private showMore(): void {
		const columns = this.columns();
		const more = this.first(this.shown + MORE_ROWS).slice(this.shown);
		this.shown += MORE_ROWS;
		this.body.append(...more.flatMap((entry) => this.rowsOf(entry, columns)));
		this.tellMore();
	}

	private tellMore(): void {
		const left = this.entries.length - this.shown;
		this.more.hidden = left <= 0;
		this.more.textContent = `Show ${count(Math.min(left, MORE_ROWS))} more of ${count(left)}`;
	}

	private amount(entry: number): Amount {
		return amountAt((this.data as TableData).measured.now, entry);
	}

	private share(): string {
		const { measured, byBlocks } = this.data as TableData;
		const values = byBlocks ? measured.now.count : measured.now.bytes;
		const { count, bytes, sample } = measured.now;
		const part = { count: 0, bytes: 0, estimated: sample !== null };
		for (const entry of this.entries) {
			part.count += count[entry];
			part.bytes += bytes[entry];
		}
		let all = 0;
		for (const value of values) all += value;
		const share = this.query ? `, ${percent(byBlocks ? part.count : part.bytes, all)} of all` : "";
		return `${plural(this.entries.length, "backtrace")} with ${byBlocks ? blocksOf(part) : bytesOf(part)}${share}`;
	}
}
