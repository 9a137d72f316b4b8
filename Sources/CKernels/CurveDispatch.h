#pragma once

#include <stdint.h>

// What CurveKernel.h becomes for each instruction set; CKernels.h says what they do.

void multiply_avx512(const uint64_t *a, const uint64_t *b, uint64_t *out, int64_t count);
void power_for_root_avx512(const uint64_t *in, uint64_t *out, int64_t count);
void tables_avx512(const uint64_t *points, int64_t count, uint64_t *out);
void straus_avx512(
  const uint64_t *affine_rows, const uint32_t *affine_codes, const uint32_t *affine_starts,
  const uint64_t *cached_rows, const uint32_t *cached_codes, const uint32_t *cached_starts,
  int32_t positions, uint64_t *out
);
void fold_avx512(
  const uint64_t *points, int32_t terms, int64_t count, const uint32_t *codes,
  const uint32_t *starts, int32_t positions, void *scratch, uint64_t *out
);
void chosen_sums_avx512(
  const uint64_t *const *rows, int64_t step, const uint64_t *const *bits, int64_t count,
  uint64_t *out
);
void secret_sums_avx512(
  const uint64_t *points, const int8_t *digits, int64_t groups, void *scratch, uint64_t *out
);

void multiply_avx2(const uint64_t *a, const uint64_t *b, uint64_t *out, int64_t count);
void power_for_root_avx2(const uint64_t *in, uint64_t *out, int64_t count);
void tables_avx2(const uint64_t *points, int64_t count, uint64_t *out);
void straus_avx2(
  const uint64_t *affine_rows, const uint32_t *affine_codes, const uint32_t *affine_starts,
  const uint64_t *cached_rows, const uint32_t *cached_codes, const uint32_t *cached_starts,
  int32_t positions, uint64_t *out
);
void fold_avx2(
  const uint64_t *points, int32_t terms, int64_t count, const uint32_t *codes,
  const uint32_t *starts, int32_t positions, void *scratch, uint64_t *out
);
void chosen_sums_avx2(
  const uint64_t *const *rows, int64_t step, const uint64_t *const *bits, int64_t count,
  uint64_t *out
);
void secret_sums_avx2(
  const uint64_t *points, const int8_t *digits, int64_t groups, void *scratch, uint64_t *out
);
