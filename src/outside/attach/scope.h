/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The order in which the loader looks for a symbol. Our library comes last, since it was loaded last. In front of libc,
 * it is found by objects that are loaded later, by calls that are resolved later, and by dlsym(), as a library that was
 * preloaded. The loader's structures are recognised by what they hold; where they are not, nothing is changed.
 */
#ifndef LM_OUTSIDE_SCOPE_H
#define LM_OUTSIDE_SCOPE_H

#include "loaded.h"

#include <stdint.h>

/* The last object of musl's chain, and the words that point to it; to be read before our library is put at its end. */
enum { SCOPE_WORDS = 64 };
struct scope_end {
	uint64_t last;
	uint64_t words[SCOPE_WORDS];
	int count;
};

/* Nothing has to be known for glibc. Our library is not in the chain. */
void scope_read_end(struct scope_end *end, const struct loaded_list *list);

/*
 * Moves our library, which the loader has put at the end, behind the program; to where it does not matter any more. The
 * process is stopped. 0; -EINVAL if the structures are not recognised; or -errno.
 */
int scope_to_front(const struct loaded_list *list, const struct scope_end *end);
int scope_to_back(const struct loaded_list *list);

#endif
