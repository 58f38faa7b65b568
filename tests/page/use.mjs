// SPDX-License-Identifier: GPL-3.0-or-later
// How a page is used: by mouse and by keyboard, in any window, by people who see and by those who do not.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { browser, choose, directory, labels, require, rows, showAll, urls, withPage, write } from "./pages.mjs";

const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

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
