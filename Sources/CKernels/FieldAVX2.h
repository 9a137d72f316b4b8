// Four field elements side by side, with the 32-bit multiply of AVX2.
//
// Ten limbs of 26 and 25 bits in turn (Bernstein 2006, "Curve25519"), one vector each: limb i has
// weight 2^ceil(25.5·i), and 2i and 2i + 1 together are limb i of the Swift path. "Tight" is an even
// limb of at most 2^26 + 2^13 and an odd one of at most 2^25 + 2^17, what a product gives; "loose",
// the sum or difference of two tight ones, is below 2^27.6, so that 19 times it fits 32 bits.

typedef __m256i vec;
typedef __m256i lane_mask;
typedef struct { vec l[10]; } fe;

INLINE vec vec_set(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
INLINE lane_mask mask_equal(vec a, vec b) { return _mm256_cmpeq_epi64(a, b); }
INLINE vec vec_select(lane_mask m, vec yes, vec no) { return _mm256_blendv_epi8(no, yes, m); }
INLINE vec vec_load(const int64_t *words) { return _mm256_loadu_si256((const vec *)words); }
INLINE void vec_store(uint64_t *words, vec a) { _mm256_storeu_si256((vec *)words, a); }
INLINE vec vec_load_bytes(const int8_t *bytes) {
  return _mm256_cvtepi8_epi64(_mm_loadu_si32(bytes));
}
INLINE lane_mask mask_negative(vec a) { return _mm256_cmpgt_epi64(_mm256_setzero_si256(), a); }
INLINE vec vec_magnitude(vec a) {
  const vec sign = mask_negative(a);
  return _mm256_sub_epi64(_mm256_xor_si256(a, sign), sign);
}

// The product of the low halves. Written as an instruction: the compiler takes the intrinsic for a
// product of 64 bits whose high halves are 0, forgets that they are, and makes three products of one.
INLINE vec product(vec a, vec b) {
  vec r;
  __asm__("vpmuludq %2, %1, %0" : "=x"(r) : "x"(a), "x"(b));
  return r;
}

INLINE vec vec_nineteen(vec a) { return product(a, vec_set(19)); }

// Takes the carry of limb i to the next.
#define CARRY(i) do {                                                              \
    const vec over = _mm256_srli_epi64(c[i], (i) % 2 ? 25 : 26);                   \
    c[i] = _mm256_and_si256(c[i], vec_set((i) % 2 ? 0x1ffffff : 0x3ffffff));       \
    c[(i) + 1] = _mm256_add_epi64(c[(i) + 1], over);                               \
  } while (0)

// Columns below 2^64 become tight limbs: two chains of carries that do not wait for each other, from
// 0 and from 5.
INLINE fe fe_carried(vec c[10]) {
  CARRY(0); CARRY(5);
  CARRY(1); CARRY(6);
  CARRY(2); CARRY(7);
  CARRY(3); CARRY(8);
  CARRY(4);
  // 39 bits times 19: more than one factor of 32 bits.
  const vec over = _mm256_srli_epi64(c[9], 25);
  c[9] = _mm256_and_si256(c[9], vec_set(0x1ffffff));
  c[0] = _mm256_add_epi64(c[0], _mm256_add_epi64(
    over, _mm256_add_epi64(_mm256_slli_epi64(over, 1), _mm256_slli_epi64(over, 4))
  ));
  CARRY(5);
  CARRY(0);
  fe r;
  UNROLL for (int i = 0; i < 10; i++) r.l[i] = c[i];
  return r;
}

// The product of odd limbs counts twice, columns from 10 on 19 times. Row by row: ten sums and a
// factor stay in registers, and the other factors are read where they lie.
NOINLINE fe fe_mul(fe a, fe b) {
  vec folded[10], c[10];
  UNROLL for (int i = 1; i < 10; i++) folded[i] = vec_nineteen(b.l[i]);
  UNROLL for (int i = 0; i < 10; i++) {
    const vec once = a.l[i];
    const vec twice = _mm256_add_epi64(once, once);
    UNROLL for (int j = 0; j < 10; j++) {
      const vec term = product(i % 2 && j % 2 ? twice : once, i + j >= 10 ? folded[j] : b.l[j]);
      const int k = (i + j) % 10;
      c[k] = i == 0 ? term : _mm256_add_epi64(c[k], term);
    }
  }
  return fe_carried(c);
}

