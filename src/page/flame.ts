// SPDX-License-Identifier: GPL-3.0-or-later
// The flame graph: a tree of boxes, as wide as what they have. It can be used by keyboard as any tree: arrows move, Enter
// zooms. A box that has room for a text is an element. Narrower ones, of which there may be thousands, are painted, and
// become an element when the mouse or the keyboard comes to them.
import { element, fill, visible } from "./dom";
import { percent, plural } from "./format";
import { lineOf, type Tree } from "./tree";

export interface FlameData {
	tree: Tree; // which shows its values
	values: Float64Array; // by backtrace
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
const TEXT_PIXELS = 24;
const BOXES_MAX = 4000;
const DEPTH_MAX = 1024;
const COLOURS = 8;

export class Flame {
	private data: FlameData | null = null;
	private focus = 0; // the node that is zoomed to
	private current = 0; // the node that the keyboard is at
	private told = -1; // the node that the mouse or the keyboard came to last
	private query = "";
	private matching: Uint8Array | null = null; // by key
	private boxes = new Map<number, Box>(); // by node: all that can be seen
	private levels: Box[][] = []; // the same by depth, from left to right
	private readonly made = new Map<number, HTMLElement>(); // by node: those that are elements
	private readonly painted = element("canvas", { attributes: { "aria-hidden": "true" } });
	private readonly colours = new Map<string, number>(); // of modules, in the order in which they were drawn
	private drawnWidth = 0;

	constructor(
		private readonly host: HTMLElement,
		private readonly detail: HTMLElement,
		private readonly found: HTMLElement,
		private readonly out: HTMLButtonElement,
	) {
		host.addEventListener("click", (event) => this.onClick(event));
		host.addEventListener("keydown", (event) => this.onKey(event));
		host.addEventListener("focusin", (event) => this.onPoint(event));
		host.addEventListener("mousemove", (event) => this.onPoint(event));
		out.addEventListener("click", () => this.zoom(0));
		new ResizeObserver(() => this.onResize()).observe(host);
	}

	private onResize(): void {
		if (this.data && Math.abs(this.host.clientWidth - this.drawnWidth) > 1) this.draw();
	}

	show(data: FlameData): void {
		const isOther = data.tree !== this.data?.tree;
		this.data = data;
		if (isOther || !(data.tree.value(this.focus) > 0)) this.focus = this.current = 0;
		if (isOther) this.findMatching();
		this.draw();
	}

	search(query: string): void {
		this.query = query.trim().toLowerCase();
		this.findMatching();
		this.draw();
	}

	private findMatching(): void {
		this.matching = this.query && this.data ? this.data.tree.paths.matchingKeys(this.query) : null;
	}

	private zoom(node: number, grabFocus = false): void {
		this.focus = this.current = node;
		this.draw();
		if (grabFocus) this.elementOf(node)?.focus();
	}

	private matches(node: number): boolean {
		return node > 0 && this.data !== null && this.matching?.[this.data.tree.key(node)] === 1;
	}

	// ---- drawing ------------------------------------------------------------------

	// The children of NODE that are wider than so much, the largest first.
	private largest(node: number, least: number): number[] {
		const { tree } = this.data as FlameData;
		const children = tree.children(node).filter((child) => tree.value(child) >= least);
		return children.sort((a, b) => tree.value(b) - tree.value(a));
	}

	private layOut(): void {
		const { tree } = this.data as FlameData;
		const unit = tree.value(this.focus);
		const least = (unit * LEAST_PIXELS) / Math.max(this.drawnWidth, 300);
		const path = [0, ...tree.path(this.focus)];
		this.levels = path.map((node, depth) => [{ node, left: 0, width: 1, depth }]);
		this.boxes = new Map(this.levels.flat().map((box) => [box.node, box]));
		let level = this.levels[path.length - 1];
		while (level.length && this.boxes.size < BOXES_MAX && this.levels.length < DEPTH_MAX) {
			const next: Box[] = [];
			for (const box of level) {
				let left = box.left;
				for (const node of this.largest(box.node, least)) {
					const child = { node, left, width: tree.value(node) / unit, depth: this.levels.length };
					next.push(child);
					this.boxes.set(node, child);
					left += child.width;
				}
			}
			if (next.length) this.levels.push(next);
			level = next;
		}
	}

