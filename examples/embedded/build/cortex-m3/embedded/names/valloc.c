#include "names.h"
LOG_MALLOC_WRAP_VALLOC(valloc);
LM_NEEDS(_valloc_r);
