// The search for a header's Poseidon2 at one width. Poseidon2Search.c includes this once for each
// instruction set, with NAME (of a function), V (a vector of LANES elements), W (the same bits as half
// as many words of 64) and MULTIPLY (the signed products of their lower halves) defined. Poseidon2.swift says what is computed; here elements
// are in Montgomery form, below p.

#define INLINE static inline __attribute__((always_inline))

// A sum or difference modulo p: the smaller of two words, one of which wrapped.
INLINE V NAME(smaller)(V a, V b) { return __builtin_elementwise_min(a, b); }
INLINE V NAME(plus)(V a, V b) { return NAME(smaller)(a + b, a + b - P); }
INLINE V NAME(minus)(V a, V b) { return NAME(smaller)(a - b, a - b + P); }
INLINE V NAME(doubled)(V a) { return NAME(plus)(a, a); }

// A constant that the compiler does not know as one: it would make shifts and sums of a product.
INLINE W NAME(opaque)(uint32_t constant) {
  __asm__("" : "+r"(constant));
  return (W){0} + constant;
}

// x·2^-32 modulo p, between -p and p, in the upper half, for x between -2^31·p and 2^31·p: it has
// the multiple of p subtracted that has the same lower half and is as small.
INLINE W NAME(reduced)(W x) {
  return x - MULTIPLY(MULTIPLY(x, NAME(opaque)(INVERSE)), NAME(opaque)(P));
}

// What two such leave, in even and odd words, below p.
INLINE V NAME(joined)(W even, W odd) {
  const V x = (V)((even >> 32) | (odd & ((W){0} - (1ull << 32))));
  return NAME(smaller)(x, x + P);
}

// The factors are between -p and p.
INLINE V NAME(times)(V a, V b) {
  return NAME(joined)(
    NAME(reduced)(MULTIPLY((W)a, (W)b)), NAME(reduced)(MULTIPLY((W)a >> 32, (W)b >> 32))
  );
}

INLINE W NAME(cube)(W x) { return NAME(reduced)(MULTIPLY(NAME(reduced)(MULTIPLY(x, x)) >> 32, x)); }

// (a + constant)^3
INLINE V NAME(cubed)(V a, uint32_t constant) {
  const W sum = (W)(a + (constant - P));
  return NAME(joined)(NAME(cube)(sum), NAME(cube)(sum >> 32));
}

// x = 2^k·q + r: q - 127·2^(24-k)·r.
INLINE V NAME(divided)(V a, int k) {
  const V rest = a & ((1u << k) - 1);
  return NAME(minus)(a >> k, ((rest << 7) - rest) << (24 - k));
}

INLINE void NAME(mix_externally)(V s[16]) {
  UNROLL for (int i = 0; i < 16; i += 4) {
    const V a = s[i], b = s[i + 1], c = s[i + 2], d = s[i + 3];
    const V ab = NAME(plus)(a, b), cd = NAME(plus)(c, d), all = NAME(plus)(ab, cd);
    const V with_b = NAME(plus)(all, b), with_d = NAME(plus)(all, d);
    s[i] = NAME(plus)(with_b, ab);
    s[i + 1] = NAME(plus)(with_b, NAME(doubled)(c));
    s[i + 2] = NAME(plus)(with_d, cd);
    s[i + 3] = NAME(plus)(with_d, NAME(doubled)(a));
  }
  UNROLL for (int i = 0; i < 4; i++) {
    const V sum = NAME(plus)(NAME(plus)(s[i], s[i + 4]), NAME(plus)(s[i + 8], s[i + 12]));
    UNROLL for (int j = i; j < 16; j += 4) s[j] = NAME(plus)(s[j], sum);
  }
}

INLINE void NAME(mix_internally)(V s[16]) {
  // All but the first, as a tree: the others need not wait for its cube.
  V sums[16];
  UNROLL for (int i = 1; i < 16; i++) sums[i] = s[i];
  sums[0] = sums[8];
  UNROLL for (int i = 1; i < 8; i++) sums[i] = NAME(plus)(sums[i], sums[i + 8]);
  UNROLL for (int width = 4; width > 0; width /= 2) {
    UNROLL for (int i = 0; i < width; i++) sums[i] = NAME(plus)(sums[i], sums[i + width]);
  }
  const V sum = NAME(plus)(sums[0], s[0]);
  s[0] = NAME(minus)(sums[0], s[0]);
  s[1] = NAME(plus)(sum, s[1]);
  s[2] = NAME(plus)(sum, NAME(doubled)(s[2]));
  s[3] = NAME(plus)(sum, NAME(divided)(s[3], 1));
  s[4] = NAME(plus)(NAME(plus)(sum, s[4]), NAME(doubled)(s[4]));
  s[5] = NAME(plus)(sum, NAME(doubled)(NAME(doubled)(s[5])));
  s[6] = NAME(minus)(sum, NAME(divided)(s[6], 1));
  s[7] = NAME(minus)(NAME(minus)(sum, s[7]), NAME(doubled)(s[7]));
  s[8] = NAME(minus)(sum, NAME(doubled)(NAME(doubled)(s[8])));
  s[9] = NAME(plus)(sum, NAME(divided)(s[9], 8));
  s[10] = NAME(plus)(sum, NAME(divided)(s[10], 3));
  s[11] = NAME(plus)(sum, NAME(divided)(s[11], 24));
  s[12] = NAME(minus)(sum, NAME(divided)(s[12], 8));
  s[13] = NAME(minus)(sum, NAME(divided)(s[13], 3));
  s[14] = NAME(minus)(sum, NAME(divided)(s[14], 4));
  s[15] = NAME(minus)(sum, NAME(divided)(s[15], 24));
}

INLINE void NAME(external_rounds)(V s[16], const uint32_t *constants) {
  for (int round = 0; round < 4; round++, constants += 16) {
    UNROLL for (int i = 0; i < 16; i++) s[i] = NAME(cubed)(s[i], constants[i]);
    NAME(mix_externally)(s);
  }
}

static int32_t NAME(poseidon2)(
  const uint32_t *state,
  const uint32_t *constants,
  uint32_t limit,
  uint32_t first,
  uint64_t count,
  uint32_t *nonce
) {
  const V z = {0};
  V nonces = z + first;
  for (int lane = 0; lane < LANES; lane++) nonces[lane] += (uint32_t)lane;
  for (uint64_t tried = 0; tried < count; tried += LANES) {
    V s[16];
    UNROLL for (int i = 0; i < 16; i++) s[i] = z + state[i];
    // The nonce's lower bytes are the upper two of one limb and the lower two of the next.
    s[1] = NAME(plus)(s[1], NAME(times)((nonces & 0xffff) << 8, z + SQUARE));
    s[2] = NAME(plus)(s[2], NAME(times)(nonces >> 16, z + SQUARE));
    NAME(mix_externally)(s);
    NAME(external_rounds)(s, constants);
    for (int round = 0; round < 20; round++) {
      s[0] = NAME(cubed)(s[0], constants[64 + round]);
      NAME(mix_internally)(s);
    }
    NAME(external_rounds)(s, constants + 84);
    const V value = NAME(times)(s[0], z + 1);
    const V good = (V)(value <= z + limit);
    uint32_t any = 0;
    for (int lane = 0; lane < LANES; lane++) any |= good[lane];
    if (any != 0) {
      for (int lane = 0; lane < LANES; lane++) {
        // The last group may reach beyond `count`.
        if (good[lane] != 0 && (uint64_t)lane < count - tried) {
          *nonce = nonces[lane];
          return 1;
        }
      }
    }
    nonces = nonces + LANES;
  }
  return 0;
}

#undef INLINE
