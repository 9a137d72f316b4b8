// Eight field elements side by side, with the 52-bit multiply-add of AVX-512 IFMA.
//
// Five limbs of 51 bits as in the Swift path, one vector each. The instruction reads the low 52
// bits of its factors, so both must be below 2^52: every operation carries. "Tight" here and in
// CurveKernel.h is a limb of at most 2^51 + 2^14, "loose" is the same.

typedef __m512i vec;
typedef __mmask8 lane_mask;
typedef struct { vec l[5]; } fe;

#define LIMB_MASK _mm512_set1_epi64((1ll << 51) - 1)

INLINE vec vec_set(uint64_t x) { return _mm512_set1_epi64((long long)x); }
INLINE lane_mask mask_equal(vec a, vec b) { return _mm512_cmpeq_epi64_mask(a, b); }
INLINE vec vec_select(lane_mask m, vec yes, vec no) { return _mm512_mask_blend_epi64(m, no, yes); }
INLINE vec vec_load(const int64_t *words) { return _mm512_loadu_si512(words); }
INLINE void vec_store(uint64_t *words, vec a) { _mm512_storeu_si512(words, a); }
INLINE vec vec_load_bytes(const int8_t *bytes) {
  return _mm512_cvtepi8_epi64(_mm_loadl_epi64((const __m128i *)bytes));
}
INLINE vec vec_magnitude(vec a) { return _mm512_abs_epi64(a); }
INLINE lane_mask mask_negative(vec a) { return _mm512_movepi64_mask(a); }

// One carry from each limb to the next, all at once; 2^255 = 19.
INLINE fe fe_carried(const vec c[5]) {
  fe r;
  const vec mask = LIMB_MASK;
  r.l[0] = _mm512_madd52lo_epu64(
    _mm512_and_si512(c[0], mask), _mm512_srli_epi64(c[4], 51), vec_set(19)
  );
  UNROLL for (int i = 1; i < 5; i++) {
    r.l[i] = _mm512_add_epi64(_mm512_and_si512(c[i], mask), _mm512_srli_epi64(c[i - 1], 51));
  }
  return r;
}

// Products of weight 2^(51·k): the low 52 bits in lo[k], the rest, twice as heavy, in hi[k + 1].
// Columns 5 to 9 fold to 0 to 4 times 19. With factors below 2^52 a column is below 2^56, folded
// below 2^61, and its carry below 2^10.
INLINE fe fe_folded(const vec lo[9], const vec hi[10]) {
  vec c[10];
  c[0] = lo[0];
  UNROLL for (int k = 1; k < 9; k++) c[k] = _mm512_add_epi64(lo[k], _mm512_slli_epi64(hi[k], 1));
  c[9] = _mm512_slli_epi64(hi[9], 1);
  vec r[5];
  UNROLL for (int k = 0; k < 5; k++) {
    const vec once = _mm512_add_epi64(c[k], c[k + 5]);
    const vec rest = _mm512_add_epi64(
      _mm512_slli_epi64(c[k + 5], 1), _mm512_slli_epi64(c[k + 5], 4)
    );
    r[k] = _mm512_add_epi64(once, rest);
  }
  return fe_carried(r);
}

INLINE fe fe_mul(fe a, fe b) {
  vec lo[9], hi[10];
  UNROLL for (int k = 0; k < 9; k++) lo[k] = _mm512_setzero_si512();
  UNROLL for (int k = 0; k < 10; k++) hi[k] = _mm512_setzero_si512();
  UNROLL for (int i = 0; i < 5; i++) {
    UNROLL for (int j = 0; j < 5; j++) {
      lo[i + j] = _mm512_madd52lo_epu64(lo[i + j], a.l[i], b.l[j]);
      hi[i + j + 1] = _mm512_madd52hi_epu64(hi[i + j + 1], a.l[i], b.l[j]);
    }
  }
  return fe_folded(lo, hi);
}

