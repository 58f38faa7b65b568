#include "names.h"
LOG_MALLOC_WRAP_ALIGNED_ALLOC(aligned_alloc);
