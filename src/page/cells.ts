// SPDX-License-Identifier: GPL-3.0-or-later
// Cells with numbers, which tell them to the last digit when the mouse is on them.
import { element } from "./dom";
import { bytesOf, countOf, errorsOf } from "./format";
import type { Amount } from "./run";

export function numberCell(text: string, number: number): HTMLElement {
	return element("td", { class: "number", text, title: String(number) });
}

function amountCell(text: string, number: number, amount: Amount): HTMLElement {
	const errors = errorsOf(amount);
	const digits = String(Math.round(number));
	return element("td", { class: "number", text, title: errors ? `${digits} (${errors})` : digits });
}

export function bytesCell(amount: Amount): HTMLElement {
	return amountCell(bytesOf(amount), amount.bytes, amount);
}

export function countCell(amount: Amount): HTMLElement {
	return amountCell(countOf(amount), amount.count, amount);
}
