/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The files that an earlier run has left where a trace begins: the trace that has its name, and the older files of
 * that.
 *
 * A sampled trace with a limit keeps them, as its own older files: whoever restarts a service that has been killed
 * wants to know why. Other traces have no older files, so those of an earlier one are removed: they would be taken for
 * its own. What is not known for a file of a trace is neither moved nor removed.
 */
#ifndef LM_EARLIER_H
#define LM_EARLIER_H

/*
 * FD is open on the trace PATH, which is to begin there, and on which no other process is at work. If its file has a
 * sampled trace in it that is whole, the file is called PATH.former from here on: 1, and PATH is free. 0: it stays
 * where it is. Of a trace with a journal, a part is not in its file, so it is not whole. One that is larger than the
 * limit stays as well.
 */
int lm_earlier_put_aside(int fd, const char *path);

/* Is the file NAME a sampled trace of ours, as lm_earlier_put_aside() leaves it of the trace PATH? 1 or 0. */
int lm_earlier_is_put_aside(const char *name, const char *path);

/*
 * Removes the file NAME if it is an older file of the trace PATH: a regular file of ours that begins as a trace, and is
 * sampled or ends by saying that it goes on in a newer one, or that the launcher has compressed. 0: there is no such
 * name any more. -EPERM: it is another file. Or -errno.
 */
int lm_earlier_remove(const char *name, const char *path);

/*
 * Removes the older files of the trace PATH whose numbers are above KEEP or that are larger than the limit, and what a
 * process that was killed has left of the next file. What is in the way of those up to KEEP is told on standard error.
 * KEEP is 0 for a trace that has no older files: then sampled ones stay that do not say that they go on, as a user may
 * have given them their names.
 */
void lm_earlier_remove_all(const char *path, unsigned keep);

#endif
