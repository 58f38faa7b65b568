// SPDX-License-Identifier: GPL-3.0-or-later
// Unpacks what src/reader/export/page_data.c packed: base64 of raw deflate; in that, a text in JSON and columns of
// numbers.
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

// A browser may lack DecompressionStream, or not know raw deflate. fflate does the same, more slowly.
async function inflate(bytes: Uint8Array): Promise<Uint8Array> {
	try {
		return await inflateByBrowser(bytes);
	} catch {
		return inflateSync(bytes);
	}
}

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

// All numbers of a column.
export function readColumn(bytes: Uint8Array): Float64Array {
	let count = 0;
	for (let i = 0; i < bytes.length; i++) if (bytes[i] < 0x80) count++;
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

export interface Unpacked<Description> {
	description: Description;
	columns: Map<string, Float64Array>;
}

export async function unpack<Description extends { columns: string[] }>(text: string): Promise<Unpacked<Description>> {
	const reader = new Reader(await inflate(decodeBase64(text)));
	const description = JSON.parse(new TextDecoder().decode(reader.piece())) as Description;
	const columns = new Map<string, Float64Array>();
	for (const name of description.columns) columns.set(name, readColumn(reader.piece()));
	return { description, columns };
}
