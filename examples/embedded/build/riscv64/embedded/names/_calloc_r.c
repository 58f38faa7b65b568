#include "names.h"
LOG_MALLOC_WRAP_CALLOC_R(_calloc_r);