	private colourOf(module: string): number {
		const colour = this.colours.get(module) ?? this.colours.size % COLOURS;
		this.colours.set(module, colour);
		return colour;
	}

	// The name of its colour in page.css.
	private paintOf(node: number): string {
		const { tree } = this.data as FlameData;
		if (!tree.isComparison) return node ? `colour${this.colourOf(tree.place(node)?.module ?? "")}` : "root";
		const change = tree.change(node);
		return change > 0 ? "grew" : change < 0 ? "shrank" : "same";
	}

	private describe(node: number): string {
		const { tree, format, formatChange } = this.data as FlameData;
		const value = tree.value(node);
		const place = tree.place(node);
		const error = tree.error(node);
		const amount = format(value) + (error === null ? "" : ` \u00b1 ${format(error).slice(1)}`);
		const parts = [node ? tree.label(node) : "all", amount, percent(value, tree.value(0))];
		if (tree.isComparison) parts.push(formatChange(tree.change(node)));
		const line = place && lineOf(place);
		if (line && !parts[0].includes(line)) parts.push(line);
		return parts.map(visible).join(", ");
	}

	private textOf(node: number): string {
		const { tree } = this.data as FlameData;
		const change = tree.change(node);
		return `${change > 0 ? "\u25b2 " : change < 0 ? "\u25bc " : ""}${node ? tree.label(node) : "all"}`;
	}

	private hasText(box: Box): boolean {
		return box.width * this.drawnWidth > TEXT_PIXELS;
	}

	private makeBox(box: Box): HTMLElement {
		const { tree } = this.data as FlameData;
		const isAbove = box.depth < (this.boxes.get(this.focus)?.depth ?? 0);
		const isCurrent = box.node === this.current;
		const made = element("div", {
			class: `box ${this.paintOf(box.node)}${isAbove ? " above" : ""}${this.matches(box.node) ? " match" : ""}`,
			text: this.hasText(box) ? this.textOf(box.node) : "",
			attributes: {
				role: "treeitem",
				"aria-level": box.depth + 1,
				"aria-label": this.describe(box.node),
				"aria-selected": String(isCurrent),
				"data-node": box.node,
				tabindex: isCurrent ? 0 : -1,
			},
		});
		if (tree.children(box.node).length) made.setAttribute("aria-expanded", "true");
		made.style.left = `${100 * box.left}%`;
		made.style.width = `${100 * box.width}%`;
		made.style.top = `${box.depth * ROW_HEIGHT}px`;
		this.made.set(box.node, made);
		return made;
	}

	// The element of a node's box, which is made if it was only painted; null: it can't be seen.
	private elementOf(node: number): HTMLElement | null {
		const made = this.made.get(node);
		const box = this.boxes.get(node);
		if (made || !box) return made ?? null;
		const fresh = this.makeBox(box);
		this.host.append(fresh);
		return fresh;
	}

	private paint(boxes: Box[]): void {
		const { painted, drawnWidth } = this;
		const height = this.levels.length * ROW_HEIGHT;
		painted.width = drawnWidth * devicePixelRatio;
		painted.height = height * devicePixelRatio;
		const context = painted.getContext("2d");
		if (!context || !boxes.length) return;
		const style = getComputedStyle(this.host);
		const colours = new Map<string, string>();
		const colour = (name: string) => {
			const known = colours.get(name) ?? style.getPropertyValue(`--${name}`);
			colours.set(name, known);
			return known;
		};
		context.scale(devicePixelRatio, devicePixelRatio);
		for (const { node, left, width, depth } of boxes) {
			const x = left * drawnWidth;
			const y = depth * ROW_HEIGHT;
			context.fillStyle = colour(this.paintOf(node));
			context.fillRect(x, y, Math.max(width * drawnWidth - 1, 1), ROW_HEIGHT - 1);
			if (!this.matches(node)) continue;
			context.fillStyle = colour("match");
			context.fillRect(x, y, Math.max(width * drawnWidth - 1, 1), 3);
			context.fillRect(x, y + ROW_HEIGHT - 4, Math.max(width * drawnWidth - 1, 1), 3);
		}
	}

