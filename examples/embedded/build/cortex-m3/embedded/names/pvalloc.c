#include "names.h"
LOG_MALLOC_WRAP_PVALLOC(pvalloc);
LM_NEEDS(_pvalloc_r);
