// SPDX-License-Identifier: GPL-3.0-or-later
// The small tables: block sizes, modules, threads.
import { element, exact } from "./dom";
import { bytes, count } from "./format";
import type { ModuleSum } from "./measure";
import type { Amounts } from "./run";
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

export function sizeTable(classes: Amounts): HTMLElement {
	const most = Math.max(...classes.count);
	const rows = [];
	for (let i = 0; i < classes.count.length; i++)
		if (classes.count[i])
			rows.push(
				element(
					"tr",
					{},
					name(sizesOf(i)),
					bar(classes.count[i], most),
					exact(count(classes.count[i]), classes.count[i]),
					exact(bytes(classes.bytes[i]), classes.bytes[i]),
				),
			);
	return small("Block sizes of all that was allocated", ["Size", "", "Blocks", "Bytes"], rows);
}

export function moduleTable(modules: ModuleSum[], byBlocks: boolean, what: string): HTMLElement {
	const value = (sum: ModuleSum) => (byBlocks ? sum.whole.count : sum.whole.bytes);
	const text = byBlocks ? count : bytes;
	const sorted = modules.sort((a, b) => value(b) - value(a));
	const most = sorted.length ? value(sorted[0]) : 0;
	const rows = sorted.map((sum) => {
		const path = sum.module ?? "(not known)";
		const own = byBlocks ? sum.own.count : sum.own.bytes;
		return element(
			"tr",
			{},
			name(baseName(path), path),
			bar(value(sum), most),
			exact(text(own), own),
			exact(text(value(sum)), value(sum)),
		);
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
		.map((i) =>
			element(
				"tr",
				{},
				name(threads[i]),
				bar(values[i], most),
				exact(count(amounts.count[i]), amounts.count[i]),
				exact(bytes(amounts.bytes[i]), amounts.bytes[i]),
			),
		);
	if (order.length > THREADS_SHOWN) {
		const text = `and ${count(order.length - THREADS_SHOWN)} more threads`;
		rows.push(element("tr", {}, element("td", { text, attributes: { colspan: 4 } })));
	}
	return small(`Threads, ${what}`, ["Thread", "", "Blocks", "Bytes"], rows);
}
