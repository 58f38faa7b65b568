/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Suppressions that anybody could have written: the parser, and each pattern against a name. */
#include "suppress.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct suppressions suppressions = {0};

	suppressions_parse(&suppressions, (const char *)data, size, "fuzz", NULL);
	for (size_t i = 0; i < suppressions.count; i++) {
		suppression_matches(suppressions.list[i].pattern, "std::vector<int>::push_back(int const&)");
		/* A pattern matches itself unless it has special characters. */
		if (!suppressions.list[i].pattern[strcspn(suppressions.list[i].pattern, "*^$")] &&
		    suppressions.list[i].pattern[0] &&
		    !suppression_matches(suppressions.list[i].pattern, suppressions.list[i].pattern))
			__builtin_trap();
	}
	suppressions_free(&suppressions);
	return 0;
}
