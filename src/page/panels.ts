// SPDX-License-Identifier: GPL-3.0-or-later
// The small tables: block sizes, modules, threads.
import { bytesCell, countCell } from "./cells";
import { element } from "./dom";
import { bytes, count } from "./format";
import { amountAt, type ModuleSum } from "./measure";
import type { Amount, Amounts } from "./run";
import { baseName } from "./tree";

const THREADS_SHOWN = 50;

function bar(part: number, most: number): HTMLElement {
	const inside = element("span", { class: "bar" });
	inside.style.width = `${most ? (100 * part) / most : 0}%`;
	return element("td", { class: "bars", attributes: { "aria-hidden": "true" } }, inside);
}

function small(caption: string, headings: string[], rows: HTMLElement[]): HTMLElement {
	const head = element(
		"tr",
		{},
		...headings.map((text) => (text ? element("th", { text, attributes: { scope: "col" } }) : element("td"))),
	);
	return element(
		"table",
		{ class: "small" },
		element("caption", { text: caption }),
		element("thead", {}, head),
		element("tbody", {}, ...rows),
	);
}

function name(text: string, title = text): HTMLElement {
	return element("th", { text, title, attributes: { scope: "row" } });
}

// The sizes of a class: see src/reader/heap/consumers.h.
function sizesOf(index: number): string {
	if (index === 0) return "0 to 1 B";
	const to = 2 ** index;
	const from = 2 ** (index - 1) + 1;
	return to < 1024 ? (from === to ? `${to} B` : `${from} to ${to} B`) : `up to ${bytes(to)}`;
}

function amountRow(heading: HTMLElement, value: Amount, part: number, most: number): HTMLElement {
	return element("tr", {}, heading, bar(part, most), countCell(value), bytesCell(value));
}

export function sizeTable(classes: Amounts): HTMLElement {
	const most = Math.max(...classes.count);
	const rows = Array.from(classes.count, (count, i) =>
		count ? amountRow(name(sizesOf(i)), amountAt(classes, i), count, most) : null,
	).filter((row) => row !== null);
	return small("Block sizes of all that was allocated", ["Size", "", "Blocks", "Bytes"], rows);
}

export function moduleTable(modules: ModuleSum[], byBlocks: boolean, what: string): HTMLElement {
	const value = (sum: ModuleSum) => (byBlocks ? sum.whole.count : sum.whole.bytes);
	const cell = byBlocks ? countCell : bytesCell;
	const sorted = modules.sort((a, b) => value(b) - value(a));
	const most = sorted.length ? value(sorted[0]) : 0;
	const rows = sorted.map((sum) => {
		const path = sum.module ?? "(not known)";
		return element("tr", {}, name(baseName(path), path), bar(value(sum), most), cell(sum.own), cell(sum.whole));
	});
	return small(`Modules, ${what}`, ["Module", "", "By its own code", "And what it called"], rows);
}

export function threadTable(threads: string[], amounts: Amounts, byBlocks: boolean, what: string): HTMLElement {
	const values = byBlocks ? amounts.count : amounts.bytes;
	const order = threads.map((_, i) => i).filter((i) => amounts.count[i] > 0);
	order.sort((a, b) => values[b] - values[a]);
	const most = order.length ? values[order[0]] : 0;
	const rows = order
		.slice(0, THREADS_SHOWN)
		.map((i) => amountRow(name(threads[i]), amountAt(amounts, i), values[i], most));
	if (order.length > THREADS_SHOWN) {
		const text = `and ${count(order.length - THREADS_SHOWN)} more threads`;
		rows.push(element("tr", {}, element("td", { text, attributes: { colspan: 4 } })));
	}
	return small(`Threads, ${what}`, ["Thread", "", "Blocks", "Bytes"], rows);
}
