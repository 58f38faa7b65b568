// SPDX-License-Identifier: GPL-3.0-or-later
// The flame graph: a tree of boxes, as wide as what they have. Only boxes that can be seen are made. It can be used by
// keyboard as any tree: arrows move, Enter zooms.
import { element, fill, visible } from "./dom";
import { percent } from "./format";
import { lineOf, type Tree } from "./tree";

export interface FlameData {
	tree: Tree;
	values: Float64Array; // by node
	before: Float64Array | null;
	format(value: number): string;
	formatChange(value: number): string;
	empty: string;
}

interface Box {
	node: number;
	left: number; // parts of the width
	width: number;
	depth: number;
}

const ROW_HEIGHT = 20;
const LEAST_PIXELS = 2;
const BOXES_MAX = 4000;
const DEPTH_MAX = 1024;
const COLOURS = 8;

export class Flame {
	private data: FlameData | null = null;
	private focus = 0; // the node that is zoomed to
	private current = 0; // the node that the keyboard is at
	private query = "";
	private boxes = new Map<number, HTMLElement>();
	private readonly colours = new Map<string, number>(); // of modules, in the order in which they were drawn

	constructor(
		private readonly host: HTMLElement,
		private readonly detail: HTMLElement,
		private readonly found: HTMLElement,
		private readonly out: HTMLButtonElement,
	) {
		host.addEventListener("click", (event) => this.onClick(event));
		host.addEventListener("keydown", (event) => this.onKey(event));
		host.addEventListener("focusin", (event) => this.onPoint(event));
		host.addEventListener("mouseover", (event) => this.onPoint(event));
		out.addEventListener("click", () => this.zoom(0));
		new ResizeObserver(() => this.onResize()).observe(host);
	}

	private drawnWidth = 0;

	private onResize(): void {
		if (this.data && Math.abs(this.host.clientWidth - this.drawnWidth) > 1) this.draw();
	}

	show(data: FlameData, isOther: boolean): void {
		this.data = data;
		if (isOther || this.focus >= data.tree.size || !data.values[this.focus]) this.focus = this.current = 0;
		this.draw();
	}

	search(query: string): void {
		this.query = query.trim().toLowerCase();
		this.draw();
	}

	private zoom(node: number, grabFocus = false): void {
		this.focus = this.current = node;
		this.draw();
		if (grabFocus) this.boxes.get(node)?.focus();
	}

	private matches(node: number): boolean {
		if (!this.query || !this.data || !node) return false;
		const { tree } = this.data;
		const place = tree.place(node);
		return (
			tree.label(node).toLowerCase().includes(this.query) ||
			Boolean(place?.file?.toLowerCase().includes(this.query)) ||
			Boolean(place?.module?.toLowerCase().includes(this.query))
		);
	}

	// ---- drawing ------------------------------------------------------------------

	private layOut(): Box[] {
		const { tree, values } = this.data as FlameData;
		const boxes: Box[] = [];
		const path = [0, ...tree.path(this.focus)];
		path.forEach((node, depth) => {
			boxes.push({ node, left: 0, width: 1, depth });
		});
		const least = LEAST_PIXELS / Math.max(this.host.clientWidth, 300);
		const unit = values[this.focus];
		let level: Box[] = [boxes[boxes.length - 1]];
		while (level.length && boxes.length < BOXES_MAX && level[0].depth < DEPTH_MAX) {
			const next: Box[] = [];
			for (const box of level) {
				let left = box.left;
				const children = tree.children(box.node).filter((child) => values[child] > 0);
				children.sort((a, b) => values[b] - values[a]);
				for (const node of children) {
					const width = values[node] / unit;
					if (width < least) break;
					next.push({ node, left, width, depth: box.depth + 1 });
					left += width;
				}
			}
			boxes.push(...next);
			level = next;
		}
		return boxes;
	}

	private change(node: number): number {
		const { values, before } = this.data as FlameData;
		return before ? values[node] - before[node] : 0;
	}

	private colourOf(module: string): number {
		const colour = this.colours.get(module) ?? this.colours.size % COLOURS;
		this.colours.set(module, colour);
		return colour;
	}

	private classOf(box: Box): string {
		const { tree, before } = this.data as FlameData;
		const names = ["box"];
		const place = tree.place(box.node);
		if (before) {
			const change = this.change(box.node);
			names.push(change > 0 ? "grew" : change < 0 ? "shrank" : "same");
		} else names.push(box.node ? `colour${this.colourOf(place?.module ?? "")}` : "root");
		if (box.depth < tree.path(this.focus).length) names.push("above");
		if (this.matches(box.node)) names.push("match");
		return names.join(" ");
	}

	private describe(node: number): string {
		const data = this.data as FlameData;
		const { tree, values, before } = data;
		const place = tree.place(node);
		const parts = [node ? tree.label(node) : "all", data.format(values[node]), percent(values[node], values[0])];
		if (before) parts.push(data.formatChange(this.change(node)));
		const line = place && lineOf(place);
		if (line && !parts[0].includes(line)) parts.push(line);
		return parts.map(visible).join(", ");
	}

	private textOf(box: Box): string {
		const { tree, before } = this.data as FlameData;
		const text = box.node ? tree.label(box.node) : "all";
		if (!before) return text;
		const change = this.change(box.node);
		return `${change > 0 ? "\u25b2 " : change < 0 ? "\u25bc " : ""}${text}`;
	}

