/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See settings.h. */
#include "settings.h"

struct lm_settings lm_settings;
