// The search for a header's SHA-256d at one width. SHA256Search.c includes this once for each
// instruction set, with KERNEL (the function's name), TARGET (its instruction set) and LANES
// defined.
//
// SHA-256 (FIPS 180-4, section 6.2), unrolled and with no table but K. What does not depend on the
// nonce is written as if it did: the compiler takes the first eleven rounds, the constant parts of
// the schedule and all sums of constants out of the loop by itself.

typedef uint32_t JOIN(KERNEL, _lanes) __attribute__((vector_size(4 * LANES)));

#define V JOIN(KERNEL, _lanes)

#define ROTATE(x, n) (((x) >> (n)) | ((x) << (32 - (n))))
#define CHOOSE(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define MAJORITY(x, y, z) ((((x) ^ (y)) & ((y) ^ (z))) ^ (y))

#define ROUND(a, b, c, d, e, f, g, h, t)                                                  \
  do {                                                                                    \
    if (t >= 16) {                                                                        \
      const V x = w[(t + 1) & 15], y = w[(t + 14) & 15];                                  \
      w[t & 15] = w[t & 15] + w[(t + 9) & 15] + (ROTATE(x, 7) ^ ROTATE(x, 18) ^ (x >> 3)) \
        + (ROTATE(y, 17) ^ ROTATE(y, 19) ^ (y >> 10));                                    \
    }                                                                                     \
    const V sum = h + w[t & 15] + K[t] + CHOOSE(e, f, g)                                  \
      + (ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25));                                   \
    d = d + sum;                                                                          \
    h = sum + MAJORITY(a, b, c) + (ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22));         \
  } while (0)

#define ROUNDS_8(t)                          \
  do {                                       \
    ROUND(a, b, c, d, e, f, g, h, (t));      \
    ROUND(h, a, b, c, d, e, f, g, (t) + 1);  \
    ROUND(g, h, a, b, c, d, e, f, (t) + 2);  \
    ROUND(f, g, h, a, b, c, d, e, (t) + 3);  \
    ROUND(e, f, g, h, a, b, c, d, (t) + 4);  \
    ROUND(d, e, f, g, h, a, b, c, (t) + 5);  \
    ROUND(c, d, e, f, g, h, a, b, (t) + 6);  \
    ROUND(b, c, d, e, f, g, h, a, (t) + 7);  \
  } while (0)

#define ROUNDS_64   \
  do {              \
    ROUNDS_8(0);    \
    ROUNDS_8(8);    \
    ROUNDS_8(16);   \
    ROUNDS_8(24);   \
    ROUNDS_8(32);   \
    ROUNDS_8(40);   \
    ROUNDS_8(48);   \
    ROUNDS_8(56);   \
  } while (0)

__attribute__((target(TARGET))) static int32_t KERNEL(
  const uint32_t *state,
  const uint32_t *block,
  uint32_t limit,
  uint32_t first,
  uint64_t count,
  uint32_t *nonce
) {
  const V z = {0};
  V nonces = z + first;
  for (int lane = 0; lane < LANES; lane++) nonces[lane] += (uint32_t)lane;
  for (uint64_t tried = 0; tried < count; tried += LANES) {
    V w[16];
    for (int i = 0; i < 16; i++) w[i] = z + block[i];
    // Little-endian in the header, and big-endian words in SHA-256.
    w[11] = (nonces >> 24) | ((nonces >> 8) & 0xff00) | ((nonces << 8) & 0xff0000) | (nonces << 24);
    V a = z + state[0], b = z + state[1], c = z + state[2], d = z + state[3];
    V e = z + state[4], f = z + state[5], g = z + state[6], h = z + state[7];
    ROUNDS_64;
    w[0] = a + state[0], w[1] = b + state[1], w[2] = c + state[2], w[3] = d + state[3];
    w[4] = e + state[4], w[5] = f + state[5], w[6] = g + state[6], w[7] = h + state[7];
    w[8] = z + 0x80000000u;
    for (int i = 9; i < 15; i++) w[i] = z;
    w[15] = z + 256;
    a = z + IV[0], b = z + IV[1], c = z + IV[2], d = z + IV[3];
    e = z + IV[4], f = z + IV[5], g = z + IV[6], h = z + IV[7];
    ROUNDS_64;
    const V good = (V)(a + IV[0] <= z + limit);
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

#undef ROUNDS_64
#undef ROUNDS_8
#undef ROUND
#undef MAJORITY
#undef CHOOSE
#undef ROTATE
#undef V
#undef KERNEL
#undef TARGET
#undef LANES
