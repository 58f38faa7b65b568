/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See moment.h. */
#include "moment.h"

#include <errno.h>

#include "rotate.h"
#include "text.h"
#include "triggers.h"

/* So many files of each kind of trigger are kept, those of earlier runs included, so that they are bounded. */
#define FILES_MAX 16

/* The name of file NUMBER of triggers of KIND. */
static void make_suffix(char suffix[64], enum lm_trigger_kind kind, unsigned number)
{
	struct lm_text text = {suffix, suffix + 63};

	lm_text_string(&text, LM_TRIGGER_MARK);
	lm_text_string(&text, lm_trigger_word(kind));
	if (number > 1) {
		lm_text_char(&text, '-');
		lm_text_unsigned(&text, number);
	}
	*text.at = '\0';
}

static void keep(enum lm_trigger_kind kind)
{
	char suffix[64];
	int error = -EEXIST;

	for (unsigned number = 1; error == -EEXIST && number <= FILES_MAX; number++) {
		make_suffix(suffix, kind, number);
		error = lm_rotate_keep(suffix);
	}
}

/* Of several kinds, the file has the marks of all, and the name of the first. */
void lm_moment_in_time(void)
{
	unsigned kinds = lm_triggers_take_kept();

	if (kinds)
		keep((enum lm_trigger_kind)__builtin_ctz(kinds));
}
