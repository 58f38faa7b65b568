/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See LM_PROBE_BASE(). */
#include "probe.h"

LM_PROBE_BASE();
