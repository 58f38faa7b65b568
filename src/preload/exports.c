/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The functions that the preload library defines in place of libc's. */
#include "seam.h"

#include "entry_points.h"

#define EXPORT(type, name, parameters, arguments) LM_ENTRY_DEFINE(type, name, lm_##name, parameters, arguments)

LM_ENTRY_POINTS(EXPORT)
LM_ENTRY_DEFINE_MALLOC(malloc)
LM_ENTRY_DEFINE_CALLOC(calloc)
LM_ENTRY_DEFINE_REALLOC(realloc)
LM_ENTRY_DEFINE_FREE(free)
LM_ENTRY_DEFINE_EXIT(_exit)
LM_ENTRY_DEFINE_EXIT(_Exit)
LM_ENTRY_DEFINE_MLOCKALL(mlockall)

#define EXPORT_EXEC(name, parameters, arguments) LM_ENTRY_DEFINE_EXEC(name, lm_##name, parameters, arguments)

LM_ENTRY_EXEC_POINTS(EXPORT_EXEC)
LM_ENTRY_DEFINE_EXEC_LIST(execl, lm_execve, 0)
LM_ENTRY_DEFINE_EXEC_LIST(execlp, lm_execvpe, 0)
LM_ENTRY_DEFINE_EXEC_LIST(execle, lm_execve, 1)
