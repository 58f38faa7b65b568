// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers as people read them. Units of 1024, as the commands have them.
import type { Amount, Metric } from "./run";

const UNITS = ["KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(number: number): string {
	if (Math.abs(number) < 1024) return `${number} B`;
	let unit = 0;
	let rest = number / 1024;
	for (; Math.abs(rest) >= 1023.995 && unit + 1 < UNITS.length; unit++) rest /= 1024;
	return `${rest.toFixed(2)} ${UNITS[unit]}`;
}

const grouped = new Intl.NumberFormat("en-US");

export function count(number: number): string {
	return grouped.format(number);
}

export function plural(number: number, word: string): string {
	return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

export function amount(value: Amount): string {
	return `${bytes(value.bytes)} in ${plural(value.count, "block")}`;
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
