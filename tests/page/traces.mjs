// SPDX-License-Identifier: GPL-3.0-or-later
// Traces in the full format, as texts.

// Numbers that look random, the same in each run.
export function numbers(seed) {
	let state = seed;
	return (below) => {
		state = (Math.imul(state, 1103515245) + 12345) >>> 0;
		return (state >>> 8) % below;
	};
}

const HEAD = "# PID 7\n# EXE /opt/demo\n# CWD /opt\n";

// A frame of the function, with an address of its own.
const frame = (module, name, offset) =>
	`${module}(${name}+0x${offset.toString(16)})[0x${(0x10000 + offset).toString(16)}]\n`;

// Writes events, and knows what is in use.
export class Writer {
	constructor(head = HEAD) {
		this.lines = [head, "+ INIT [0:0] malloc=0\n"];
		this.used = 0;
		this.next = 0x1000;
	}
	time(ms) {
		this.lines.push(`# TIME ${ms}\n`);
	}
	mark(name) {
		this.lines.push(`# MARK ${name}\n`);
	}
	thread(number, name) {
		this.lines.push(`# THREAD ${number} ${number + 6} ${name}\n`);
	}
	totals() {
		return `[${this.used}:${this.used + 8}]`;
	}
	malloc(size, frames, thread = 1) {
		const address = this.next;
		this.next += 0x1000;
		this.used += size;
		// Resident memory of 1,000 pages and more, in some events.
		const statm = address % 0x10000 ? "" : ` #2000 ${1000 + (address >> 16)} 300 1 0 900 0`;
		const call = `+ malloc ${size} 0x${address.toString(16)} ${this.totals()} thread=${thread}${statm}\n`;
		this.lines.push(call, ...frames);
		return { address, size };
	}
	free(block, thread = 1) {
		this.used -= block.size;
		this.lines.push(`+ free -${block.size} 0x${block.address.toString(16)} ${this.totals()} thread=${thread}\n`);
	}
	end(fini = true) {
		if (fini) this.lines.push(`+ FINI ${this.totals()} malloc=1\n`);
		return this.lines.join("");
	}
}

// Twenty seconds of a server with two threads: a leak that grows steadily, a cache that was filled, and blocks that come
// and go.
export function server(leaks = 1) {
	const random = numbers(42);
	const writer = new Writer();
	const live = [];
	const main = frame("/opt/demo", "main", 1);
	writer.thread(1, "demo");
	writer.thread(2, "worker");
	for (let i = 0; i < 2000; i++) {
		if (i % 2 === 0) writer.time(10 * i);
		if (i === 500) writer.mark("warm");
		const thread = 1 + (i % 2);
		const start = thread === 1 ? main : frame("/lib/libpthread.so", "start_thread", 2);
		if (i % 10 === 0)
			for (let n = 0; n < leaks; n++)
				writer.malloc(100, [frame("/opt/demo", "keep", 3), frame("/opt/demo", "handle", 4), start], thread);
		if (i < 64)
			writer.malloc(512, [frame("/opt/libcache.so", "fill", 5), frame("/opt/demo", "handle", 6), start], thread);
		if (random(3) === 0) {
			const block = writer.malloc(1 + random(5000), [frame("/opt/demo", "parse", 7), start], thread);
			writer.free(block, thread);
		}
		const which = random(8);
		live.push(
			writer.malloc(
				1 + random(300),
				[frame("/opt/demo", `f${which}`, 16 + which), frame("/opt/demo", "handle", 8 + which), start],
				thread,
			),
		);
		while (live.length > 40) writer.free(live.splice(random(live.length), 1)[0], thread);
	}
	for (const block of live) writer.free(block);
	return writer.end();
}

// A function with 200 callees, the first of which have a little more than the next.
export function narrow() {
	const writer = new Writer();
	for (let i = 0; i < 200; i++)
		writer.malloc(10000 - i, [frame("/opt/demo", `leaf_${i}`, 10 + i), frame("/opt/demo", "main", 1)]);
	return writer.end();
}

// Four seconds in which blocks are lost, and some are not, of two backtraces.
export function lost() {
	const writer = new Writer();
	const blocks = [];
	for (let i = 0; i < 40; i++) {
		writer.time(100 * i);
		const frames = [frame("/opt/demo", i % 2 ? "odd" : "even", 1 + (i % 2)), frame("/opt/demo", "main", 3)];
		blocks.push(writer.malloc(10 + i, frames));
		if (i % 5 === 4) writer.free(blocks[i]);
	}
	const unreachable = blocks
		.filter((_, i) => i % 3 === 0 && i % 5 !== 4)
		.map(({ address }) => `0x${address.toString(16)}`);
	writer.lines.push(`# REACHED-AT 4000 blocks=${unreachable.length}\n# UNREACHABLE ${unreachable.join(" ")}\n`);
	return writer.end();
}

export const HOSTILE = [
	"</script><img onerror=alert(1) src=x>",
	"<script>window.hacked=1</script>",
	"\"'`${window.hacked=1}&lt;",
	"a\u2028b\u2029c",
	"\u202egnp.exe\u202c",
	"tab\\011nl\\012esc\\033[31m",
	"\u200f\u061c\ufeffzero\u200b",
	`${"long".repeat(2000)}end`,
];

// Names that try to become markup, script or other text.
export function hostile() {
	const names = HOSTILE.map((name) =>
		name.replace(/[ ()[\]]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`),
	);
	const plain = HOSTILE.map((name) => name.replace(/\n/g, " "));
	const writer = new Writer(`# PID 7\n# EXE /opt/${plain[0]}\n# CWD /opt/${plain[1]}\n# TITLE ${plain[0]}\n`);
	plain.forEach((name, i) => {
		writer.thread(i + 1, name.replace(/\s/g, "_").slice(0, 14));
		writer.mark(name.slice(0, 200));
	});
	names.forEach((name, i) => {
		writer.time(500 * i);
		writer.malloc(
			100 + i,
			[`/opt/${name}(+0x${i + 1})[0x${(0x1000 + i).toString(16)}]\n`, frame("/opt/demo", name, i + 1)],
			i + 1,
		);
	});
	return writer.end();
}

// A chip has neither threads nor times, and its frames are addresses.
export const chip = () =>
	"# FLAVOUR embedded\n# FORMAT full\n+ INIT [0:0] malloc=0\n" +
	"+ malloc 64 0x20000100 [64:64]\n[0x8000123]\n[0x8000045]\n+ malloc 32 0x20000200 [96:96]\n[0x8000201]\n" +
	"+ free -32 0x20000200 [64:64]\n+ malloc 16 0x20000300 [80:80]\n[0x8000123]\n[0x8000045]\n";

export const empty = () => `${HEAD}+ INIT [0:0] malloc=0\n+ FINI [0:0] malloc=0\n`;

export const withoutBacktraces = () =>
	`${HEAD}+ INIT [0:0] malloc=0\n+ malloc 5 0x10 [5:24]\n+ calloc 8 0x20 [13:48] (2 4)\n+ free -5 0x10 [8:24]\n+ FINI [8:24] malloc=1\n`;

// No frees at all, and the process was killed.
export function killed() {
	const writer = new Writer();
	writer.malloc(1000, [frame("/opt/demo", "main", 1)]);
	writer.lines.push("# KILLED 9\n");
	return writer.end(false);
}
