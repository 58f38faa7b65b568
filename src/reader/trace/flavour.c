/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See flavour.h. */
#include "flavour.h"

#include <string.h>

/* The program may write such a line itself, but not in front of INIT. */
void flavour_set(struct trace_image *image, const char *word, size_t len)
{
	static const char *const words[] = {
#define WORD(id, word) [LM_FLAVOUR_##id] = (word),
		LM_TRACE_FLAVOURS(WORD)
#undef WORD
	};

	for (int i = 0; !image->begun && i < LM_FLAVOUR_COUNT; i++) {
		if (len != strlen(words[i]) || memcmp(word, words[i], len) != 0)
			continue;
		image->flavour = words[i];
		image->is_loaded = i == LM_FLAVOUR_DLOPEN;
		image->is_partial = i == LM_FLAVOUR_WRAP_DYNAMIC || image->is_loaded;
		image->is_attached = i == LM_FLAVOUR_ATTACHED;
		image->is_embedded = i == LM_FLAVOUR_EMBEDDED;
	}
}

const struct flavour_lack *flavour_lack(const struct trace_image *image)
{
	static const struct flavour_lack linked = {
		.unseen =
			"calls from inside libraries, such as strdup's: the tracker was linked into a dynamic program",
		.brief = "calls from inside libraries are not seen",
		.advice = "set LD_PRELOAD to liblog-malloc2.so when it runs, or link the program statically (a program "
			  "in "
			  "C++: with log-malloc2-wrap-cxx, which sees its own new and delete)",
	};
	static const struct flavour_lack loaded = {
		.unseen =
			"calls that do not go through the names of liblog-malloc2.so: the program loaded it itself, by "
			"dlopen()",
		.brief = "calls that go past the library are not seen",
		.advice = "set LD_PRELOAD to liblog-malloc2.so when it starts, or attach to it with log-malloc -p PID",
	};

	if (!image->is_partial)
		return NULL;
	return image->is_loaded ? &loaded : &linked;
}
