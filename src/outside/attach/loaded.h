/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The objects that a process's loader has loaded into its main namespace: the program, its libraries, plugins. Read
 * from the loader's own list in the process's memory, so that no file is needed. What stands there is checked before it
 * is believed. Of 64-bit processes.
 */
#ifndef LM_OUTSIDE_LOADED_H
#define LM_OUTSIDE_LOADED_H

#include "regions.h"

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct loaded_segment {
	uint64_t start, end;
	bool writable; /* at first: relocations may be read-only by now */
};

/* A table of relocations: where it lies, and how many bytes it has. */
struct loaded_table {
	uint64_t at, size;
};

enum { LOADED_SEGMENTS = 16 };

struct loaded {
	uint64_t map;  /* its struct link_map, the loader's */
	uint64_t base; /* what is added to addresses in its file */
	uint64_t dynamic;
	char *name; /* as the loader has it: the program's is empty */
	struct loaded_segment segments[LOADED_SEGMENTS];
	size_t segment_count;
	struct loaded_table lazy, relocations; /* of calls; of everything else */
	Elf64_Sym *symbols;
	Elf64_Half *versions; /* of each symbol, or NULL */
	size_t symbol_count;
	char *strings;
	size_t strings_size;
	bool is_tracker; /* it is our library */
	bool is_loader;
	bool is_libc;
	bool is_musl;
};

struct loaded_list {
	pid_t pid;
	struct loaded *items; /* in the loader's order, the program first */
	size_t count, room;
	uint64_t debug; /* the loader's struct r_debug */
};

/* Reads the list. 0, or -errno: -ENOENT if the process has no loader, or that has not begun its work; -ESRCH
 * if the process has ended. */
int loaded_read(struct loaded_list *list, pid_t pid, const struct regions *regions);

/* Does the loader change its list just now? */
bool loaded_changes(const struct loaded_list *list);

void loaded_free(struct loaded_list *list);

/* The object that ADDRESS lies in, or NULL. */
const struct loaded *loaded_at(const struct loaded_list *list, uint64_t address);

/* Our library, libc; or NULL. */
const struct loaded *loaded_tracker(const struct loaded_list *list);
const struct loaded *loaded_libc(const struct loaded_list *list);

/* The symbol that OBJECT defines as NAME, its default version; NULL if it does not. Its address. */
const Elf64_Sym *loaded_define(const struct loaded *object, const char *name);
uint64_t loaded_address(const struct loaded *object, const Elf64_Sym *symbol);

/* Where NAME is defined for a program that looks it up: by the first object in order, our library left out. 0: nowhere.
 */
uint64_t loaded_find(const struct loaded_list *list, const char *name, const struct loaded **definer);

/* The name of symbol number INDEX of OBJECT; "" if it has none. */
const char *loaded_symbol_name(const struct loaded *object, size_t index);

#endif
