/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes a journal about a trace that its tracker never wrote, as an attacker
 * would:
 *
 *     forge_journal TRACE JOURNAL whole | short | long | tail | base | start | zeros | states | random | wrap | inode
 *
 * whole: a record that never happened; the others: records, or a header, that
 * can't be. But wrap is a sound one: three such records, and a gap behind each of
 * the first two; the first gap lies across the end of the ring. inode is a whole one
 * of another trace. The layout is src/format/journal.h's.
 */
#include <endian.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Programs of the tests see no header of the project's: what is believed of a file does not depend on one. */
enum { HEADER = 64 << 10, RING = 4 << 20, TRAILER = 64 << 10 };

static _Alignas(uint64_t) unsigned char image[HEADER + RING + TRAILER];

static size_t put(size_t at, const char *text)
{
	memcpy(image + HEADER + at, text, strlen(text));
	return at + strlen(text);
}

static void put_length(size_t at, uint32_t length)
{
	length = htole32(length);
	image[HEADER + at] = 1;
	memcpy(image + HEADER + at + 1, &length, sizeof length);
}

/* The stream goes on at the ring's beginning. */
static void put_around(uint64_t position, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		image[HEADER + (position + i) % RING] = ((const unsigned char *)bytes)[i];
}

static void wrap(uint64_t *header, const char *record)
{
	const uint32_t length = 40, stored = htole32(length), size = (uint32_t)strlen(record);
	uint64_t position = RING - size - length / 2;

	memset(image + HEADER, 0, RING);
	header[5] = header[6] = position;
	for (int i = 0; i < 3; i++) {
		put_around(position, record, size);
		position += size;
		if (i == 2)
			break;
		put_around(position, "\1", 1);
		put_around(position + 1, &stored, sizeof stored);
		put_around(position + 8, "half", 4);
		position += length;
	}
}

static void fill(uint64_t *header, const char *what)
{
	static const char record[] = "+ malloc 66666666 0x4141414140 [66666666:66666666]\n";
	size_t at = put(0, record);

	if (strcmp(what, "short") == 0) {
		/* A gap of three bytes between two records. */
		put(at + 3, record);
	} else if (strcmp(what, "long") == 0) {
		put_length(at, UINT32_MAX);
		put(at + 100, record);
	} else if (strcmp(what, "tail") == 0) {
		header[6] = UINT64_MAX - 10;
	} else if (strcmp(what, "base") == 0) {
		header[4] = UINT64_MAX - 10;
	} else if (strcmp(what, "start") == 0) {
		header[5] = UINT64_MAX - 10;
	} else if (strcmp(what, "inode") == 0) {
		header[3]++;
	} else if (strcmp(what, "wrap") == 0) {
		wrap(header, record);
	} else if (strcmp(what, "zeros") == 0) {
		memset(image + HEADER, 0, RING);
		image[HEADER + RING - 1] = '\n';
	} else if (strcmp(what, "states") == 0) {
		for (size_t i = 0; i < RING; i++)
			image[HEADER + i] = (unsigned char)(i % 4);
	} else if (strcmp(what, "random") == 0) {
		srandom(1);
		for (size_t i = 0; i < RING; i++)
			image[HEADER + i] = (unsigned char)(random() % 8 ? '\n' : random() % 5);
	}
}

int main(int argc, char **argv)
{
	uint64_t *header = (uint64_t *)(void *)image;
	struct stat trace;
	FILE *file;

	if (argc != 4 || stat(argv[1], &trace) != 0)
		return 98;
	header[0] = UINT64_C(0x344c4e524a4d4c0a);
	header[2] = trace.st_dev;
	header[3] = trace.st_ino;
	header[4] = (uint64_t)trace.st_size;
	fill(header, argv[3]);
	for (int i = 0; i < 7; i++)
		header[i] = htole64(header[i]);
	file = fopen(argv[2], "w");
	return file && fwrite(image, sizeof image, 1, file) == 1 && fclose(file) == 0 ? 0 : 97;
}
