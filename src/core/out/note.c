/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See note.h. What the value means: LM_TRACE_NOTE in trace_format.h. */
#include "note.h"

#include "atomic.h"
#include "direct.h"
#include "process.h"
#include "sys.h"
#include "target.h"
#include "text.h"
#include "trace_format.h"

static struct {
	uint64_t lost;
	int error;
	int goes_on; /* there may be more lost events by now */
	int is_left; /* there is a note */
} note;

/* The next three run with the lock of direct.h. Only a regular file can have such an attribute. */
static void put(void)
{
	char value[64];
	struct lm_text text = {value, value + sizeof value};
	int fd;

	if (lm_target_kind(&fd) != LM_TARGET_FILE)
		return;
	lm_text_unsigned(&text, lm_load(&note.lost));
	lm_text_string(&text, lm_load(&note.goes_on) ? "+ " : " ");
	lm_text_unsigned(&text, (uint64_t)lm_load(&note.error));
	if (lm_sys(SYS_fsetxattr, fd, LM_TRACE_NOTE, value, (size_t)(text.at - value), 0) == 0)
		lm_store(&note.is_left, 1);
}

static void take_away(void)
{
	int fd;

	lm_store(&note.is_left, 0);
	if (lm_target_kind(&fd) == LM_TARGET_FILE)
		lm_sys(SYS_fremovexattr, fd, LM_TRACE_NOTE);
}

static void find(void)
{
	char value[64];
	uint64_t lost = 0;
	int fd;
	long n;

	if (lm_target_kind(&fd) != LM_TARGET_FILE)
		return;
	n = lm_sys(SYS_fgetxattr, fd, LM_TRACE_NOTE, value, sizeof value);
	if (n <= 0)
		return;
	for (const char *at = value; at < value + n && *at >= '0' && *at <= '9'; at++)
		lost = lost * 10 + (uint64_t)(*at - '0');
	lm_store(&note.lost, lost);
	lm_store(&note.is_left, 1);
}

static void set(uint64_t lost, int goes_on)
{
	/* A child of vfork may have other descriptors. */
	if (!lost || !lm_process_is_owner())
		return;
	lm_store(&note.lost, lost);
	lm_store(&note.goes_on, goes_on);
	lm_direct_locked(put);
}

void lm_note_lost(uint64_t lost)
{
	set(lost, 0);
}

void lm_note_lost_so_far(uint64_t lost)
{
	set(lost, 1);
}

void lm_note_end(uint64_t lost, int error)
{
	lm_store(&note.lost, lost);
	lm_store(&note.goes_on, 0);
	lm_store(&note.error, error);
	lm_direct_locked(put);
}

void lm_note_remove(void)
{
	if (lm_load(&note.is_left) && !lm_load(&note.error))
		lm_direct_locked(take_away);
}

uint64_t lm_note_found(void)
{
	lm_direct_locked(find);
	return lm_load(&note.lost);
}

void lm_note_remove_old(void)
{
	lm_direct_locked(take_away);
}

void lm_note_forget(void)
{
	__builtin_memset(&note, 0, sizeof note);
}
