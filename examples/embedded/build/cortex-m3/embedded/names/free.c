#include "names.h"
LOG_MALLOC_WRAP_FREE(free);
