#include "CKernels.h"

#include <stddef.h>

#if defined(__x86_64__)

#include "SHA256Constants.h"
#include "SHA256Instructions.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

#define KERNEL sha256d_avx2
#define TARGET "avx2"
#define LANES 8
#include "SHA256Kernel.h"

// AVX-512 has a rotate, and an instruction for each function of three words.
#define KERNEL sha256d_avx512
#define TARGET "avx512f,avx512vl,avx512bw"
#define LANES 16
#include "SHA256Kernel.h"

// Nonces at once by the SHA instructions: while one waits for its two rounds, the others go on.
enum { STREAMS = 4 };

SHA_TARGET static int32_t sha256d_instructions(
  const uint32_t *state,
  const uint32_t *block,
  uint32_t limit,
  uint32_t first,
  uint64_t count,
  uint32_t *nonce
) {
  const ShaState initial = sha_load(IV), middle = sha_load(state);
  __m128i words[4];
  for (int i = 0; i < 4; i++) words[i] = _mm_loadu_si128((const __m128i *)(block + 4 * i));
  // The nonce is word 11, which ten rounds and the beginnings of two groups do not see.
  ShaState start = middle;
  sha_rounds_4(&start, words, 0);
  sha_rounds_4(&start, words, 1);
  sha_rounds_2(&start, words, 8);
  const __m128i begin_5 = sha_begin(words, 5);
  for (uint64_t tried = 0; tried < count; tried += STREAMS) {
    ShaState s[STREAMS];
    __m128i w[STREAMS][4];
    for (int i = 0; i < STREAMS; i++) {
      const uint32_t word = __builtin_bswap32(first + (uint32_t)tried + (uint32_t)i);
      for (int j = 0; j < 4; j++) w[i][j] = words[j];
      w[i][2] = _mm_insert_epi32(words[2], (int32_t)word, 3);
      s[i] = start;
      sha_rounds_2(&s[i], w[i], 10);
      sha_rounds_4(&s[i], w[i], 3);
    }
#pragma clang loop unroll(full)
    for (int group = 4; group < 16; group++) {
      for (int i = 0; i < STREAMS; i++) {
        sha_extend(w[i], group, group == 5 ? begin_5 : sha_begin(w[i], group));
        sha_rounds_4(&s[i], w[i], group);
      }
    }
    for (int i = 0; i < STREAMS; i++) {
      s[i] = sha_add(s[i], middle);
      sha_words(s[i], w[i]);
      w[i][2] = _mm_set_epi32(0, 0, 0, (int32_t)0x80000000u);
      w[i][3] = _mm_set_epi32(256, 0, 0, 0);
      s[i] = initial;
    }
#pragma clang loop unroll(full)
    for (int group = 0; group < 16; group++) {
      for (int i = 0; i < STREAMS; i++) sha_group(&s[i], w[i], group);
    }
    for (int i = 0; i < STREAMS; i++) {
      const uint32_t a = (uint32_t)_mm_extract_epi32(s[i].abef, 3) + IV[0];
      // The last four may reach beyond `count`.
      if (a <= limit && (uint64_t)i < count - tried) {
        *nonce = first + (uint32_t)tried + (uint32_t)i;
        return 1;
      }
    }
  }
  return 0;
}

int32_t trellis_sha256d_lanes(void) {
  const int32_t limit = trellis_kernel_limit();
  const char *forced = trellis_kernels_forced();
  if (limit >= 8 && trellis_sha256d_runs(16)) return 16;
  // `KERNELS=avx2` asks for those lanes, where the instructions would be as fast.
  if (forced == NULL && trellis_sha256d_runs(4)) return 4;
  return limit >= 4 && trellis_sha256d_runs(8) ? 8 : 0;
}

int32_t trellis_sha256d_runs(int32_t lanes) {
  __builtin_cpu_init();
  switch (lanes) {
    case 16:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512bw");
    case 8: return __builtin_cpu_supports("avx2") != 0;
    case 4: return trellis_sha256_instructions();
    default: return 0;
  }
}

int32_t trellis_sha256d_search(
  int32_t lanes,
  const uint32_t *state,
  const uint32_t *block,
  uint32_t limit,
  uint32_t first,
  uint64_t count,
  uint32_t *nonce
) {
  switch (lanes) {
    case 16: return sha256d_avx512(state, block, limit, first, count, nonce);
    case 8: return sha256d_avx2(state, block, limit, first, count, nonce);
    default: return sha256d_instructions(state, block, limit, first, count, nonce);
  }
}

#else

int32_t trellis_sha256d_lanes(void) { return 0; }

int32_t trellis_sha256d_runs(int32_t lanes) {
  (void)lanes;
  return 0;
}

int32_t trellis_sha256d_search(
  int32_t lanes,
  const uint32_t *state,
  const uint32_t *block,
  uint32_t limit,
  uint32_t first,
  uint64_t count,
  uint32_t *nonce
) {
  (void)lanes, (void)state, (void)block, (void)limit, (void)first, (void)count, (void)nonce;
  return 0;
}

#endif
