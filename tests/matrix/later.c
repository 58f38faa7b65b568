/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library that tests/programs/attach_later.c loads. */
#include <stdlib.h>

void *allocate(void);

void *allocate(void)
{
	return malloc(1006);
}
