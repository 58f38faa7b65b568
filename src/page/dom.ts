// SPDX-License-Identifier: GPL-3.0-or-later
// Makes elements. Texts are set as text alone: names from a trace can't become markup.

export interface Options {
	class?: string;
	text?: string;
	title?: string;
	attributes?: Record<string, string | number>;
	click?: (event: MouseEvent) => void;
}

type Child = Node | null | false;

export function element<Tag extends keyof HTMLElementTagNameMap>(
	tag: Tag,
	options: Options = {},
	...children: Child[]
): HTMLElementTagNameMap[Tag] {
	const made = document.createElement(tag);
	if (options.class) made.className = options.class;
	if (options.text !== undefined) made.textContent = visible(options.text);
	if (options.title !== undefined) made.title = visible(options.title);
	for (const [name, value] of Object.entries(options.attributes ?? {})) made.setAttribute(name, String(value));
	if (options.click) made.addEventListener("click", options.click as EventListener);
	for (const child of children) if (child) made.append(child);
	return made;
}

export function svg(tag: string, attributes: Record<string, string | number>): SVGElement {
	const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
	for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
	return made;
}

// Control characters and those that change the direction of text would hide or reorder what is around them. They are
// shown as their numbers.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

export function visible(text: string): string {
	return text.replace(UNSEEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

export function find<Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind {
	const found = document.getElementById(id);
	if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
	return found;
}

export function fill(host: Element, ...children: Child[]): void {
	host.replaceChildren(...children.filter((child): child is Node => Boolean(child)));
}
