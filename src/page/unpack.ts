// SPDX-License-Identifier: GPL-3.0-or-later
// Unpacks what src/reader/export/page_data.c packed: base64 of raw deflate; in that, columns of numbers and at most one
// text in JSON.
import { inflateSync } from "fflate";

function decodeBase64(text: string): Uint8Array {
	const decoder = Uint8Array as unknown as { fromBase64?(text: string): Uint8Array };
	if (decoder.fromBase64) return decoder.fromBase64(text);
	const binary = atob(text);
	const bytes = new Uint8Array(binary.length);
	for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i);
	return bytes;
}

async function inflateByBrowser(bytes: Uint8Array): Promise<Uint8Array> {
	const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
	return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Bytes that are inflated at once, which takes a while, or bit by bit beside other work.
export class Packed {
	private bytes: Uint8Array | null = null;

	constructor(private text: string) {}

	// A browser may lack DecompressionStream, or not know raw deflate. fflate does the same, more slowly.
	async prepare(): Promise<Uint8Array> {
		if (this.bytes) return this.bytes;
		try {
			const bytes = await inflateByBrowser(decodeBase64(this.text));
			this.bytes ??= bytes;
		} catch {}
		return this.now();
	}

	now(): Uint8Array {
		this.bytes ??= inflateSync(decodeBase64(this.text));
		this.text = "";
		return this.bytes;
	}
}

// Pieces of bytes, each behind its length.
export class Reader {
	private at = 0;
	constructor(private readonly bytes: Uint8Array) {}

	number(): number {
		let value = 0;
		let factor = 1;
		for (;;) {
			const byte = this.bytes[this.at++];
			if (byte === undefined) throw new Error("the data of this page ends early");
			value += (byte & 0x7f) * factor;
			if (byte < 0x80) return value;
			factor *= 128;
		}
	}

	piece(): Uint8Array {
		const length = this.number();
		this.at += length;
		if (this.at > this.bytes.length) throw new Error("the data of this page ends early");
		return this.bytes.subarray(this.at - length, this.at);
	}
}

// A column: numbers of seven bits a byte, see src/reader/export/column.h.
interface Piece {
	count: number;
	bytes: Uint8Array;
}

function readNumbers({ count, bytes }: Piece): Float64Array {
	const numbers = new Float64Array(count);
	for (let i = 0, n = 0; n < count; n++) {
		let byte = bytes[i++];
		let value = byte & 0x7f;
		for (let factor = 128; byte >= 0x80; factor *= 128) {
			byte = bytes[i++];
			value += (byte & 0x7f) * factor;
		}
		numbers[n] = value;
	}
	return numbers;
}

export function signed(number: number): number {
	return number % 2 ? -(number + 1) / 2 : number / 2;
}

// What is in front of each number, in all, and the sum of all numbers.
export function sumUp(numbers: Float64Array): Float64Array {
	const sums = new Float64Array(numbers.length + 1);
	for (let i = 0, sum = 0; i < numbers.length; ) {
		sum += numbers[i];
		sums[++i] = sum;
	}
	return sums;
}

// Columns, which are read when they are asked for.
export class Columns {
	constructor(private readonly pieces: Map<string, Piece>) {}

	private piece(name: string): Piece {
		const piece = this.pieces.get(name);
		if (!piece) throw new Error(`the data of this page has no column ${name}`);
		return piece;
	}

	numbers(name: string): Float64Array {
		return readNumbers(this.piece(name));
	}

	integers(name: string): Int32Array {
		return new Int32Array(this.numbers(name));
	}

	// Numbers of eight bytes each: where digits behind the point count.
	doubles(name: string): Float64Array {
		const { count, bytes } = this.piece(name);
		const numbers = new Float64Array(count);
		const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
		for (let i = 0; i < count; i++) numbers[i] = view.getFloat64(8 * i, true);
		return numbers;
	}
}

export function readColumns(reader: Reader, names: string[]): Columns {
	return new Columns(new Map(names.map((name) => [name, { count: reader.number(), bytes: reader.piece() }])));
}

// What is made when it is asked for the first time.
export function once<Made>(make: () => Made): () => Made {
	let made: { value: Made } | null = null;
	return () => {
		made ??= { value: make() };
		return made.value;
	};
}
