/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See demangle.h. */
#include "demangle.h"

#include <libiberty/demangle.h>
#include <stddef.h>

bool demangle_applies(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R');
}

char *demangle_name(const char *name)
{
	if (!demangle_applies(name))
		return NULL;
	return cplus_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO | DMGL_RET_DROP);
}
