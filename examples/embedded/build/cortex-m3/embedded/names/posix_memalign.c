#include "names.h"
LOG_MALLOC_WRAP_POSIX_MEMALIGN(posix_memalign);
LM_NEEDS(_memalign_r);
