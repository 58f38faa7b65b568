/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See banner.h. */
#include "banner.h"

#include <unistd.h>

#include "signals.h"
#include "text.h"
#include "trace_format.h"
#include "warn.h"

void lm_banner_print(struct lm_output *output)
{
	struct lm_text text = {output->line, output->line + sizeof output->line};

	lm_text_string(&text, LM_TRACE_BANNER);
	if (output->owned) {
		lm_text_string(&text, "file = ");
		lm_text_shown(&text, output->path);
	} else {
		lm_text_string(&text, "fd = ");
		lm_text_unsigned(&text, LM_TRACE_FD);
	}
	lm_text_string(&text, " ***\n");
	lm_signals_write(STDERR_FILENO, output->line, (size_t)(text.at - output->line));
}
