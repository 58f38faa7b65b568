/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See hot.h. A chip needs nothing else of the books: it has no shares. */
#include "hot.h"

struct lm_hot lm_hot;
