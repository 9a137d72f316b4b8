#include "CKernels.h"

#if defined(__x86_64__)

#include <immintrin.h>

// KoalaBear: p = 2^31 - 2^24 + 1, its inverse modulo 2^32, and 2^64 modulo p.
#define P 0x7f000001u
#define INVERSE 0x81000001u
#define SQUARE 402124772u
#define UNROLL _Pragma("clang loop unroll(full)")

typedef uint32_t Words8 __attribute__((vector_size(32)));
typedef uint64_t Doubles4 __attribute__((vector_size(32)));
typedef uint32_t Words16 __attribute__((vector_size(64)));
typedef uint64_t Doubles8 __attribute__((vector_size(64)));

#define NAME(name) name##_avx2
#define V Words8
#define W Doubles4
#define MULTIPLY(a, b) ((W)_mm256_mul_epi32((__m256i)(a), (__m256i)(b)))
#define LANES 8
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#include "Poseidon2Kernel.h"
#pragma clang attribute pop
#undef NAME
#undef V
#undef W
#undef MULTIPLY
#undef LANES

#define NAME(name) name##_avx512
#define V Words16
#define W Doubles8
#define MULTIPLY(a, b) ((W)_mm512_mul_epi32((__m512i)(a), (__m512i)(b)))
#define LANES 16
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512bw"))), apply_to = function)
#include "Poseidon2Kernel.h"
#pragma clang attribute pop

int32_t trellis_poseidon2_lanes(void) {
  const int32_t limit = trellis_kernel_limit();
  if (limit >= 8 && trellis_poseidon2_runs(16)) return 16;
  return limit >= 4 && trellis_poseidon2_runs(8) ? 8 : 0;
}

int32_t trellis_poseidon2_runs(int32_t lanes) {
  __builtin_cpu_init();
  switch (lanes) {
    case 16:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512bw");
    case 8: return __builtin_cpu_supports("avx2") != 0;
    default: return 0;
  }
}

int32_t trellis_poseidon2_search(
  int32_t lanes,
  const uint32_t *state,
  const uint32_t *constants,
  uint32_t limit,
  uint32_t first,
  uint64_t count,
  uint32_t *nonce
) {
  if (lanes == 16) return poseidon2_avx512(state, constants, limit, first, count, nonce);
  return poseidon2_avx2(state, constants, limit, first, count, nonce);
}

#else

int32_t trellis_poseidon2_lanes(void) { return 0; }

int32_t trellis_poseidon2_runs(int32_t lanes) {
  (void)lanes;
  return 0;
}

int32_t trellis_poseidon2_search(
  int32_t lanes,
  const uint32_t *state,
  const uint32_t *constants,
  uint32_t limit,
  uint32_t first,
  uint64_t count,
  uint32_t *nonce
) {
  (void)lanes, (void)state, (void)constants, (void)limit, (void)first, (void)count, (void)nonce;
  return 0;
}

#endif
