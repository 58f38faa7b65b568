/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See port.h. */
#ifndef LM_CACHE_H
#define LM_CACHE_H

#define LM_CACHE_LINE 64

#endif
