// SPDX-License-Identifier: GPL-3.0-or-later
// Memory in use over the run, drawn by uPlot. A part of the run is selected with the mouse, or by two sliders.
import uPlot from "uplot";
import { element, find, visible } from "./dom";
import { bytes, bytesOf } from "./format";
import type { Range } from "./measure";
import type { Run } from "./run";

const HEIGHT = 260;

// Steps of the scale of events, and of that of bytes.
const INTEGERS = Array.from({ length: 15 }, (_, i) => [1, 2, 5].map((step) => step * 10 ** i)).flat();
const POWERS = Array.from({ length: 52 }, (_, i) => 2 ** i);

// Where the resident memory is so many times the peak, the rest would be a line at the bottom.
const RESIDENT_MOST = 3;

type Points = (number | null)[];

// The least and the most of each stretch, in the order in which they came.
function pointsOf(run: Run): [number[], Points, Points, Points] {
	const { at, least, most, order, usableLeast, usableMost, resident } = run.usage;
	const x: number[] = [];
	const requested: Points = [];
	const usables: Points = [];
	const residents: Points = [];
	for (let i = 0; i < at.length; i++) {
		const position = run.info.stretch_from + at[i] * run.info.stretch;
		const low = [least[i], usableLeast[i]];
		const high = [most[i], usableMost[i]];
		const both = order[i] ? [low, high] : [high, low];
		const isOne = least[i] === most[i];
		both.slice(isOne ? 1 : 0).forEach(([bytes, usable], part) => {
			x.push(position + (isOne ? 0 : (part * run.info.stretch) / 2));
			requested.push(bytes);
			usables.push(usable);
			residents.push(resident[i] ? resident[i] - 1 : null);
		});
	}
	return [x, usables, requested, residents];
}

