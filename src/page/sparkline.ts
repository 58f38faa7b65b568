// SPDX-License-Identifier: GPL-3.0-or-later
import { svg } from "./dom";

const WIDTH = 120;
const HEIGHT = 24;
const POINTS = 60;

// Room for a small curve. What tells the values may do so later.
export function sparkline(label: string, whenKnown: (draw: (values: Float64Array) => void) => void): SVGElement {
	const image = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "sparkline", role: "img", "aria-label": label });
	whenKnown((values) => image.append(...curve(values)));
	return image;
}

// A curve of so many points at most: each is the most of its part.
function curve(values: Float64Array): SVGElement[] {
	const points = Math.min(POINTS, values.length);
	const most = values.reduce((a, b) => Math.max(a, b), 1);
	const line = [`0,${HEIGHT - 1}`];
	for (let i = 0; i < points; i++) {
		const begin = Math.floor((i * values.length) / points);
		const end = Math.max(begin + 1, Math.floor(((i + 1) * values.length) / points));
		let value = 0;
		for (let j = begin; j < end; j++) value = Math.max(value, values[j]);
		line.push(`${(((i + 1) * WIDTH) / points).toFixed(1)},${(HEIGHT - 1 - (value / most) * (HEIGHT - 3)).toFixed(1)}`);
	}
	return [
		svg("polygon", { points: `${line.join(" ")} ${WIDTH},${HEIGHT - 1}`, class: "area" }),
		svg("polyline", { points: line.join(" "), class: "line" }),
	];
}
