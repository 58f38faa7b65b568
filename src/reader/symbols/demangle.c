/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See demangle.h. */
#include "demangle.h"

#include <libiberty/demangle.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STYLE (DMGL_PARAMS | DMGL_ANSI | DMGL_RET_DROP)

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* D's thunks adjust "this" by N: the name is "_DTiN_D..." by gdc, and "_DThnN_..." by ldc. NULL: NAME is none. */
static const char *thunk_target(const char *name)
{
	const char *at = name + strlen("_DT");

	if (strncmp(name, "_DT", strlen("_DT")) != 0)
		return NULL;
	at += strspn(at, "hin");
	if (!is_digit(*at))
		return NULL;
	at += strspn(at, "0123456789");
	return *at == '_' ? at : NULL;
}

static bool is_d(const char *name)
{
	return strncmp(name, "_D", 2) == 0 && (is_digit(name[2]) || strcmp(name, "_Dmain") == 0 || thunk_target(name));
}

bool demangle_applies(const char *name)
{
	return name[0] == '_' && (name[1] == 'Z' || name[1] == 'R' || is_d(name));
}

/* The name of the function that a thunk jumps to. */
static char *demangle_thunk(const char *target)
{
	char *mangled, *plain;

	if (target[1] == 'D')
		return dlang_demangle(target, STYLE);
	if (asprintf(&mangled, "_D%s", target + 1) < 0)
		return NULL;
	plain = dlang_demangle(mangled, STYLE);
	free(mangled);
	return plain;
}

char *demangle_name(const char *name)
{
	const char *target = thunk_target(name);

	if (!demangle_applies(name))
		return NULL;
	if (target)
		return demangle_thunk(target);
	return is_d(name) ? dlang_demangle(name, STYLE) : cplus_demangle(name, STYLE | DMGL_AUTO);
}

char *demangle_ada(const char *name)
{
	char *plain = ada_demangle(name, 0);

	/* What it does not know is put into brackets. */
	if (plain && plain[0] != '<')
		return plain;
	free(plain);
	return NULL;
}
