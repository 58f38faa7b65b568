// SPDX-License-Identifier: GPL-3.0-or-later
// Measures how long the page of a large trace takes to open, and to answer.
// Usage: node bench.mjs BUILD SOURCE DIRECTORY [PAGE]: where the commands are, the source tree, and a directory to write
// to, which keeps the trace. PAGE: measures that page. PROFILE=FILE writes what the processor did, for Chromium.
import { spawnSync } from "node:child_process";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { loadavg } from "node:os";
import { join, resolve } from "node:path";
import { writeLargeTrace } from "./large.mjs";

const [build, source, directory, given] = process.argv.slice(2);
const require = createRequire(resolve(source, "src/page/package.json"));
const { chromium } = require("playwright-core");
const ROUNDS = 7;
const PAUSE_MS = 400;

function makePage() {
	const trace = join(directory, "large.trace");
	const file = join(directory, "large.html");
	if (!existsSync(trace)) writeLargeTrace(trace);
	const began = Date.now();
	const options = ["--format=html", `--output=${file}`, trace];
	const run = spawnSync(join(build, "log-malloc-report"), options, { encoding: "utf8" });
	if (run.status !== 0) throw new Error(run.stderr);
	console.log(`written in ${Date.now() - began} ms`);
	return file;
}

const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

// TIMES are pairs: until it was done, and what the page's thread worked for that.
function tell(what, times) {
	const numbers = (part) => times.map((time) => time[part]);
	const text = (part) => `${median(numbers(part)).toFixed(0)} (most ${Math.max(...numbers(part)).toFixed(0)})`;
	console.log(`${what.padEnd(26)} ${text(0).padEnd(18)} ${text(1)}`);
}

const file = given ?? makePage();
console.log(`${(statSync(file).size / 1e6).toFixed(1)} MB, load ${loadavg()[0].toFixed(2)}`);
const url = `file://${resolve(file)}`;
const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu"],
});
const tab = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();

// The milliseconds that ACT returns, and those that the page's thread worked meanwhile.
const session = await tab.context().newCDPSession(tab);
await session.send("Performance.enable", { timeDomain: "threadTicks" });

async function worked() {
	const { metrics } = await session.send("Performance.getMetrics");
	return 1000 * metrics.find(({ name }) => name === "TaskDuration").value;
}

async function withWork(act) {
	const before = await worked();
	const time = await act();
	return [time, (await worked()) - before];
}

const shown = [];
const drawn = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))";

// Until the summary and the chart can be seen. What is below them comes next.
async function open() {
	const began = Date.now();
	await tab.goto(url);
	await tab.waitForSelector("#main:not([hidden])");
	await tab.evaluate(drawn);
	const time = Date.now() - began;
	await tab.waitForSelector("#main:not([aria-busy])");
	await tab.evaluate(drawn);
	shown.push(Date.now() - began);
	return time;
}

// What is behind the next frame: work that the interaction has put off is not waited for.
await tab.addInitScript(() => {
	const behindFrame = () =>
		new Promise((done) => {
			requestAnimationFrame(() => {
				const channel = new MessageChannel();
				channel.port1.onmessage = done;
				channel.port2.postMessage(0);
			});
		});
	window.timed = async (act) => {
		const began = performance.now();
		act();
		await behindFrame();
		return performance.now() - began;
	};
	// From the next event of this kind on.
	window.timedFrom = (kind) => {
		window.waited = new Promise((done) => {
			window.addEventListener(kind, () => done(window.timed(() => {})), { capture: true, once: true });
		});
	};
});

async function measure(what, act, rounds = ROUNDS) {
	const times = [];
	for (let round = 0; round < rounds; round++) {
		times.push(await withWork(() => tab.evaluate(`timed(() => (${act})(${round}))`)));
		await tab.waitForTimeout(PAUSE_MS);
	}
	tell(what, times);
}

async function measureRange(metric) {
	await tab.evaluate(`document.getElementById("metric-${metric}").click()`);
	const chart = tab.locator("#chart .u-over");
	await chart.scrollIntoViewIfNeeded();
	const { x, y } = await chart.boundingBox();
	const times = [];
	for (let round = 0; round < ROUNDS; round++) {
		await tab.mouse.move(x + 50 + round * 20, y + 50);
		await tab.mouse.down();
		await tab.mouse.move(x + 400 + round * 40, y + 60, { steps: 2 });
		await tab.evaluate(`timedFrom("mouseup")`);
		times.push(
			await withWork(async () => {
				await tab.mouse.up();
				return tab.evaluate("waited");
			}),
		);
		await tab.waitForTimeout(PAUSE_MS);
	}
	tell(`a range: ${metric}`, times);
}

const METRICS = `["peak", "allocated", "calls", "temporary", "leaked", "peak", "allocated"]`;
const metric = `(i) => document.getElementById("metric-" + ${METRICS}[i]).click()`;
const invert = `() => document.getElementById("inverted").click()`;
const input = (id, text) =>
	`(i) => { const field = document.getElementById("${id}"); field.value = ${text};
		field.dispatchEvent(new Event("input")); }`;

const opened = [];
for (let round = 0; round < 5; round++) opened.push(await withWork(open));
console.log(`${"milliseconds, median".padEnd(26)} ${"until the frame".padEnd(18)} of the page's thread`);
tell("opening", opened);
console.log(`${"opening, all of it".padEnd(26)} ${median(shown)}`);

// Both the flame graph and the table are in the window, so both are drawn before the frame.
const look = (id) => tab.evaluate(`document.getElementById("${id}").scrollIntoView()`);
await look("flame-title");
if (process.env.PROFILE) {
	await session.send("Profiler.enable");
	await session.send("Profiler.start");
}
await measure("inverted at once", invert, 1);
await tab.evaluate(`(${invert})()`);
await tab.waitForTimeout(4000);
await measure("inverted and back", invert, 8);
await measure("another metric", metric);
await measure("inverted", invert, 1);
await measure("another metric, inverted", metric);
await measure("back", invert, 1);
await measure(
	"a thread",
	`(i) => { const field = document.getElementById("thread"); field.selectedIndex = i % 5;
		field.dispatchEvent(new Event("change")); }`,
);
await tab.evaluate(`{ const field = document.getElementById("thread"); field.selectedIndex = 0;
	field.dispatchEvent(new Event("change")); }`);
await measure("a search", input("search", `"func_1" + i`));
await measure("a search's end", input("search", `""`), 1);
await measure("a filter", input("filter", `"func_1" + i`));
await measure("a filter's end", input("filter", `""`), 1);
await measure(
	"zoom in and out",
	`(i) => { const out = document.getElementById("flame-out");
		if (!out.disabled) return out.click();
		const { left, top, width } = document.getElementById("flame").getBoundingClientRect();
		const at = { clientX: left + (0.1 + i / 10) * width, clientY: top + 50, bubbles: true };
		document.querySelector("#flame canvas").dispatchEvent(new MouseEvent("click", at)); }`,
);
await measure(
	"sorting",
	`(i) => { const buttons = document.querySelectorAll("#table-head button"); buttons[i % buttons.length].click(); }`,
);
for (const name of ["leaked", "peak", "allocated", "temporary"]) await measureRange(name);
if (process.env.PROFILE)
	writeFileSync(process.env.PROFILE, JSON.stringify((await session.send("Profiler.stop")).profile));
console.log(`load ${loadavg()[0].toFixed(2)}`);
await browser.close();