function colour(name: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export class Chart {
	private plot: uPlot | null = null;
	private range: Range | null = null;
	private readonly before = element("div", { class: "outside before" }); // the range
	private readonly behind = element("div", { class: "outside behind" });
	private readonly from = find("range-from", HTMLInputElement);
	private readonly to = find("range-to", HTMLInputElement);
	private readonly resident = find("resident", HTMLInputElement);

	constructor(
		private readonly host: HTMLElement,
		private readonly run: Run,
		private readonly moment: (at: number) => string,
		private readonly changed: (range: Range | null) => void,
	) {
		for (const slider of [this.from, this.to]) {
			slider.max = String(run.slices);
			slider.min = "0";
			slider.oninput = () => this.onSlider(slider);
		}
		this.resident.checked = run.info.resident !== null && run.info.resident <= RESIDENT_MOST * run.report.peak.bytes;
		this.resident.onchange = () => this.plot?.setSeries(this.plot.series.length - 1, { show: this.resident.checked });
		find("resident-choice", HTMLElement).hidden = run.info.resident === null;
		this.tellRange();
		this.draw();
		new ResizeObserver(() => this.resize()).observe(host);
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
	}

	select(range: Range | null): void {
		const isWhole = !range || (range.from <= 0 && range.to >= this.run.slices);
		this.range = isWhole ? null : range;
		this.tellRange();
		if (this.plot) this.showRange(this.plot);
		this.changed(this.range);
	}

	private tellRange(): void {
		const { from, to } = this.range ?? { from: 0, to: this.run.slices };
		const text = (slice: number) => this.moment(Math.min(slice * this.run.info.slice, this.run.info.end));
		this.from.value = String(from);
		this.to.value = String(to);
		this.from.setAttribute("aria-valuetext", text(from));
		this.to.setAttribute("aria-valuetext", text(to));
		find("range-whole", HTMLButtonElement).disabled = this.range === null;
		find("range-text", HTMLElement).textContent = this.range ? `from ${text(from)} to ${text(to)}` : "the whole run";
	}

	private onSlider(moved: HTMLInputElement): void {
		let from = Number(this.from.value);
		let to = Number(this.to.value);
		if (from >= to) {
			if (moved === this.from) from = to - 1;
			else to = from + 1;
		}
		this.select({ from: Math.max(from, 0), to: Math.min(Math.max(to, 1), this.run.slices) });
	}

	private onDragged(plot: uPlot): void {
		const { left, width } = plot.select;
		if (width < 4) return;
		const slice = (pixels: number) => plot.posToVal(pixels, "x") / this.run.info.slice;
		const from = Math.max(0, Math.floor(slice(left)));
		const to = Math.min(this.run.slices, Math.max(from + 1, Math.ceil(slice(left + width))));
		plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
		this.select({ from, to });
	}

	// Covers what is not in the range. The chart is not drawn anew for that, which would take longer.
	private showRange(plot: uPlot): void {
		const { from, to } = this.range ?? { from: 0, to: this.run.slices };
		const x = (slice: number) => plot.valToPos(Math.min(slice * this.run.info.slice, this.run.info.end), "x");
		this.before.style.width = `${Math.max(x(from), 0)}px`;
		this.behind.style.left = `${x(to)}px`;
		this.before.hidden = this.behind.hidden = !this.range;
		plot.over.prepend(this.before, this.behind);
	}

	private drawLine(plot: uPlot, at: number, text: string, style: string, top: number): void {
		const { ctx, bbox } = plot;
		const x = plot.valToPos(at, "x", true);
		const isRight = x > bbox.left + bbox.width * 0.7;
		ctx.save();
		ctx.strokeStyle = ctx.fillStyle = colour(style);
		ctx.lineWidth = devicePixelRatio;
		ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
		ctx.beginPath();
		ctx.moveTo(x, bbox.top);
		ctx.lineTo(x, bbox.top + bbox.height);
		ctx.stroke();
		ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
		ctx.textAlign = isRight ? "right" : "left";
		ctx.fillText(
			visible(text).slice(0, 40),
			x + (isRight ? -4 : 4) * devicePixelRatio,
			bbox.top + top * devicePixelRatio,
		);
		ctx.restore();
	}

	private drawMarks(plot: uPlot): void {
		const { info, report } = this.run;
		info.marks.slice(0, 100).forEach((mark, i) => {
			this.drawLine(plot, mark.at, mark.name, "--mark", 28 + 14 * (i % 4));
		});
		if (info.peak !== null) this.drawLine(plot, info.peak, `peak ${bytesOf(report.peak)}`, "--peak", 12);
	}

	private draw(): void {
		this.plot?.destroy();
		const data = pointsOf(this.run);
		const isTime = this.run.info.axis === "time";
		const hasResident = this.run.info.resident !== null;
		const hasUsable = !this.run.isSample; // of a sample, usable bytes are not known
		const about = this.run.isSample ? "~" : "";
		const axis = {
			stroke: colour("--text"),
			grid: { stroke: colour("--grid"), width: 1 },
			ticks: { stroke: colour("--grid"), width: 1 },
		};
		const line = (label: string, style: string, dash?: number[]) => ({
			label,
			stroke: colour(style),
			width: 2,
			dash,
			spanGaps: true,
			paths: uPlot.paths.stepped?.({ align: 1 }),
			points: { show: data[0].length < 3 },
			value: (_: uPlot, value: number | null) => (value === null ? "" : bytes(value)),
		});
		const requested = { ...line(`${about}requested`, "--requested"), fill: colour("--requested-area") };
		this.plot = new uPlot(
			{
				width: Math.max(this.host.clientWidth, 200),
				height: HEIGHT,
				scales: {
					x: { time: false, range: [this.run.info.from, Math.max(this.run.info.end, this.run.info.from + 1)] },
					y: { range: (_, __, most) => [0, Math.max(most * 1.1, 1)] },
				},
				axes: [
					{
						...axis,
						space: 90,
						incrs: isTime ? undefined : INTEGERS,
						values: (_, values) => values.map((value) => this.moment(value)),
					},
					{ ...axis, size: 80, incrs: POWERS, values: (_, values) => values.map((value) => bytes(value)) },
				],
				series: [
					{ label: isTime ? "time" : "event", value: (_, value) => (value === null ? "" : this.moment(value)) },
					...(hasUsable ? [line("usable", "--usable", [6, 4])] : []),
					requested,
					...(hasResident ? [{ ...line("resident", "--resident", [2, 3]), show: this.resident.checked }] : []),
				],
				cursor: { drag: { x: true, y: false, setScale: false } },
				hooks: {
					setSelect: [(plot) => this.onDragged(plot)],
					draw: [
						(plot) => {
							this.showRange(plot);
							this.drawMarks(plot);
						},
					],
				},
			},
			data.filter((_, i) => [true, hasUsable, true, hasResident][i]) as uPlot.AlignedData,
			this.host,
		);
	}

	private resize(): void {
		if (this.plot && this.host.clientWidth && this.host.clientWidth !== this.plot.width)
			this.plot.setSize({ width: this.host.clientWidth, height: HEIGHT });
	}
}
