// SPDX-License-Identifier: GPL-3.0-or-later
// Pages of what is not an ordinary trace: of two, of a sample, of a chip, with what is lost or missing.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import {
	browser,
	choose,
	expected,
	json,
	labels,
	makePage,
	rows,
	setSlider,
	showAll,
	shown,
	sorted,
	source,
	urls,
	withPage,
	write,
} from "./pages.mjs";

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
