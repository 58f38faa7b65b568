/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See LM_PROBE_BASE(). The archive has this object beside the one that has all others in it. */
#include "probe.h"

LM_PROBE_BASE();