// The products of different limbs once, doubled afterwards: before, they would pass 52 bits.
INLINE fe fe_sq(fe a) {
  vec lo[9], hi[10];
  UNROLL for (int k = 0; k < 9; k++) lo[k] = _mm512_setzero_si512();
  UNROLL for (int k = 0; k < 10; k++) hi[k] = _mm512_setzero_si512();
  UNROLL for (int i = 0; i < 5; i++) {
    UNROLL for (int j = i + 1; j < 5; j++) {
      lo[i + j] = _mm512_madd52lo_epu64(lo[i + j], a.l[i], a.l[j]);
      hi[i + j + 1] = _mm512_madd52hi_epu64(hi[i + j + 1], a.l[i], a.l[j]);
    }
  }
  UNROLL for (int k = 1; k < 8; k++) lo[k] = _mm512_slli_epi64(lo[k], 1);
  UNROLL for (int k = 2; k < 9; k++) hi[k] = _mm512_slli_epi64(hi[k], 1);
  UNROLL for (int i = 0; i < 5; i++) {
    lo[2 * i] = _mm512_madd52lo_epu64(lo[2 * i], a.l[i], a.l[i]);
    hi[2 * i + 1] = _mm512_madd52hi_epu64(hi[2 * i + 1], a.l[i], a.l[i]);
  }
  return fe_folded(lo, hi);
}

#define fe_sq_here fe_sq

// Tight in, loose out; here also tight.
INLINE fe fe_add(fe a, fe b) {
  vec c[5];
  UNROLL for (int i = 0; i < 5; i++) c[i] = _mm512_add_epi64(a.l[i], b.l[i]);
  return fe_carried(c);
}

// a + 2p - b.
INLINE fe fe_sub(fe a, fe b) {
  vec c[5];
  UNROLL for (int i = 0; i < 5; i++) {
    const vec bias = vec_set(i == 0 ? 0xfffffffffffdaull : 0xffffffffffffeull);
    c[i] = _mm512_sub_epi64(_mm512_add_epi64(a.l[i], bias), b.l[i]);
  }
  return fe_carried(c);
}

INLINE fe fe_add_tight(fe a, fe b) { return fe_add(a, b); }
INLINE fe fe_sub_tight(fe a, fe b) { return fe_sub(a, b); }

INLINE fe fe_select(lane_mask m, fe yes, fe no) {
  fe r;
  UNROLL for (int i = 0; i < 5; i++) r.l[i] = vec_select(m, yes.l[i], no.l[i]);
  return r;
}

// Five words of 51 bits, one vector each, from and to the Swift path's limbs.
INLINE fe fe_from_words(const vec w[5]) {
  fe r;
  UNROLL for (int i = 0; i < 5; i++) r.l[i] = w[i];
  return r;
}

INLINE void fe_to_words(fe a, vec w[5]) {
  const fe r = fe_carried(a.l);
  UNROLL for (int i = 0; i < 5; i++) w[i] = r.l[i];
}

// Words first…first + 7 of each of eight rows, lane i from row i.
INLINE void load_block(const uint64_t *const rows[8], int first, vec out[8]) {
  vec r[8], s[8], t[8];
  UNROLL for (int i = 0; i < 8; i++) r[i] = _mm512_loadu_si512(rows[i] + first);
  UNROLL for (int i = 0; i < 8; i += 2) {
    s[i] = _mm512_unpacklo_epi64(r[i], r[i + 1]);
    s[i + 1] = _mm512_unpackhi_epi64(r[i], r[i + 1]);
  }
  UNROLL for (int i = 0; i < 8; i += 4) {
    t[i] = _mm512_shuffle_i64x2(s[i], s[i + 2], 0x88);
    t[i + 1] = _mm512_shuffle_i64x2(s[i + 1], s[i + 3], 0x88);
    t[i + 2] = _mm512_shuffle_i64x2(s[i], s[i + 2], 0xdd);
    t[i + 3] = _mm512_shuffle_i64x2(s[i + 1], s[i + 3], 0xdd);
  }
  // t[0]: words 0, 4 of rows 0 to 3; t[4]: of rows 4 to 7; and so on.
  UNROLL for (int i = 0; i < 4; i++) {
    out[i] = _mm512_shuffle_i64x2(t[i], t[i + 4], 0x88);
    out[i + 4] = _mm512_shuffle_i64x2(t[i], t[i + 4], 0xdd);
  }
}
