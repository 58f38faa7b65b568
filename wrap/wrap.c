/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* The functions that the linker's --wrap makes the program call instead of malloc and its family (wrap/functions). */
#include "seam.h"

#include "entry_points.h"

#define WRAP(type, name, parameters, arguments) LM_ENTRY_DEFINE(type, __wrap_##name, lm_##name, parameters, arguments)

LM_ENTRY_POINTS(WRAP)
LM_ENTRY_DEFINE_MALLOC(__wrap_malloc)
LM_ENTRY_DEFINE_CALLOC(__wrap_calloc)
LM_ENTRY_DEFINE_REALLOC(__wrap_realloc)
LM_ENTRY_DEFINE_FREE(__wrap_free)
LM_ENTRY_DEFINE_EXIT(__wrap__exit)
LM_ENTRY_DEFINE_EXIT(__wrap__Exit)
LM_ENTRY_DEFINE_MLOCKALL(__wrap_mlockall)

#define WRAP_EXEC(name, parameters, arguments) LM_ENTRY_DEFINE_EXEC(__wrap_##name, lm_##name, parameters, arguments)

LM_ENTRY_EXEC_POINTS(WRAP_EXEC)
LM_ENTRY_DEFINE_EXEC_LIST(__wrap_execl, lm_execve, 0)
LM_ENTRY_DEFINE_EXEC_LIST(__wrap_execlp, lm_execvpe, 0)
LM_ENTRY_DEFINE_EXEC_LIST(__wrap_execle, lm_execve, 1)
