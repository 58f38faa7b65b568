#include "names.h"
LOG_MALLOC_WRAP_REALLOC(pvPortRealloc);
