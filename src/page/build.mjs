// SPDX-License-Identifier: GPL-3.0-or-later
// Makes the page without data: one file with the style and the script in it. Usage: node build.mjs OUTPUT
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const read = (...path) => readFileSync(join(here, ...path), "utf8");

async function bundle(entry) {
	const result = await build({
		entryPoints: [join(here, entry)],
		absWorkingDir: here,
		bundle: true,
		minify: true,
		write: false,
		charset: "ascii",
		legalComments: "none",
		target: "es2020",
		format: "iife",
		logLevel: "warning",
	});
	return result.outputFiles[0].text.trim();
}

// A script must not contain what ends it, nor a style.
function inline(text, tag) {
	if (new RegExp(`</${tag}|<!--`, "i").test(text)) throw new Error(`the bundle contains what ends <${tag}>`);
	return text;
}

const hash = (text) => `sha256-${createHash("sha256").update(text).digest("base64")}`;
const escapes = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
const escapeHtml = (text) =>
	text.replace(/[&<>]/g, (c) => escapes[c]).replace(/[^\n\x20-\x7e]/g, (c) => `&#${c.codePointAt(0)};`);

// The licences of all that the bundle contains.
function licences() {
	return Object.keys(JSON.parse(read("package.json")).dependencies)
		.map((name) => {
			const { version, license } = JSON.parse(read("node_modules", name, "package.json"));
			const text = read("node_modules", name, "LICENSE").trim();
			return `<h3>${escapeHtml(`${name} ${version}, ${license}`)}</h3>\n<pre>${escapeHtml(text)}</pre>`;
		})
		.join("\n");
}

const script = inline(await bundle("main.ts"), "script");
const style = inline(await bundle("page.css"), "style");
const parts = {
	script,
	style,
	"script-hash": hash(script),
	"style-hash": hash(style),
	licences: licences(),
};
const page = read("page.html").replace(/\{\{([a-z-]+)\}\}/g, (_, name) => parts[name]);
if (page.split("<!--data-->").length !== 2) throw new Error("the page has to have one place for the data");
writeFileSync(process.argv[2], page);
