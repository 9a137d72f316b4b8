#include "CKernels.h"
#include "CurveDispatch.h"

#include <stdlib.h>

#if defined(__x86_64__)

int32_t trellis_curve_lanes(void) {
  const int32_t limit = trellis_kernel_limit();
  __builtin_cpu_init();
  if (
    limit >= 8 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
    && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw")
    && __builtin_cpu_supports("avx512ifma")
  ) return 8;
  return limit >= 4 && __builtin_cpu_supports("avx2") ? 4 : 0;
}

#define DISPATCH(name, ...)      \
  if (lanes == 8) {              \
    name##_avx512(__VA_ARGS__);  \
  } else {                       \
    name##_avx2(__VA_ARGS__);    \
  }

#else

int32_t trellis_curve_lanes(void) { return 0; }

// Never called: there are no lanes.
#define DISPATCH(name, ...) abort();

#endif

void trellis_field_multiply(
  int32_t lanes, const uint64_t *a, const uint64_t *b, uint64_t *out, int64_t count
) { DISPATCH(multiply, a, b, out, count) }

void trellis_field_power_for_root(
  int32_t lanes, const uint64_t *in, uint64_t *out, int64_t count
) { DISPATCH(power_for_root, in, out, count) }

void trellis_curve_tables(int32_t lanes, const uint64_t *points, int64_t count, uint64_t *out) {
  DISPATCH(tables, points, count, out)
}

void trellis_curve_straus(
  int32_t lanes,
  const uint64_t *affine_rows, const uint32_t *affine_codes, const uint32_t *affine_starts,
  const uint64_t *cached_rows, const uint32_t *cached_codes, const uint32_t *cached_starts,
  int32_t positions, uint64_t *out
) {
  DISPATCH(
    straus, affine_rows, affine_codes, affine_starts, cached_rows, cached_codes, cached_starts,
    positions, out
  )
}

void trellis_curve_fold(
  int32_t lanes,
  const uint64_t *points, int32_t terms, int64_t count, const uint32_t *codes,
  const uint32_t *starts, int32_t positions, void *scratch, uint64_t *out
) { DISPATCH(fold, points, terms, count, codes, starts, positions, scratch, out) }

void trellis_curve_chosen_sums(
  int32_t lanes,
  const uint64_t *const *rows, int64_t step, const uint64_t *const *bits, int64_t count,
  uint64_t *out
) { DISPATCH(chosen_sums, rows, step, bits, count, out) }

void trellis_curve_secret_sums(
  int32_t lanes,
  const uint64_t *points, const int8_t *digits, int64_t groups, void *scratch, uint64_t *out
) { DISPATCH(secret_sums, points, digits, groups, scratch, out) }
