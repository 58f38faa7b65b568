// SPDX-License-Identifier: GPL-3.0-or-later
// Makes pages of log-malloc-report, opens them in headless Chromium, and takes from them what they say.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before } from "node:test";
import * as traces from "./traces.mjs";

export const [build, source, directory] = process.argv.slice(2);
export const require = createRequire(join(source, "src/page/package.json"));
const { chromium } = require("playwright-core");

// ---- pages ----------------------------------------------------------------------

function report(...options) {
	const run = spawnSync(join(build, "log-malloc-report"), options, {
		cwd: directory,
		encoding: "utf8",
		maxBuffer: 1 << 26,
	});
	assert.equal(run.status, 0, `${options.join(" ")}: ${run.stderr}`);
	return run.stdout;
}

// The page of the traces NAMES, which were written before.
export function makePage(file, names, ...options) {
	report("--format=html", `--output=${file}`, ...options, ...names);
	return `file://${join(directory, file)}`;
}

export function write(name, text) {
	writeFileSync(join(directory, name), text);
	return name;
}

// A trace of the blocks of NAME in which points lie that are so many bytes apart.
function sampled(name, mean) {
	const run = spawnSync("python3", [join(source, "tests/support/sample.py"), String(mean), "1"], {
		input: readFileSync(join(directory, name)),
		encoding: "utf8",
		maxBuffer: 1 << 26,
	});
	assert.equal(run.status, 0, run.stderr);
	return run.stdout;
}

export const json = (name, ...options) => JSON.parse(report("--format=json", ...options, name));

export let browser;
export const urls = {};

before(async () => {
	write("server", traces.server());
	write("worse", traces.server(3));
	for (const name of ["narrow", "lost", "hostile", "chip", "empty", "withoutBacktraces", "killed"])
		write(name, traces[name]());
	for (const name of ["server", "narrow", "lost", "hostile", "chip", "empty", "withoutBacktraces", "killed"])
		urls[name] = makePage(`${name}.html`, [name]);
	urls.both = makePage("both.html", ["server", "worse"]);
	for (const name of ["server", "worse"]) write(`${name}.sample`, sampled(name, 200));
	urls.sample = makePage("sample.html", ["server.sample"]);
	urls.samples = makePage("samples.html", ["server.sample", "worse.sample"]);
	browser = await chromium.launch({
		executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
		args: ["--no-sandbox", "--disable-gpu"],
	});
	await openTab();
});

after(() => browser?.close());

// One tab opens all pages: a new one takes a second of processor time.
let tab;
const faults = [];

async function openTab() {
	tab = await (await browser.newContext()).newPage();
	tab.on("console", (message) => {
		if (["error", "warning"].includes(message.type())) faults.push(message.text());
	});
	tab.on("pageerror", (error) => faults.push(error.message));
	tab.on("request", (request) => {
		if (!request.url().startsWith(`file://${directory}/`)) faults.push(`asks for ${request.url()}`);
	});
}

// Opens a page and uses it. Nothing may go wrong meanwhile.
export async function withPage(url, use) {
	await tab.setViewportSize({ width: 1280, height: 900 });
	await tab.emulateMedia({ media: "screen", colorScheme: "light" });
	await tab.goto(url);
	await tab.waitForSelector("#main:not([hidden]):not([aria-busy]), #message:not([hidden])");
	assert.equal(await tab.locator("#message").isVisible(), false, await tab.locator("#message").textContent());
	await use(tab);
	assert.deepEqual(faults.splice(0), []);
}

// ---- what a page says -----------------------------------------------------------

// What is not in the window is drawn a little later.
export const settle = (page) => page.waitForSelector("#main:not([hidden]):not([aria-busy])");

export async function showAll(page) {
	await settle(page);
	while (await page.locator("#table-more").isVisible()) await page.locator("#table-more").click();
}

// The table's rows: the first cell's text, and the numbers of the other cells.
export async function rows(page) {
	await settle(page);
	return page.$$eval("#table-body tr[data-entry]", (list) =>
		list.map((row) => ({
			name: row.querySelector("button").textContent,
			numbers: [...row.querySelectorAll("td[title]")].map((cell) => Number.parseFloat(cell.title)),
		})),
	);
}

export async function labels(page) {
	await settle(page);
	return page.$$eval("#flame [data-node]", (boxes) => boxes.map((box) => box.getAttribute("aria-label")));
}

export const choose = (page, metric) => page.locator(`#metric-${metric}`).check({ force: true });

export const sorted = (list) => list.map((item) => JSON.stringify(item)).sort();

// What the table has to have of a report in JSON.
export function expected(told) {
	return sorted(
		told.consumers.map((c) => ({
			name: c.backtrace[0]?.function ?? `(no backtrace: ${c.call})`,
			numbers: [c.bytes, c.count],
		})),
	);
}

export async function shown(page) {
	await showAll(page);
	return sorted((await rows(page)).map(({ name, numbers }) => ({ name, numbers: numbers.slice(0, 2) })));
}

export const METRICS = ["leaked", "peak", "allocated", "calls", "temporary"];

export const setSlider = (page, id, value) =>
	page.$eval(
		`#${id}`,
		(slider, to) => {
			slider.value = to;
			slider.dispatchEvent(new Event("input"));
		},
		value,
	);
