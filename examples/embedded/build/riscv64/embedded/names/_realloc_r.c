#include "names.h"
LOG_MALLOC_WRAP_REALLOC_R(_realloc_r);
