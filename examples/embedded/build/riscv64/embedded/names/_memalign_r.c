#include "names.h"
LOG_MALLOC_WRAP_MEMALIGN_R(_memalign_r);
