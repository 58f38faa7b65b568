// SPDX-License-Identifier: GPL-3.0-or-later
// Opens pages of log-malloc-report in headless Chromium, and uses them as people do.
// Usage: node browser.mjs BUILD SOURCE DIRECTORY: where the commands are, the source tree, and a directory to write to.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as traces from "./traces.mjs";

const [build, source, directory] = process.argv.slice(2);
const require = createRequire(join(source, "src/page/package.json"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

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
function makePage(file, names, ...options) {
	report("--format=html", `--output=${file}`, ...options, ...names);
	return `file://${join(directory, file)}`;
}

function write(name, text) {
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

const json = (name, ...options) => JSON.parse(report("--format=json", ...options, name));

let browser;
const urls = {};

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
async function withPage(url, use) {
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
const settle = (page) => page.waitForSelector("#main:not([hidden]):not([aria-busy])");

async function showAll(page) {
	await settle(page);
	while (await page.locator("#table-more").isVisible()) await page.locator("#table-more").click();
}

// The table's rows: the first cell's text, and the numbers of the other cells.
async function rows(page) {
	await settle(page);
	return page.$$eval("#table-body tr[data-entry]", (list) =>
		list.map((row) => ({
			name: row.querySelector("button").textContent,
			numbers: [...row.querySelectorAll("td[title]")].map((cell) => Number.parseFloat(cell.title)),
		})),
	);
}

async function labels(page) {
	await settle(page);
	return page.$$eval("#flame [data-node]", (boxes) => boxes.map((box) => box.getAttribute("aria-label")));
}

const choose = (page, metric) => page.locator(`#metric-${metric}`).check({ force: true });

const sorted = (list) => list.map((item) => JSON.stringify(item)).sort();

// What the table has to have of a report in JSON.
function expected(told) {
	return sorted(
		told.consumers.map((c) => ({
			name: c.backtrace[0]?.function ?? `(no backtrace: ${c.call})`,
			numbers: [c.bytes, c.count],
		})),
	);
}

async function shown(page) {
	await showAll(page);
	return sorted((await rows(page)).map(({ name, numbers }) => ({ name, numbers: numbers.slice(0, 2) })));
}

// ---- tests ----------------------------------------------------------------------

const METRICS = ["leaked", "peak", "allocated", "calls", "temporary"];

test("the numbers are those of JSON, for each metric", async () => {
	await withPage(urls.server, async (page) => {
		for (const metric of METRICS) {
			const told = json("server", `--by=${metric}`);
			await choose(page, metric);
			await settle(page);
			assert.deepEqual(await shown(page), expected(told), metric);
			const byBlocks = ["calls", "temporary"].includes(metric);
			const modules = await page.$$eval("#panels table:nth-child(2) tbody tr", (list) =>
				list.map((row) => [
					row.querySelector("th").title,
					...[...row.querySelectorAll("td[title]")].map((c) => Number(c.title)),
				]),
			);
			const value = (amount) => (byBlocks ? amount.count : amount.bytes);
			assert.deepEqual(
				sorted(modules),
				sorted(told.modules.map((m) => [m.module, value(m.own), value(m.whole)])),
				metric,
			);
			const threads = await page.$$eval("#panels table:nth-child(3) tbody tr", (list) =>
				list.map((row) => [
					row.querySelector("th").textContent,
					...[...row.querySelectorAll("td[title]")].map((c) => Number(c.title)),
				]),
			);
			const column = { calls: "allocated" }[metric] ?? metric;
			const wanted = told.threads
				.filter((t) => t[column].count)
				.map((t) => [t.thread.name, t[column].count, t[column].bytes]);
			assert.deepEqual(sorted(threads), sorted(wanted), metric);
		}
		const sizes = await page.$$eval("#panels table:nth-child(1) tbody tr", (list) =>
			list.map((row) => [...row.querySelectorAll("td[title]")].map((c) => Number(c.title))),
		);
		assert.deepEqual(
			sizes,
			json("server").sizes.map((s) => [s.count, s.bytes]),
		);
	});
});

test("a leak that grows steadily is seen without a click", async () => {
	await withPage(urls.server, async (page) => {
		const verdict = await page.locator(".verdict").innerText();
		assert.match(verdict, /grows steadily/);
		assert.match(verdict, /keep/);
		assert.doesNotMatch(verdict, /fill|parse/);
		await page.locator(".verdict button").first().click();
		assert.match(await page.locator("#table-body tr.inside").innerText(), /keep.*handle/s);
	});
});

const setSlider = (page, id, value) =>
	page.$eval(
		`#${id}`,
		(slider, to) => {
			slider.value = to;
			slider.dispatchEvent(new Event("input"));
		},
		value,
	);

test("all is of the range that is selected", async () => {
	await withPage(urls.server, async (page) => {
		const slices = Number(await page.locator("#range-to").getAttribute("max"));
		const text = () => page.locator("#range-text").innerText();
		assert.equal(await text(), "the whole run");
		// So many slices of 128 ms are told to the millisecond.
		const half = 5 * Math.floor(slices / 10);
		await setSlider(page, "range-to", half);
		const until = /to ([\d.]+) s/.exec(await text())[1];
		for (const metric of ["leaked", "allocated", "calls", "temporary"]) {
			await choose(page, metric);
			await settle(page);
			assert.deepEqual(await shown(page), expected(json("server", `--by=${metric}`, `--until=${until}s`)), metric);
		}
		const sizes = await page.$$eval("#panels table:first-child tbody tr", (list) =>
			list.map((row) => Number(row.querySelector("td[title]").title)),
		);
		assert.deepEqual(
			sizes,
			json("server", `--until=${until}s`).sizes.map((s) => s.count),
		);
		await setSlider(page, "range-to", slices);
		await setSlider(page, "range-from", half);
		await choose(page, "allocated");
		assert.deepEqual(await shown(page), expected(json("server", "--by=allocated", `--since=${until}s`)));
		await page.locator("#range-whole").click();
		assert.equal(await text(), "the whole run");
		assert.deepEqual(await shown(page), expected(json("server", "--by=allocated")));
	});
});

test("the peak of a range is the most that was in use in it", async () => {
	await withPage(urls.server, async (page) => {
		const slices = Number(await page.locator("#range-to").getAttribute("max"));
		await choose(page, "peak");
		await setSlider(page, "range-to", 4);
		const early = (await rows(page)).reduce((sum, row) => sum + row.numbers[0], 0);
		await setSlider(page, "range-to", slices);
		const all = (await rows(page)).reduce((sum, row) => sum + row.numbers[0], 0);
		assert.equal(all, json("server").peak.bytes);
		assert.ok(early > 0 && early < all, `${early} of ${all}`);
	});
});

test("a range is dragged in the chart", async () => {
	await withPage(urls.server, async (page) => {
		const box = await page.locator("#chart .u-over").boundingBox();
		await page.mouse.move(box.x + box.width * 0.25, box.y + 50);
		await page.mouse.down();
		await page.mouse.move(box.x + box.width * 0.5, box.y + 60, { steps: 5 });
		await page.mouse.up();
		assert.match(await page.locator("#range-text").innerText(), /^from (4|5)\.\d+ s to (9|10)\.\d+ s$/);
	});
});

test("marks and the peak are told", async () => {
	await withPage(urls.server, async (page) => {
		assert.match(await page.locator("#marks").innerText(), /warm at 5\.00 s/);
		assert.match(await page.locator("#chart").getAttribute("aria-label"), /at most .* at .* s/);
	});
});

test("resident memory is shown where it does not flatten the rest", async () => {
	await withPage(urls.server, async (page) => {
		assert.match(await page.locator(".facts").innerText(), /Resident\s+4\.\d+ MiB/);
		const isOff = () => page.$$eval("#chart .u-legend .u-off", (list) => list.length);
		assert.equal(await page.locator("#resident").isChecked(), false);
		assert.equal(await isOff(), 1);
		await page.locator("#resident").check();
		assert.equal(await isOff(), 0);
	});
	await withPage(urls.chip, async (page) => {
		assert.equal(await page.locator("#resident").isVisible(), false);
	});
});

test("the threads are told apart", async () => {
	await withPage(urls.server, async (page) => {
		await choose(page, "allocated");
		const all = (await rows(page)).reduce((sum, row) => sum + row.numbers[1], 0);
		const each = [];
		for (const label of ["demo", "worker"]) {
			await page.locator("#thread").selectOption({ label });
			await showAll(page);
			each.push((await rows(page)).reduce((sum, row) => sum + row.numbers[1], 0));
		}
		const told = json("server", "--by=allocated");
		for (const [i, name] of ["demo", "worker"].entries())
			assert.equal(each[i], told.threads.find((t) => t.thread.name === name).allocated.count);
		assert.equal(each[0] + each[1], all);
	});
});

test("the flame graph zooms, searches, and is inverted", async () => {
	await withPage(urls.server, async (page) => {
		await choose(page, "leaked");
		assert.match((await labels(page))[0], /^all, .* 100\.0 %$/);
		const boxes = await labels(page);
		assert.ok(boxes.some((label) => label.startsWith("keep,")) && boxes.some((label) => label.startsWith("fill,")));
		await page.locator('#flame [aria-label^="handle,"]').first().click();
		const zoomed = await labels(page);
		assert.ok(zoomed.length < boxes.length);
		assert.equal(
			await page
				.locator('#flame [aria-label^="handle,"]')
				.first()
				.evaluate((box) => box.style.width),
			"100%",
		);
		await page.locator("#flame-out").click();
		assert.deepEqual(await labels(page), boxes);
		await page.locator("#search").fill("keep");
		assert.match(await page.locator("#flame-found").innerText(), /^Found: 1 function with 19\.53 KiB, /);
		assert.ok((await page.locator("#flame .match").count()) >= 1);
		await page.locator("#search").fill("nobody");
		assert.match(await page.locator("#flame-found").innerText(), /Nothing/);
		await page.locator("#search").fill("");
		await page.locator("#inverted").check();
		const first = await page.$$eval('#flame [aria-level="2"]', (list) =>
			list.map((box) => box.getAttribute("aria-label").split(",")[0]),
		);
		assert.deepEqual(first.sort(), ["fill", "keep"]);
	});
});

test("the flame graph's widths are the numbers", async () => {
	await withPage(urls.server, async (page) => {
		await choose(page, "allocated");
		const widths = await page.$$eval('#flame [aria-level="2"]', (list) =>
			list.map((box) => Number.parseFloat(box.style.width)),
		);
		assert.ok(Math.abs(widths.reduce((a, b) => a + b) - 100) < 0.01, String(widths));
	});
});

test("boxes without room for a text are reached by mouse and keyboard", async () => {
	await withPage(urls.narrow, async (page) => {
		await choose(page, "leaked");
		assert.equal((await labels(page)).length, 2);
		await page.locator("#flame-detail").scrollIntoViewIfNeeded();
		const box = await page.locator("#flame").boundingBox();
		const told = () => page.locator("#flame-detail .told").innerText();
		// 6 pixels each: the 101st is in the middle.
		await page.mouse.move(box.x + box.width / 2 + 3, box.y + 50);
		assert.match(await told(), /^leaf_(99|100|101), 9\.\d+ KiB, 0\.5 %/);
		const name = (await told()).split(",")[0];
		assert.ok((await labels(page)).some((label) => label.startsWith(`${name},`)));
		await page.locator('#flame [tabindex="0"]').focus();
		await page.keyboard.press("ArrowDown");
		await page.keyboard.press("ArrowDown");
		const focused = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label"));
		assert.match(await focused(), /^leaf_0, /);
		await page.keyboard.press("ArrowRight");
		assert.match(await focused(), /^leaf_1, /);
		// A found box is marked where it is painted, too.
		const painted = () => page.$eval("#flame canvas", (canvas) => canvas.toDataURL());
		await page.locator("#search").fill("nobody");
		const before = await painted();
		await page.locator("#search").fill("leaf_150");
		assert.match(await page.locator("#flame-found").innerText(), /^Found: 1 function with 9\.62 KiB, 0\.5 %$/);
		assert.notEqual(await painted(), before);
		await page.mouse.click(box.x + box.width / 2 + 3, box.y + 50);
		assert.equal(await page.locator(`#flame [aria-label^="${name},"]`).evaluate((found) => found.style.width), "100%");
	});
});

test("the table is sorted, filtered, and opens", async () => {
	await withPage(urls.server, async (page) => {
		await choose(page, "allocated");
		await showAll(page);
		for (const [key, column] of [
			["bytes", 0],
			["blocks", 1],
			["first", 2],
			["last", 3],
		]) {
			const heading = page.locator(`#table-head [data-key="${key}"]`);
			await heading.click();
			if ((await page.locator(`#table-head th:has([data-key="${key}"])`).getAttribute("aria-sort")) !== "descending")
				await heading.click();
			const values = (await rows(page)).map((row) => row.numbers[column]);
			assert.deepEqual(
				values,
				[...values].sort((a, b) => b - a),
				key,
			);
			await heading.click();
			const rising = (await rows(page)).map((row) => row.numbers[column]);
			assert.deepEqual(
				rising,
				[...values].sort((a, b) => a - b),
				key,
			);
		}
		await page.locator('[data-key="place"]').click();
		const names = (await rows(page)).map((row) => row.name);
		assert.deepEqual(names, [...names].sort());
		await page.locator("#filter").fill("LIBCACHE");
		const filtered = await rows(page);
		assert.ok(filtered.length > 0 && filtered.every((row) => row.name === "fill"));
		await page.locator("#table-body button").first().click();
		const opened = page.locator("#table-body tr.inside");
		assert.deepEqual(await opened.locator("li .name").allInnerTexts(), ["fill", "handle", "main"]);
		await page.locator("#table-body button").first().click();
		assert.equal(await opened.count(), 0);
		await page.locator("#filter").fill("nobody");
		assert.match(await page.locator("#table-body").innerText(), /Nothing is called so/);
	});
});

test("everything is done by keyboard alone", async () => {
	await withPage(urls.server, async (page) => {
		const focused = () =>
			page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.id ?? "");
		const visited = new Set();
		for (let i = 0; i < 60; i++) {
			await page.keyboard.press("Tab");
			visited.add(await page.evaluate(() => document.activeElement?.id || document.activeElement?.closest("[id]")?.id));
		}
		for (const id of [
			"range-from",
			"range-to",
			"metric-leaked",
			"thread",
			"inverted",
			"search",
			"flame",
			"filter",
			"table-head",
			"table-body",
		])
			assert.ok(visited.has(id), `${id} is not reached by Tab`);
		await page.locator("#range-from").focus();
		await page.keyboard.press("ArrowRight");
		assert.match(await page.locator("#range-text").innerText(), /^from/);
		await page.locator("#range-from").press("Home");
		await page.locator("#metric-leaked").focus();
		await page.keyboard.press("ArrowRight");
		assert.equal(await page.locator("#metric-peak").isChecked(), true);
		await page.locator('#flame [tabindex="0"]').focus();
		assert.match(await focused(), /^all,/);
		await page.keyboard.press("ArrowDown");
		const child = await focused();
		assert.doesNotMatch(child, /^all,/);
		await page.keyboard.press("ArrowRight");
		assert.notEqual(await focused(), child);
		await page.keyboard.press("ArrowLeft");
		assert.equal(await focused(), child);
		await page.keyboard.press("Enter");
		assert.equal(await page.locator("#flame-out").isEnabled(), true);
		assert.equal(await focused(), child);
		await page.keyboard.press("Escape");
		assert.match(await focused(), /^all,/);
		await page.locator("#table-body button").first().focus();
		await page.keyboard.press("Enter");
		assert.equal(await page.locator("#table-body tr.inside").count(), 1);
		await page.keyboard.press("Enter");
		assert.equal(await page.locator("#table-body tr.inside").count(), 0);
		await page.locator('#table-head [data-key="blocks"]').focus();
		await page.keyboard.press("Enter");
		assert.equal(await page.locator('#table-head [aria-sort] [data-key="blocks"]').count(), 1);
		assert.match(await focused(), /^$/);
		assert.equal(await page.evaluate(() => document.activeElement.dataset.key), "blocks");
	});
});

// The faults that axe finds: roles, labels, contrast.
async function axeFaults(page) {
	await page.evaluate(axe);
	const result = await page.evaluate(() =>
		window.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"] }),
	);
	return result.violations.map(
		(v) =>
			`${v.id}: ${v.nodes
				.slice(0, 3)
				.map((n) => `${n.html.slice(0, 150)} ${n.failureSummary.slice(0, 300)}`)
				.join("; ")}`,
	);
}

test("it is accessible, light and dark", async () => {
	for (const url of [urls.server, urls.both, urls.killed])
		await withPage(url, async (page) => {
			const colours = new Set();
			await page.locator("#search").fill("handle");
			await page.locator("#table-body button").first().click();
			await page.locator("#about summary").click();
			for (const colorScheme of ["light", "dark"]) {
				await page.emulateMedia({ colorScheme });
				colours.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
				assert.deepEqual(await axeFaults(page), [], colorScheme);
			}
			assert.equal(colours.size, 2);
		});
});

test("nothing is wider than the window", async () => {
	for (const [name, url] of Object.entries(urls))
		await withPage(url, async (page) => {
			await page.locator("#about summary").click();
			for (const width of [1280, 400]) {
				await page.setViewportSize({ width, height: 800 });
				await page.waitForTimeout(50);
				const wide = await page.evaluate(() => document.documentElement.scrollWidth);
				assert.ok(wide <= width, `${name}: ${wide} of ${width}`);
			}
		});
});

test("it is printed without controls", async () => {
	await withPage(urls.server, async (page) => {
		await page.emulateMedia({ media: "print" });
		assert.equal(await page.locator("#search").isVisible(), false);
		assert.equal(await page.locator("#metrics").isVisible(), false);
		for (const id of ["summary", "chart", "flame", "table"])
			assert.equal(await page.locator(`#${id}`).isVisible(), true, id);
		assert.ok((await page.pdf({ format: "A4" })).length > 10000);
	});
});

test("names from a trace stay text", async () => {
	await withPage(urls.hostile, async (page) => {
		assert.equal(await page.evaluate(() => window.hacked), undefined);
		assert.equal(await page.locator("img, iframe, object, embed, base, form, link").count(), 0);
		assert.equal(await page.locator("script").count(), 1);
		await choose(page, "allocated");
		await showAll(page);
		for (const button of await page.locator("#table-body button").all()) await button.click();
		const text = await page.locator("body").innerText();
		assert.ok(text.includes("</script><img"), "the name is not shown as it is");
		assert.doesNotMatch(
			text,
			// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
			/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069\ufeff]/,
		);
		assert.equal(await page.evaluate(() => window.hacked), undefined);
	});
	const page = readFileSync(join(directory, "hostile.html"), "utf8");
	assert.ok(!page.includes("onerror"));
});

test("the page runs no other script than its own", async () => {
	const page = readFileSync(join(directory, "server.html"), "utf8");
	const changed = page.replace("</body>", "<script>window.hacked = 1</script></body>");
	const url = `file://${join(directory, write("changed.html", changed))}`;
	const context = await browser.newContext();
	const opened = await context.newPage();
	const refused = opened.waitForEvent("console", (message) => /Content Security Policy/.test(message.text()));
	await opened.goto(url);
	await refused;
	assert.equal(await opened.evaluate(() => window.hacked), undefined);
	await context.close();
});

test("what is suppressed is told, and does not count as leaked", async () => {
	write("known", "leak:keep\n");
	await withPage(makePage("known.html", ["server"], "--suppressions=known"), async (page) => {
		assert.match(await page.locator(".verdict").innerText(), /^32\.00 KiB in 64 blocks were not freed\. No backtrace/);
		assert.match(await page.locator(".facts").innerText(), /Suppressed\s+19\.53 KiB\s+200 blocks/);
		await choose(page, "leaked");
		assert.deepEqual(await shown(page), expected(json("server", "--by=leaked", "--suppressions=known")));
		assert.ok((await rows(page)).every((row) => row.name !== "keep"));
	});
	await withPage(urls.server, async (page) => {
		assert.doesNotMatch(await page.locator(".facts").innerText(), /Suppressed/);
	});
});

test("two traces are compared", async () => {
	await withPage(urls.both, async (page) => {
		await choose(page, "leaked");
		const [first] = await rows(page);
		assert.equal(first.name, "keep");
		assert.match(await page.locator(".verdict").innerText(), /39\.06 KiB more are leaked/);
		const cells = page.locator("#table-body tr").first().locator("td");
		assert.match(await cells.last().innerText(), /^\u25b2 \+.* KiB \(\+\d+\)$/);
		assert.match(await cells.last().getAttribute("class"), /grew/);
		const keeps = (report) =>
			report.consumers.filter((c) => c.backtrace[0].function === "keep").reduce((sum, c) => sum + c.bytes, 0);
		await showAll(page);
		const shownKeeps = (await rows(page)).filter((row) => row.name === "keep");
		assert.equal(
			shownKeeps.reduce((sum, row) => sum + row.numbers[0], 0),
			keeps(json("worse", "--by=leaked")),
		);
		assert.equal(
			shownKeeps.reduce((sum, row) => sum + row.numbers[2], 0),
			keeps(json("server", "--by=leaked")),
		);
		assert.match(await page.locator("#flame .grew").first().innerText(), /^\u25b2 /);
		await page.locator("#run").selectOption({ index: 1 });
		assert.match(await page.locator(".verdict").innerText(), /steadily/);
		await page.locator("#run").selectOption({ index: 0 });
		assert.match(await page.locator("#title").innerText(), /comparison/);
	});
});

test("what is lost is told beside what is reachable", async () => {
	const trace = join(source, "tests/golden/lost.trace");
	await withPage(makePage("golden.html", [trace]), async (page) => {
		assert.equal(await page.locator("#metric-lost").isChecked(), true);
		assert.match(await page.locator(".verdict").innerText(), /140 B in 4 blocks are lost/);
		const told = json(trace, "--lost", "--by=leaked");
		assert.ok(told.consumers.length > 1);
		assert.deepEqual(await shown(page), expected(told));
		await choose(page, "leaked");
		assert.deepEqual(await shown(page), expected(json(trace, "--by=leaked")));
		assert.match(await page.locator(".facts").innerText(), /Lost\s+\d+ B\s+\d+ blocks?: no pointer leads to them/);
		assert.match(await page.locator(".facts").innerText(), /Reachable\s+1\.\d+ KiB\s+2 blocks/);
	});
	await withPage(urls.server, async (page) => {
		assert.equal(await page.locator("#metric-lost").count(), 0);
	});
});

// What a cell tells of an estimate: the number, its standard errors, and the number of samples.
const estimates = (page) =>
	page.$$eval("#table-body tr[data-entry]", (list) =>
		list.map((row) => [...row.querySelectorAll("td.number")].slice(0, 2).map((cell) => [cell.textContent, cell.title])),
	);

test("a sample's page has the estimates of JSON", async () => {
	await withPage(urls.sample, async (page) => {
		assert.match(await page.locator(".facts").innerText(), /Sample\s+one in 200 B/);
		assert.equal(await page.locator("#metric-temporary").count(), 0);
		for (const metric of ["leaked", "peak", "allocated", "calls"]) {
			const told = json("server.sample", `--by=${metric}`);
			await choose(page, metric);
			assert.deepEqual(await shown(page), expected(told), metric);
			const errors = (await estimates(page)).map(([bytes]) => bytes[1]);
			const wanted = told.consumers.map((c) => {
				const blocks = Math.round(c.count_error);
				return [c.samples, c.bytes_error, `\u00b1 ${blocks} block${blocks === 1 ? "" : "s"}; by ${c.samples} sample`];
			});
			assert.ok(told.consumers.length > 2 && wanted.every(([samples]) => samples > 0));
			for (const [, bytes, text] of wanted) {
				const found = errors.find((title) => title.includes(text));
				assert.ok(found, `${metric}: ${text}`);
				if (bytes < 1000)
					assert.ok(
						errors.some((title) => title.includes(`\u00b1 ${Math.round(bytes)} B, `)),
						text,
					);
			}
			assert.ok((await estimates(page)).flat().every(([text]) => text.startsWith("~")));
			const threads = await page.$$eval("#panels table:nth-child(3) tbody tr", (list) =>
				list.map((row) => [...row.querySelectorAll("td[title]")].map((cell) => Number.parseFloat(cell.title))),
			);
			const column = { calls: "allocated" }[metric] ?? metric;
			const uses = told.threads.map((thread) => thread[column]).filter(({ count }) => count);
			assert.deepEqual(sorted(threads), sorted(uses.map(({ count, bytes }) => [count, bytes])), metric);
		}
		const { peak } = json("server.sample");
		assert.match(await page.locator(".facts").innerText(), new RegExp(`by ${peak.samples} samples`));
		assert.match((await labels(page))[0], /^all, ~[\d,]+ blocks \u00b1 [\d,]+ blocks?, /);
		await page.locator("#table-body button").first().click();
		assert.match(
			await page.locator("#table-body tr.inside").innerText(),
			/Standard error \u00b1 .*; by \d+ samples?\./,
		);
	});
});

test("a range of a sample has its estimates", async () => {
	await withPage(urls.sample, async (page) => {
		const slices = Number(await page.locator("#range-to").getAttribute("max"));
		const half = 5 * Math.floor(slices / 10);
		await setSlider(page, "range-to", half);
		const until = /to ([\d.]+) s/.exec(await page.locator("#range-text").innerText())[1];
		for (const metric of ["leaked", "allocated"]) {
			await choose(page, metric);
			const told = json("server.sample", `--by=${metric}`, `--until=${until}s`);
			assert.deepEqual(await shown(page), expected(told), metric);
			const errors = (await estimates(page)).map(([bytes]) => bytes[1]);
			for (const { samples } of told.consumers)
				assert.ok(errors.some((title) => title.includes(`by ${samples} sample`)));
		}
	});
});

test("two samples are compared", async () => {
	await withPage(urls.samples, async (page) => {
		await choose(page, "leaked");
		const now = json("worse.sample", "--by=leaked");
		assert.match(await page.locator(".verdict").innerText(), /~.* more are leaked than before/);
		await showAll(page);
		const all = (await rows(page)).reduce((sum, row) => sum + row.numbers[0], 0);
		assert.ok(Math.abs(all - now.leaked.bytes) <= now.consumers.length, `${all} of ${now.leaked.bytes}`);
		const change = page.locator("#table-body tr").first().locator("td").last();
		assert.match(await change.innerText(), /~/);
		assert.match(await change.getAttribute("title"), /^standard error \u00b1 .* by \d+ samples$/);
	});
});

test("what is lost of a range is what was allocated in it", async () => {
	await withPage(urls.lost, async (page) => {
		const slices = Number(await page.locator("#range-to").getAttribute("max"));
		await choose(page, "lost");
		assert.deepEqual(await shown(page), expected(json("lost", "--lost", "--by=leaked")));
		const half = 5 * Math.floor(slices / 10);
		await setSlider(page, "range-to", half);
		assert.match(await page.locator("#table-title").innerText(), /lost of what was allocated in the range/);
		const early = await rows(page);
		const until = Number(/to ([\d.]+) s/.exec(await page.locator("#range-text").innerText())[1]);
		const count = (list) => list.reduce((sum, row) => sum + row.numbers[1], 0);
		// A block for each 100 ms; each third one is lost, but for those that were freed.
		const lost = Array.from({ length: 40 }, (_, i) => i).filter((i) => i % 3 === 0 && i % 5 !== 4);
		assert.equal(count(early), lost.filter((i) => i < 10 * until).length);
		await setSlider(page, "range-to", slices);
		await setSlider(page, "range-from", half);
		const late = await rows(page);
		assert.equal(count(late), lost.filter((i) => i >= 10 * until).length);
		assert.ok(count(early) > 0 && count(late) > 0);
	});
});

test("a chip's trace has a page", async () => {
	await withPage(urls.chip, async (page) => {
		await choose(page, "leaked");
		assert.deepEqual(
			(await rows(page)).map((row) => row.numbers.slice(0, 2)),
			[[80, 2]],
		);
		assert.match(await page.locator("#summary").innerText(), /chip/);
		assert.equal(await page.locator("#thread-choice").isVisible(), false);
		await setSlider(page, "range-to", 1);
		assert.match(await page.locator("#range-text").innerText(), /event/);
	});
});

test("a trace without allocations and one without backtraces have pages", async () => {
	await withPage(urls.empty, async (page) => {
		assert.match(await page.locator(".verdict").innerText(), /All that was allocated was freed/);
		assert.match(await page.locator("#flame").innerText(), /Nothing was allocated/);
	});
	await withPage(urls.withoutBacktraces, async (page) => {
		await choose(page, "leaked");
		assert.deepEqual(await rows(page), [{ name: "(no backtrace: calloc)", numbers: [8, 1, 2, 2] }]);
	});
});

test("a page of a part of the run says so", async () => {
	await withPage(makePage("part.html", ["server"], "--since=warm", "--until=10s"), async (page) => {
		assert.match(await page.locator(".facts").innerText(), /Part of the run\s+since warm, until 10s/);
		for (const metric of ["leaked", "peak", "allocated"]) {
			await choose(page, metric);
			assert.deepEqual(await shown(page), expected(json("server", `--by=${metric}`, "--since=warm", "--until=10s")));
		}
	});
});

test("what is missing in a trace is said", async () => {
	await withPage(urls.killed, async (page) => {
		assert.match(await page.locator(".warnings").innerText(), /The end is missing/);
		assert.match(await page.locator("#summary").innerText(), /killed by signal 9 \(SIGKILL\)/);
	});
	await withPage(urls.server, async (page) => {
		assert.equal(await page.locator(".warnings").count(), 0);
	});
});

test("a browser without DecompressionStream opens it, too", async () => {
	const context = await browser.newContext();
	await context.addInitScript(() => {
		delete globalThis.DecompressionStream;
		delete Uint8Array.fromBase64;
	});
	const page = await context.newPage();
	await page.goto(urls.server);
	await page.waitForSelector("#main:not([hidden])");
	assert.match(await page.locator(".verdict").innerText(), /keep/);
	await context.close();
});

test("the licences of what the page contains are in it", async () => {
	await withPage(urls.server, async (page) => {
		await page.locator("#about summary").click();
		const text = await page.locator("#about").innerText();
		for (const words of [
			/uplot [\d.]+, MIT/,
			/Leon Sorokin/,
			/fflate [\d.]+, MIT/,
			/Arjun Barrett/,
			/GNU General Public License/,
		])
			assert.match(text, words);
	});
});
