#include "names.h"
LOG_MALLOC_WRAP_MEMALIGN(memalign);
LM_NEEDS(_memalign_r);
