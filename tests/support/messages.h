/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keeps what the reader says. */
#ifndef LM_TESTS_MESSAGES_H
#define LM_TESTS_MESSAGES_H

#include "diag.h"

struct messages {
	unsigned count;
	char last[256];
};

/* A diag that counts in MESSAGES. */
struct diag messages_diag(struct messages *messages);

#endif
