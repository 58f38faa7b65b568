/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The older files that an earlier trace has left beside this one's file, which had its name. They are removed when that
 * file is emptied: beside another trace, they would be taken for its older files. What is not known for a file of a
 * trace is never removed.
 */
#ifndef LM_EARLIER_H
#define LM_EARLIER_H

/*
 * Removes the file NAME if it is an older file of a trace: a regular file of ours that begins as a trace and ends by
 * saying that it goes on in a newer one, or such a file that the launcher has compressed. 0: there is no such name any
 * more. -EPERM: it is another file. Or -errno.
 */
int lm_earlier_remove(const char *name);

/*
 * Removes those of the trace PATH, whose numbers follow each other up to KEEP and further, and what a process that was
 * killed has left of the next file. What stays of those up to KEEP is told on standard error. KEEP is 0 for a trace
 * that has no older files.
 */
void lm_earlier_remove_all(const char *path, unsigned keep);

#endif
