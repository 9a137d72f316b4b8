#include "CKernels.h"

#if defined(__x86_64__)

#include <cpuid.h>

#include "SHA256Constants.h"
#include "SHA256Instructions.h"

// __builtin_cpu_supports has no name for these instructions: CPUID leaf 7, EBX bit 29.
int32_t trellis_sha256_instructions(void) {
  unsigned int eax, ebx, ecx, edx;
  __builtin_cpu_init();
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx >> 29 & 1)
    && __builtin_cpu_supports("ssse3") && __builtin_cpu_supports("sse4.1");
}

SHA_TARGET void trellis_sha256_blocks(uint32_t *state, const uint8_t *bytes, int64_t count) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  ShaState s = sha_load(state);
  for (; count > 0; count--, bytes += 64) {
    const ShaState before = s;
    __m128i w[4];
    for (int i = 0; i < 4; i++) {
      const __m128i word = _mm_loadu_si128((const __m128i *)(bytes + 16 * i));
      w[i] = _mm_shuffle_epi8(word, big_endian);
    }
#pragma clang loop unroll(full)
    for (int group = 0; group < 16; group++) sha_group(&s, w, group);
    s = sha_add(s, before);
  }
  __m128i words[2];
  sha_words(s, words);
  _mm_storeu_si128((__m128i *)state, words[0]);
  _mm_storeu_si128((__m128i *)(state + 4), words[1]);
}

#else

int32_t trellis_sha256_instructions(void) { return 0; }

void trellis_sha256_blocks(uint32_t *state, const uint8_t *bytes, int64_t count) {
  (void)state, (void)bytes, (void)count;
}

#endif
