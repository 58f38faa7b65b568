/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Delivers profiles to a store by HTTP. One profile at a time, with a time-out: what a store does can take no longer
 * than that, and no more memory than a few kilobytes. Nothing is kept for later.
 */
#ifndef LM_STORE_H
#define LM_STORE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum store_kind {
	STORE_PYROSCOPE, /* as Pyroscope's /ingest takes it: a form, and the rest as the URL's query */
	STORE_BARE,      /* the compressed profile alone */
	STORE_KINDS,
};

enum { STORE_TROUBLE = 512 };

struct store_settings {
	enum store_kind kind;
	const char *url;
	const char *token;          /* for "Authorization: Bearer"; NULL: none */
	const char *const *headers; /* NULL behind the last */
	uint64_t timeout;           /* of each delivery, in milliseconds */
};

struct store_profile {
	const char *bytes; /* compressed, as export_pprof_write() makes it */
	size_t len;
	const char *name;     /* of the program and its labels, as Pyroscope has them: "program{key=value}" */
	uint64_t from, until; /* the time that it is of: seconds since 1970 */
};

struct store;

/* NULL after TROUBLE was filled. SETTINGS' strings have to stay. */
struct store *store_open(const struct store_settings *settings, char trouble[STORE_TROUBLE]);

/*
 * Delivers a profile. False if the store did not say that it took it: then TROUBLE says why, in printable text. A
 * redirection is not followed: the token would go to a server that the user did not name.
 */
bool store_send(struct store *store, const struct store_profile *profile, char trouble[STORE_TROUBLE]);

/* How long the store does not want another profile, in milliseconds, as its last answer said; 0: it said nothing. */
uint64_t store_asked_pause(const struct store *store);

void store_close(struct store *store);

#endif
