/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * The two functions that the launcher calls in a process that runs already: src/format/attach.h says how. All other
 * threads stand still. So nothing here waits for a lock, and the loader is not asked for anything.
 */
#include "attach.h"

#include <errno.h>
#include <string.h>

#include "caller.h"
#include "config.h"
#include "guard.h"
#include "output.h"
#include "seam.h"
#include "session.h"
#include "settings.h"
#include "sys.h"
#include "warn.h"

#define ATTACH_API __attribute__((visibility("default")))

ATTACH_API int log_malloc_attach_begin(struct lm_attach *attach);
ATTACH_API int log_malloc_attach_end(struct lm_attach *attach);

_Static_assert(UINT64_MAX == LM_BEFORE_UNKNOWN, "what is not known is the same number on both sides");

/* The last setting has to have its NUL. */
static int are_settings_whole(const struct lm_attach *attach)
{
	return attach->settings_size <= sizeof attach->settings &&
	       (!attach->settings_size || attach->settings[attach->settings_size - 1] == '\0');
}

/* The launcher tells the user what these functions return, so nothing is said on the program's standard error. */
static unsigned char enter(void)
{
	lm_warn_hush(1);
	return lm_guard_set(LM_GUARD_TRACKER);
}

static void leave(unsigned char guard)
{
	lm_guard_restore(guard);
	lm_warn_hush(0);
}

static int begin(const struct lm_attach *attach, struct lm_output *output)
{
	struct lm_config config = {0};

	if (!are_settings_whole(attach))
		return -EINVAL;
	if (lm_session_has_trace())
		return -EBUSY;
	lm_config_read_given(&config, attach->settings, attach->settings_size);
	/* A child has the parent's memory, where calls are taken over, but nobody to detach from it. */
	if (config.follow)
		return -EOPNOTSUPP;
	lm_seam_attach();
	config.before = attach->before_bytes;
	output->fd = attach->trace;
	/* It is closed before the trace's file is locked: to close any descriptor of the file ends the lock. */
	output->owned = 1;
	return lm_session_attach(output, &config, attach->journal);
}

int log_malloc_attach_begin(struct lm_attach *attach)
{
	struct lm_output *output;
	int saved = errno, error = -ENOMEM;
	unsigned char guard;

	if (attach->version != LM_ATTACH_VERSION)
		return -EPROTO;
	guard = enter();
	output = lm_sys_map(sizeof *output);
	if (output) {
		error = begin(attach, output);
		lm_sys_unmap(output, sizeof *output);
	}
	if (error)
		lm_sys_close(attach->trace);
	if (attach->journal >= 0)
		lm_sys_close(attach->journal);
	leave(guard);
	errno = saved;
	return error;
}

int log_malloc_attach_end(struct lm_attach *attach)
{
	int saved = errno, error;
	unsigned char guard;

	if (attach->version != LM_ATTACH_VERSION)
		return -EPROTO;
	guard = enter();
	error = lm_session_detach();
	leave(guard);
	errno = saved;
	return error;
}
