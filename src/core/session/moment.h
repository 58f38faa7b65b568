/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The moment of a trigger in a file of its own: a sampled trace with a limit is closed behind the mark and kept as
 * TRACE.at-peak, TRACE.at-peak-2 and so on. Other traces have the mark alone.
 */
#ifndef LM_MOMENT_H
#define LM_MOMENT_H

/* Before an event, in the way of lm_rotate_in_time(): keeps the file if a trigger has fired. */
void lm_moment_in_time(void);

#endif
