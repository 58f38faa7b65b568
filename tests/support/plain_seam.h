/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See plain_seam.c. */
#ifndef LM_TESTS_PLAIN_SEAM_H
#define LM_TESTS_PLAIN_SEAM_H

/* Called in lm_real_malloc() before anything is allocated, unless NULL. */
extern void (*plain_seam_hook)(void);

#endif
