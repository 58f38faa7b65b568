/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * An ELF note that tells the launcher that a program has the tracker linked in.
 * Stripping the program does not remove it. Its owner is "log-malloc2", its type
 * 1, its content the version.
 */
#include <stdint.h>

#define OWNER "log-malloc2"

__attribute__((section(".note.log-malloc2"), used, aligned(4))) static const struct {
	uint32_t owner_size, content_size, type;
	char owner[(sizeof OWNER + 3) / 4 * 4];
	char content[(sizeof LM_VERSION + 3) / 4 * 4];
} note = {sizeof OWNER, sizeof LM_VERSION, 1, OWNER, LM_VERSION};
