// SPDX-License-Identifier: GPL-3.0-or-later
// A large trace: two million events of four threads over 20 seconds, fifty thousand backtraces of 12 to 29 frames, which
// begin alike and then differ. Its page has a tree of some 850,000 nodes.
import { closeSync, openSync, writeSync } from "node:fs";
import { numbers } from "./traces.mjs";

const EVENTS = 2000000;
const BACKTRACES = 50000;
const FUNCTIONS = 8000;
const STEMS = 300; // how backtraces begin, outermost
const LIVE_MOST = 60000;
const MODULES = ["/opt/demo", "/lib/liba.so", "/lib/libb.so", "/lib/libc2.so"];

// A file that is written in pieces.
class Output {
	constructor(file) {
		this.descriptor = openSync(file, "w");
		this.parts = [];
	}
	write(text) {
		this.parts.push(text);
		if (this.parts.length === 10000) this.flush();
	}
	flush() {
		writeSync(this.descriptor, this.parts.join(""));
		this.parts = [];
	}
	end() {
		this.flush();
		closeSync(this.descriptor);
	}
}

function makeBacktraces(random) {
	const frames = Array.from(
		{ length: FUNCTIONS },
		(_, i) => `${MODULES[i % MODULES.length]}(func_${i}+0x${i.toString(16)})[0x${(0x10000 + i * 16).toString(16)}]\n`,
	);
	const some = (count) => Array.from({ length: count }, () => frames[random(FUNCTIONS)]);
	const stems = Array.from({ length: STEMS }, () => some(2 + random(4)));
	return Array.from({ length: BACKTRACES }, () => {
		const stem = stems[random(STEMS)];
		return [...some(11 + random(18) - stem.length), ...stem, frames[0]].join("");
	});
}

// The heap of the program that the trace is of.
class Heap {
	constructor() {
		this.used = 0;
		this.count = 0;
		this.live = [];
		this.free = [];
		this.next = 0x1000;
	}
	totals() {
		return `[${this.used}:${this.used + 8 * this.live.length}]`;
	}
	take(size) {
		const address = this.free.pop() ?? this.next;
		if (address === this.next) this.next += 0x400;
		this.used += size;
		this.live.push({ address, size });
		return address;
	}
	drop(index) {
		const block = this.live[index];
		this.live[index] = this.live[this.live.length - 1];
		this.live.pop();
		this.used -= block.size;
		this.free.push(block.address);
		return block;
	}
}

export function writeLargeTrace(file) {
	const random = numbers(7);
	const backtraces = makeBacktraces(random);
	const seen = new Uint8Array(BACKTRACES);
	const heap = new Heap();
	const output = new Output(file);
	output.write("# PID 7\n# FORMAT compact\n# EXE /opt/demo\n# CWD /opt\n+ INIT [0:0] malloc=0\n");
	for (let thread = 1; thread <= 4; thread++) output.write(`# THREAD ${thread} ${thread + 6} worker${thread}\n`);
	for (let event = 0; event < EVENTS; event++) {
		if (event % 200 === 0) output.write(`# TIME ${event / 100}\n`);
		const thread = 1 + random(4);
		if (heap.live.length > LIVE_MOST || (heap.live.length && random(100) < 48)) {
			const { address, size } = heap.drop(random(heap.live.length));
			output.write(`+ free -${size} 0x${address.toString(16)} ${heap.totals()} thread=${thread}\n`);
			continue;
		}
		const backtrace = random(BACKTRACES);
		const size = 16 + ((backtrace * 37) % 900);
		const address = heap.take(size);
		if (!seen[backtrace]++) output.write(`# BACKTRACE ${backtrace + 1}\n${backtraces[backtrace]}`);
		output.write(`+ malloc ${size} 0x${address.toString(16)} ${heap.totals()} thread=${thread} bt=${backtrace + 1}\n`);
	}
	output.write(`+ FINI ${heap.totals()} malloc=1\n`);
	output.end();
}
