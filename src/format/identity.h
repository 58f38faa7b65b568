/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * What tells a process from another one that had the same number: a value made
 * from the time of its start, its PID namespace and the boot of the machine. A
 * process keeps it over exec and over a change of user. The tracker writes it
 * into the trace, the launcher puts it into LOG_MALLOC_OWNER. Pure.
 */
#ifndef LM_IDENTITY_H
#define LM_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

/* What it is made from: the first bytes of two files, and the inode of a third one. */
#define LM_IDENTITY_STAT      "/proc/self/stat"
#define LM_IDENTITY_STAT_MAX  512
#define LM_IDENTITY_BOOT      "/proc/sys/kernel/random/boot_id"
#define LM_IDENTITY_BOOT_MAX  40
#define LM_IDENTITY_NAMESPACE "/proc/self/ns/pid"

/* FNV-1a */
static inline uint64_t lm_identity_mix(uint64_t hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* In STAT, the field NUMBER as proc(5) counts it, from 3 on; *SIZE: its length. NULL if there is none. */
static inline const char *lm_identity_field(const char *stat, size_t length, int number, size_t *size)
{
	size_t at = length, end;

	/* "PID (NAME) STATE ...", where a name may contain anything. */
	while (at > 0 && stat[at - 1] != ')')
		at--;
	if (at == 0)
		return NULL;
	for (int field = 2; field < number; field++) {
		while (at < length && stat[at] != ' ')
			at++;
		at++;
	}
	for (end = at; end < length && stat[end] > ' ';)
		end++;
	if (end >= length || end == at)
		return NULL;
	*size = end - at;
	return stat + at;
}

/* NAMESPACE is 0 and BOOT_LENGTH is 0 where these are not known. Returns 0 if STAT does not tell the start. */
static inline uint64_t lm_identity_make(const char *stat, size_t stat_length, uint64_t namespace, const char *boot,
                                        size_t boot_length)
{
	size_t size;
	const char *start = lm_identity_field(stat, stat_length, 22, &size);
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	if (!start)
		return 0;
	hash = lm_identity_mix(hash, start, size + 1);
	for (int shift = 0; shift < 64; shift += 8) {
		unsigned char byte = (unsigned char)(namespace >> shift);

		hash = lm_identity_mix(hash, &byte, 1);
	}
	hash = lm_identity_mix(hash, boot, boot_length);
	return hash ? hash : 1;
}

#endif