// The products of different limbs once, with one of them doubled before.
INLINE fe fe_sq_here(fe a) {
  vec folded[10], c[10];
  UNROLL for (int i = 5; i < 10; i++) folded[i] = vec_nineteen(a.l[i]);
  UNROLL for (int k = 0; k < 10; k++) c[k] = _mm256_setzero_si256();
  UNROLL for (int i = 0; i < 10; i++) {
    const vec once = a.l[i];
    const vec twice = _mm256_add_epi64(once, once);
    const vec fourfold = _mm256_add_epi64(twice, twice);
    UNROLL for (int j = i; j < 10; j++) {
      const int count = (i == j ? 1 : 2) * (i % 2 && j % 2 ? 2 : 1);
      const vec f = count == 1 ? once : count == 2 ? twice : fourfold;
      const vec g = i + j >= 10 ? folded[j] : a.l[j];
      c[(i + j) % 10] = _mm256_add_epi64(c[(i + j) % 10], product(f, g));
    }
  }
  return fe_carried(c);
}

NOINLINE fe fe_sq(fe a) { return fe_sq_here(a); }

// Tight in, loose out.
INLINE fe fe_add(fe a, fe b) {
  fe r;
  UNROLL for (int i = 0; i < 10; i++) r.l[i] = _mm256_add_epi64(a.l[i], b.l[i]);
  return r;
}

// a + 2p - b.
INLINE fe fe_sub(fe a, fe b) {
  fe r;
  UNROLL for (int i = 0; i < 10; i++) {
    const vec bias = vec_set(i == 0 ? 0x7ffffda : i % 2 ? 0x3fffffe : 0x7fffffe);
    r.l[i] = _mm256_sub_epi64(_mm256_add_epi64(a.l[i], bias), b.l[i]);
  }
  return r;
}

INLINE fe fe_add_tight(fe a, fe b) {
  fe r = fe_add(a, b);
  return fe_carried(r.l);
}

INLINE fe fe_sub_tight(fe a, fe b) {
  fe r = fe_sub(a, b);
  return fe_carried(r.l);
}

INLINE fe fe_select(lane_mask m, fe yes, fe no) {
  fe r;
  UNROLL for (int i = 0; i < 10; i++) r.l[i] = vec_select(m, yes.l[i], no.l[i]);
  return r;
}

// A word of at most 2^51 + 2^13 is 26 bits and at most 2^25 + 1.
INLINE fe fe_from_words(const vec w[5]) {
  fe r;
  UNROLL for (int i = 0; i < 5; i++) {
    r.l[2 * i] = _mm256_and_si256(w[i], vec_set(0x3ffffff));
    r.l[2 * i + 1] = _mm256_srli_epi64(w[i], 26);
  }
  return r;
}

INLINE void fe_to_words(fe a, vec w[5]) {
  vec c[5];
  UNROLL for (int i = 0; i < 5; i++) {
    c[i] = _mm256_add_epi64(a.l[2 * i], _mm256_slli_epi64(a.l[2 * i + 1], 26));
  }
  const vec mask = vec_set((1ull << 51) - 1);
  w[0] = _mm256_add_epi64(
    _mm256_and_si256(c[0], mask), vec_nineteen(_mm256_srli_epi64(c[4], 51))
  );
  UNROLL for (int i = 1; i < 5; i++) {
    w[i] = _mm256_add_epi64(_mm256_and_si256(c[i], mask), _mm256_srli_epi64(c[i - 1], 51));
  }
}

// Words first…first + 3 of each of four rows, lane i from row i.
INLINE void load_block(const uint64_t *const rows[4], int first, vec out[4]) {
  vec r[4], s[4];
  UNROLL for (int i = 0; i < 4; i++) r[i] = _mm256_loadu_si256((const vec *)(rows[i] + first));
  UNROLL for (int i = 0; i < 4; i += 2) {
    s[i] = _mm256_unpacklo_epi64(r[i], r[i + 1]);
    s[i + 1] = _mm256_unpackhi_epi64(r[i], r[i + 1]);
  }
  out[0] = _mm256_permute2x128_si256(s[0], s[2], 0x20);
  out[1] = _mm256_permute2x128_si256(s[1], s[3], 0x20);
  out[2] = _mm256_permute2x128_si256(s[0], s[2], 0x31);
  out[3] = _mm256_permute2x128_si256(s[1], s[3], 0x31);
}

#undef CARRY
