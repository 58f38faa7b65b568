/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See port.h. One processor at a time changes what the tracker keeps. */
#ifndef LM_CACHE_H
#define LM_CACHE_H

#define LM_CACHE_LINE 8

#endif