	private makeBox(box: Box, pixels: number): HTMLElement {
		const { tree } = this.data as FlameData;
		const made = element("div", {
			class: this.classOf(box),
			attributes: {
				role: "treeitem",
				"aria-level": box.depth + 1,
				"aria-label": this.describe(box.node),
				"aria-selected": String(box.node === this.current),
				"data-node": box.node,
				tabindex: box.node === this.current ? 0 : -1,
			},
		});
		if (tree.children(box.node).length) made.setAttribute("aria-expanded", "true");
		if (box.width * pixels > 24) made.textContent = visible(this.textOf(box));
		made.style.left = `${100 * box.left}%`;
		made.style.width = `${100 * box.width}%`;
		made.style.top = `${box.depth * ROW_HEIGHT}px`;
		return made;
	}

	private draw(): void {
		if (!this.data) return;
		this.boxes.clear();
		this.drawnWidth = this.host.clientWidth;
		this.out.disabled = this.focus === 0;
		if (!this.data.values[0]) {
			this.host.style.height = `${2 * ROW_HEIGHT}px`;
			fill(
				this.host,
				element("p", { class: "empty", text: this.data.empty, attributes: { role: "treeitem", tabindex: 0 } }),
			);
			fill(this.detail);
			this.found.textContent = "";
			return;
		}
		const boxes = this.layOut();
		if (!boxes.some((box) => box.node === this.current)) this.current = this.focus;
		const pixels = Math.max(this.drawnWidth, 300);
		for (const box of boxes) this.boxes.set(box.node, this.makeBox(box, pixels));
		this.host.style.height = `${(boxes[boxes.length - 1].depth + 1) * ROW_HEIGHT}px`;
		fill(this.host, ...this.boxes.values());
		this.tell(this.current);
		this.tellFound();
	}

	// How much the found functions have together, each backtrace counted once.
	private tellFound(): void {
		const { tree, values, format } = this.data as FlameData;
		if (!this.query) {
			this.found.textContent = "";
			return;
		}
		const inside = new Uint8Array(tree.size);
		const known = new Int8Array(tree.keyCount).fill(-1);
		let sum = 0;
		let functions = 0;
		for (let node = 1; node < tree.size; node++) {
			if (!values[node]) continue;
			const key = tree.key(node);
			if (known[key] < 0) {
				known[key] = Number(this.matches(node));
				functions += known[key];
			}
			const matches = known[key];
			if (matches && !inside[tree.parents[node]]) sum += values[node];
			inside[node] = matches | inside[tree.parents[node]];
		}
		this.found.textContent = functions
			? `Found: ${functions} functions with ${format(sum)}, ${percent(sum, values[0])}`
			: "Nothing is called so";
	}

	// Shows the path to NODE, outermost first.
	private tell(node: number): void {
		const { tree } = this.data as FlameData;
		const list = element("ol", { class: "path" });
		for (const at of tree.path(node)) {
			const place = tree.place(at);
			const line = place?.file ? `${place.file}${place.line ? `:${place.line}` : ""}` : (place?.module ?? "");
			list.append(
				element(
					"li",
					{},
					element("span", { class: "name", text: place?.name ?? tree.label(at) }),
					element("span", { class: "line", text: ` ${line}${place?.inlined ? " (inlined)" : ""}` }),
				),
			);
		}
		const hint = element("p", { class: "detail", text: "A box tells its path here, with files and lines." });
		fill(this.detail, element("p", { class: "told", text: this.describe(node) }), node > 0 ? list : hint);
	}

	// ---- what the user does -------------------------------------------------------

	private nodeAt(event: Event): number | null {
		const box = event.target instanceof Element ? event.target.closest("[data-node]") : null;
		return box ? Number(box.getAttribute("data-node")) : null;
	}

	private onPoint(event: Event): void {
		const node = this.nodeAt(event);
		if (node === null) return;
		if (event.type === "focusin") this.moveTo(node);
		this.tell(node);
	}

	private onClick(event: Event): void {
		const node = this.nodeAt(event);
		if (node !== null) this.zoom(node, true);
	}

	private moveTo(node: number): void {
		const before = this.boxes.get(this.current);
		before?.setAttribute("tabindex", "-1");
		before?.setAttribute("aria-selected", "false");
		this.current = node;
		const box = this.boxes.get(node);
		box?.setAttribute("tabindex", "0");
		box?.setAttribute("aria-selected", "true");
	}

	// The shown node that the key leads to; null: it leads nowhere.
	private neighbour(key: string): number | null {
		const { tree, values } = this.data as FlameData;
		const ordered = (node: number) =>
			tree
				.children(node)
				.filter((child) => this.boxes.has(child))
				.sort((a, b) => values[b] - values[a]);
		const siblings = this.current ? ordered(tree.parents[this.current]) : [0];
		const at = siblings.indexOf(this.current);
		switch (key) {
			case "ArrowDown":
				return ordered(this.current)[0] ?? null;
			case "ArrowUp":
				return this.current ? tree.parents[this.current] : null;
			case "ArrowRight":
				return siblings[at + 1] ?? null;
			case "ArrowLeft":
				return siblings[at - 1] ?? null;
			case "Home":
				return 0;
			default:
				return null;
		}
	}

	private onKey(event: KeyboardEvent): void {
		if (!this.data || event.ctrlKey || event.altKey || event.metaKey) return;
		if (event.key === "Enter" || event.key === " ") this.zoom(this.current, true);
		else if (event.key === "Escape" || event.key === "Backspace")
			this.zoom(this.focus ? this.data.tree.parents[this.focus] : 0, true);
		else {
			const node = this.neighbour(event.key);
			if (node === null) {
				if (!event.key.startsWith("Arrow")) return;
			} else this.boxes.get(node)?.focus();
		}
		event.preventDefault();
	}
}