	private draw(): void {
		if (!this.data) return;
		this.made.clear();
		this.told = -1;
		this.drawnWidth = Math.max(this.host.clientWidth, 300);
		this.out.disabled = this.focus === 0;
		if (!(this.data.tree.value(0) > 0)) {
			this.drawNothing(this.data.empty);
			return;
		}
		this.layOut();
		if (!this.boxes.has(this.current)) this.current = this.focus;
		const all = this.levels.flat();
		for (const box of all) if (this.hasText(box) || box.node === this.current) this.makeBox(box);
		this.host.style.height = `${this.levels.length * ROW_HEIGHT}px`;
		this.paint(all.filter((box) => !this.made.has(box.node)));
		fill(this.host, this.painted, ...this.made.values());
		this.tell(this.current);
		this.tellFound();
	}

	private drawNothing(text: string): void {
		this.boxes.clear();
		this.levels = [];
		this.host.style.height = `${2 * ROW_HEIGHT}px`;
		fill(this.host, element("p", { class: "empty", text, attributes: { role: "treeitem", tabindex: 0 } }));
		fill(this.detail);
		this.found.textContent = "";
	}

	// How much the found functions have together, each backtrace counted once.
	private tellFound(): void {
		const { tree, values, format } = this.data as FlameData;
		const { matching } = this;
		if (!matching) {
			this.found.textContent = "";
			return;
		}
		const functions = tree.paths.countFunctions(matching, values);
		const sum = tree.paths.having(matching).reduce((all, has, entry) => all + (has ? values[entry] : 0), 0);
		this.found.textContent = functions
			? `Found: ${plural(functions, "function")} with ${format(sum)}, ${percent(sum, tree.value(0))}`
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

	// Of a box that is painted, the place tells which one it is.
	private nodeAt(event: Event): number | null {
		const box = event.target instanceof Element ? event.target.closest("[data-node]") : null;
		if (box) return Number(box.getAttribute("data-node"));
		if (!(event instanceof MouseEvent)) return null;
		const { left, top } = this.host.getBoundingClientRect();
		const x = (event.clientX - left) / this.drawnWidth;
		const level = this.levels[Math.floor((event.clientY - top) / ROW_HEIGHT)] ?? [];
		return level.find((found) => x >= found.left && x < found.left + found.width)?.node ?? null;
	}

	private onPoint(event: Event): void {
		const node = this.nodeAt(event);
		if (node === null) return;
		if (event.type === "focusin") this.moveTo(node);
		else this.elementOf(node);
		if (node !== this.told) this.tell(node);
		this.told = node;
	}

	private onClick(event: Event): void {
		const node = this.nodeAt(event);
		if (node !== null) this.zoom(node, true);
	}

	private moveTo(node: number): void {
		const before = this.elementOf(this.current);
		before?.setAttribute("tabindex", "-1");
		before?.setAttribute("aria-selected", "false");
		this.current = node;
		const box = this.elementOf(node);
		box?.setAttribute("tabindex", "0");
		box?.setAttribute("aria-selected", "true");
	}

	// The shown node that the key leads to; null: it leads nowhere.
	private neighbour(key: string): number | null {
		const { tree } = this.data as FlameData;
		const ordered = (node: number) => this.largest(node, 0).filter((child) => this.boxes.has(child));
		const siblings = this.current ? ordered(tree.parent(this.current)) : [0];
		const at = siblings.indexOf(this.current);
		switch (key) {
			case "ArrowDown":
				return ordered(this.current)[0] ?? null;
			case "ArrowUp":
				return this.current ? tree.parent(this.current) : null;
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
			this.zoom(this.focus ? this.data.tree.parent(this.focus) : 0, true);
		else {
			const node = this.neighbour(event.key);
			if (node === null) {
				if (!event.key.startsWith("Arrow")) return;
			} else this.elementOf(node)?.focus();
		}
		event.preventDefault();
	}
}
