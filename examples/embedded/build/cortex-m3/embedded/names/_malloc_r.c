#include "names.h"
LOG_MALLOC_WRAP_MALLOC_R(_malloc_r);
