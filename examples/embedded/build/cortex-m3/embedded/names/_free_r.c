#include "names.h"
LOG_MALLOC_WRAP_FREE_R(_free_r);
