#include "names.h"
LOG_MALLOC_WRAP_VALLOC_R(_valloc_r);
