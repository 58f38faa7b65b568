// SPDX-License-Identifier: GPL-3.0-or-later
// The numbers of a page: those of JSON, also of a range that is selected; and what the chart tells.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
	METRICS,
	choose,
	expected,
	json,
	rows,
	setSlider,
	settle,
	showAll,
	shown,
	sorted,
	urls,
	withPage,
} from "./pages.mjs";

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
