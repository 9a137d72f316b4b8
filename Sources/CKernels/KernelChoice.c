// Apart from the kernels that follow it, so that who asks links no others than its own.

#include "CKernels.h"

#include <stdlib.h>
#include <string.h>

const char *trellis_kernels_forced(void) {
  const char *forced = getenv("KERNELS");
  return forced == NULL || *forced == 0 ? NULL : forced;
}

int32_t trellis_kernel_limit(void) {
  const char *forced = trellis_kernels_forced();
  if (forced == NULL || strcmp(forced, "avx512") == 0) return 8;
  return strcmp(forced, "avx2") == 0 ? 4 : 0;
}
