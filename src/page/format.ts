// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers as people read them. Units of 1024, as the commands have them.
import type { Amount, Metric } from "./run";

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(number: number): string {
	if (Math.abs(number) < 1023.5) return `${Math.round(number)} B`;
	let unit = 0;
	let rest = number / 1024;
	for (; Math.abs(rest) >= 1023.995 && unit + 1 < UNITS.length; unit++) rest /= 1024;
	return `${rest.toFixed(2)} ${UNITS[unit]}`;
}

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

export function count(number: number): string {
	return grouped.format(number);
}

export function plural(number: number, word: string): string {
	return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

// What stands in front of an estimate.
function about(value: Amount): string {
	return value.estimated ? "~" : "";
}

export function bytesOf(value: Amount): string {
	return about(value) + bytes(value.bytes);
}

export function countOf(value: Amount): string {
	return about(value) + count(value.count);
}

export function blocksOf(value: Amount): string {
	return about(value) + plural(Math.round(value.count), "block");
}

export function amount(value: Amount): string {
	return `${bytesOf(value)} in ${blocksOf(value)}`;
}

// Of amounts of which no two have a block in common.
export function sumOf(amounts: Amount[]): Amount {
	const add = (of: (value: Amount) => number) => amounts.reduce((sum, value) => sum + of(value), 0);
	const sum = { count: add((value) => value.count), bytes: add((value) => value.bytes) };
	if (!amounts.some((value) => value.estimated)) return sum;
	return {
		...sum,
		estimated: true,
		samples: add((value) => value.samples ?? 0),
		count_error: Math.sqrt(add((value) => (value.count_error ?? 0) ** 2)),
		bytes_error: Math.sqrt(add((value) => (value.bytes_error ?? 0) ** 2)),
	};
}

// How far off an estimate may be; null if it is none.
export function errorsOf(value: Amount): string | null {
	if (!value.estimated) return null;
	const errors = `\u00b1 ${bytes(value.bytes_error ?? 0)}, \u00b1 ${plural(Math.round(value.count_error ?? 0), "block")}`;
	return `standard error ${errors}; by ${plural(value.samples ?? 0, "sample")}`;
}

export function signedBytes(number: number): string {
	return number > 0 ? `+${bytes(number)}` : bytes(number).replace("-", "\u2212");
}

export function signedCount(number: number): string {
	return number > 0 ? `+${count(number)}` : count(number).replace("-", "\u2212");
}

export function percent(part: number, whole: number): string {
	return whole ? `${((100 * part) / whole).toFixed(1)} %` : "0 %";
}

export function duration(ms: number): string {
	if (ms < 1000) return `${ms} ms`;
	const s = ms / 1000;
	if (s < 60) return `${s.toFixed(2)} s`;
	if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
	if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
	return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

// Bytes a second, by the shortest time that makes at least one of it.
export function rate(bytesPerSecond: number): string {
	for (const [name, seconds] of [
		["second", 1],
		["minute", 60],
		["hour", 3600],
	] as const)
		if (bytesPerSecond * seconds >= 1) return `${bytes(Math.round(bytesPerSecond * seconds))} a ${name}`;
	return `${bytes(Math.round(bytesPerSecond * 86400))} a day`;
}

export const METRIC_TEXT: Record<Metric, string> = {
	leaked: "leaked",
	lost: "lost",
	peak: "at the peak",
	allocated: "allocated",
	calls: "calls",
	temporary: "temporary",
};
