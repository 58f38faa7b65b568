#include "names.h"
LOG_MALLOC_WRAP_PVALLOC_R(_pvalloc_r);
