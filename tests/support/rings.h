/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory as the tracker's ring has it. */
#ifndef LM_TESTS_RINGS_H
#define LM_TESTS_RINGS_H

#include <stddef.h>

/* SIZE bytes of zeros, which are mapped twice in a row. They last until the test ends. */
unsigned char *ring_mapped_twice(size_t size);

#endif
