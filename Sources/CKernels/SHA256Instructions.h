// SHA-256 by the processor's own instructions, which do two rounds at once. They have the state as
// the words a, b, e, f and c, d, g, h, from the highest of a register down.

#include <immintrin.h>

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))
#define SHA_INLINE SHA_TARGET static inline __attribute__((always_inline))

typedef struct {
  __m128i abef, cdgh;
} ShaState;

SHA_INLINE ShaState sha_load(const uint32_t *words) {
  const __m128i dcba = _mm_loadu_si128((const __m128i *)words);
  const __m128i hgfe = _mm_loadu_si128((const __m128i *)(words + 4));
  const __m128i badc = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
  return (ShaState){_mm_alignr_epi8(badc, efgh, 8), _mm_blend_epi16(efgh, badc, 0xf0)};
}

/// a, b, c, d and e, f, g, h, from the lowest word up.
SHA_INLINE void sha_words(ShaState state, __m128i words[2]) {
  const __m128i feba = _mm_shuffle_epi32(state.abef, 0x1b);
  const __m128i dchg = _mm_shuffle_epi32(state.cdgh, 0xb1);
  words[0] = _mm_blend_epi16(feba, dchg, 0xf0);
  words[1] = _mm_alignr_epi8(dchg, feba, 8);
}

SHA_INLINE ShaState sha_add(ShaState a, ShaState b) {
  return (ShaState){_mm_add_epi32(a.abef, b.abef), _mm_add_epi32(a.cdgh, b.cdgh)};
}

/// W[t-16] + s0(W[t-15]) for the four t from 4·group on; w has the last sixteen of the schedule.
SHA_INLINE __m128i sha_begin(const __m128i w[4], int group) {
  return _mm_sha256msg1_epu32(w[group & 3], w[(group + 1) & 3]);
}

/// W[t] = begin + W[t-7] + s1(W[t-2]) for these four.
SHA_INLINE void sha_extend(__m128i w[4], int group, __m128i begin) {
  const __m128i before = w[(group + 3) & 3];
  const __m128i sevenths = _mm_alignr_epi8(before, w[(group + 2) & 3], 4);
  w[group & 3] = _mm_sha256msg2_epu32(_mm_add_epi32(begin, sevenths), before);
}

/// The two rounds that begin at `round`, an even one.
SHA_INLINE void sha_rounds_2(ShaState *state, const __m128i w[4], int round) {
  const __m128i k = _mm_loadu_si128((const __m128i *)(K + (round & ~3)));
  const __m128i words = _mm_add_epi32(w[round / 4 & 3], k);
  const __m128i two = round & 2 ? _mm_shuffle_epi32(words, 0x0e) : words;
  const __m128i abef = _mm_sha256rnds2_epu32(state->cdgh, state->abef, two);
  state->cdgh = state->abef;
  state->abef = abef;
}

/// The four of a group, whose words are there.
SHA_INLINE void sha_rounds_4(ShaState *state, const __m128i w[4], int group) {
  sha_rounds_2(state, w, 4 * group);
  sha_rounds_2(state, w, 4 * group + 2);
}

/// The same, and their words before them.
SHA_INLINE void sha_group(ShaState *state, __m128i w[4], int group) {
  if (group >= 4) sha_extend(w, group, sha_begin(w, group));
  sha_rounds_4(state, w, group);
}
