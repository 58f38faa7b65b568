/* SPDX-License-Identifier: GPL-3.0-or-later */
/* --lost of log-malloc-report and log-malloc-diff: of the blocks in use at the end, only those that are lost count. */
#ifndef LM_ONLY_LOST_H
#define LM_ONLY_LOST_H

#include "command.h"
#include "consumers.h"
#include "unreached.h"

#include <stdbool.h>

struct only_lost {
	bool is_wanted;
	struct unreached unreached; /* of the image that is being read */
};

/* Takes ITEM, a TRACE_REACHED of the trace. 0 or -ENOMEM. */
int only_lost_take(struct only_lost *lost, const struct command_work *work, const struct trace_item *item);

/* To be called at the end of an image. Says so if it is not known what is lost: then all of CONSUMERS stays. 0 or
 * -ENOMEM. */
int only_lost_apply(struct only_lost *lost, const struct command_work *work, struct consumers *consumers);

void only_lost_free(struct only_lost *lost);

#endif
