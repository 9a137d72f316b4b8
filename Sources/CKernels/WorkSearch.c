#include "CKernels.h"

#if defined(__x86_64__)

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

// The initial vector of BLAKE2b (RFC 7693, section 2.6).
#define IV0 0x6a09e667f3bcc908ull
#define IV1 0xbb67ae8584caa73bull
#define IV2 0x3c6ef372fe94f82bull
#define IV3 0xa54ff53a5f1d36f1ull
#define IV4 0x510e527fade682d1ull
#define IV5 0x9b05688c2b3e6c1full
#define IV6 0x1f83d9abfb41bd6bull
#define IV7 0x5be0cd19137e2179ull
// Digest of 8 bytes, no key, fan-out and depth 1.
#define H0 (IV0 ^ 0x01010008ull)

// AVX2 rotates by whole bytes with a shuffle.
#define KERNEL search_avx2
#define TARGET "avx2"
#define LANES 4
#define BYTES(x) ((search_avx2_bytes)(x))
typedef uint8_t search_avx2_bytes __attribute__((vector_size(32)));
#define ROTATE_BYTES(x, a, b, c, d, e, f, g, h)                                       \
  ((search_avx2_lanes)__builtin_shufflevector(                                        \
    BYTES(x), BYTES(x),                                                               \
    a, b, c, d, e, f, g, h, 8 + a, 8 + b, 8 + c, 8 + d, 8 + e, 8 + f, 8 + g, 8 + h,   \
    16 + a, 16 + b, 16 + c, 16 + d, 16 + e, 16 + f, 16 + g, 16 + h,                   \
    24 + a, 24 + b, 24 + c, 24 + d, 24 + e, 24 + f, 24 + g, 24 + h                    \
  ))
#define ROTATE_32(x) ROTATE_BYTES(x, 4, 5, 6, 7, 0, 1, 2, 3)
#define ROTATE_24(x) ROTATE_BYTES(x, 3, 4, 5, 6, 7, 0, 1, 2)
#define ROTATE_16(x) ROTATE_BYTES(x, 2, 3, 4, 5, 6, 7, 0, 1)
#include "WorkKernel.h"

// AVX-512 has a rotate instruction, which the compiler finds.
#define KERNEL search_avx512
#define TARGET "avx512f,avx512vl"
#define LANES 8
#define ROTATE_32(x) (((x) >> 32) | ((x) << 32))
#define ROTATE_24(x) (((x) >> 24) | ((x) << 40))
#define ROTATE_16(x) (((x) >> 16) | ((x) << 48))
#include "WorkKernel.h"

int32_t trellis_work_lanes(void) {
  const int32_t limit = trellis_kernel_limit();
  __builtin_cpu_init();
  if (
    limit >= 8 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
  ) return 8;
  return limit >= 4 && __builtin_cpu_supports("avx2") ? 4 : 0;
}

int32_t trellis_work_search(
  int32_t lanes,
  const uint64_t *root,
  uint64_t threshold,
  uint64_t first,
  uint64_t count,
  uint64_t *nonce
) {
  if (lanes == 8) return search_avx512(root, threshold, first, count, nonce);
  return search_avx2(root, threshold, first, count, nonce);
}

#else

int32_t trellis_work_lanes(void) { return 0; }

int32_t trellis_work_search(
  int32_t lanes,
  const uint64_t *root,
  uint64_t threshold,
  uint64_t first,
  uint64_t count,
  uint64_t *nonce
) {
  (void)lanes, (void)root, (void)threshold, (void)first, (void)count, (void)nonce;
  return 0;
}

#endif
