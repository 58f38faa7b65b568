/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the suites share that build the tracker and link programs with it. */
#ifndef LINKED_H
#define LINKED_H

#include <check.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "traced.h"

/* Where builds go. A group of tests shares those of its fixture, which runs before Check forks for each test. */
extern char built[PATH_MAX];

/* 'make check' has variables of its own, which are not meant for the makes in here. */
#define MAKE                                                                                                           \
	"env -u MAKEFLAGS -u MFLAGS -u UNWIND -u SAN -u V -u DESTDIR -u CPPFLAGS -u CFLAGS -u LDFLAGS "                \
	"make -C \"$S\" --no-print-directory "

/* The pkg-config of the build directory %s. */
#define PKG_CONFIG "PKG_CONFIG_PATH=%s/pkgconfig:$PKG_CONFIG_PATH ${PKG_CONFIG:-pkg-config} "

/* The sizes by which the records of the programs of write_programs() are found. */
#define STRDUP_SIZE  43
#define ALIGNED_SIZE 777
#define STRING_SIZE  5001
#define LTO_SIZE     3210

void write_programs(void);

/* PROGRAM is a command line; its trace goes to the file "trace". */
struct traced run_linked(const char *program);

struct traced run_soundly(const char *program);

/* The first frame of CALL that is SYMBOL, or its depth. */
size_t frame_of(const struct traced_call *call, const char *symbol);

void calls_from(const struct traced *trace, const char *function, uint64_t size, const char *symbol);

void build(const char *directory, const char *what, const char *settings);

TCase *group(Suite *suite, const char *name, SFun fixture);

#endif
