// The work search at one width. WorkSearch.c includes this once for each instruction set, with
// KERNEL (the function's name), TARGET (its instruction set) and LANES defined, and ROTATE_32,
// ROTATE_24, ROTATE_16 in the form that set does best.
//
// BLAKE2b (RFC 7693) of one block: an 8-byte digest of 40 bytes needs one compression, of which
// only the first word is read. Message words 5...15 are zero and are left out by the compiler.

typedef uint64_t JOIN(KERNEL, _lanes) __attribute__((vector_size(8 * LANES)));

#define V JOIN(KERNEL, _lanes)
#define ROTATE_63(x) (((x) >> 63) | ((x) + (x)))

#define G(a, b, c, d, x, y)     \
  do {                          \
    a = a + b + x;              \
    d = d ^ a, d = ROTATE_32(d); \
    c = c + d;                  \
    b = b ^ c, b = ROTATE_24(b); \
    a = a + b + y;              \
    d = d ^ a, d = ROTATE_16(d); \
    c = c + d;                  \
    b = b ^ c, b = ROTATE_63(b); \
  } while (0)

#define ROUND(s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, s13, s14, s15) \
  do {                                                                              \
    G(v0, v4, v8, v12, s0, s1);                                                     \
    G(v1, v5, v9, v13, s2, s3);                                                     \
    G(v2, v6, v10, v14, s4, s5);                                                    \
    G(v3, v7, v11, v15, s6, s7);                                                    \
    G(v0, v5, v10, v15, s8, s9);                                                    \
    G(v1, v6, v11, v12, s10, s11);                                                  \
    G(v2, v7, v8, v13, s12, s13);                                                   \
    G(v3, v4, v9, v14, s14, s15);                                                   \
  } while (0)

__attribute__((target(TARGET))) static int32_t KERNEL(
  const uint64_t *root,
  uint64_t threshold,
  uint64_t first,
  uint64_t count,
  uint64_t *nonce
) {
  const V z = {0};
  const V m1 = z + root[0], m2 = z + root[1], m3 = z + root[2], m4 = z + root[3];
  V m0 = z + first;
  for (int lane = 0; lane < LANES; lane++) m0[lane] += (uint64_t)lane;
  for (uint64_t tried = 0; tried < count; tried += LANES) {
    V v0 = z + H0, v1 = z + IV1, v2 = z + IV2, v3 = z + IV3;
    V v4 = z + IV4, v5 = z + IV5, v6 = z + IV6, v7 = z + IV7;
    V v8 = z + IV0, v9 = z + IV1, v10 = z + IV2, v11 = z + IV3;
    V v12 = z + (IV4 ^ 40), v13 = z + IV5, v14 = z + ~IV6, v15 = z + IV7;
    ROUND(m0, m1, m2, m3, m4, z, z, z, z, z, z, z, z, z, z, z);
    ROUND(z, z, m4, z, z, z, z, z, m1, z, m0, m2, z, z, z, m3);
    ROUND(z, z, z, m0, z, m2, z, z, z, z, m3, z, z, m1, z, m4);
    ROUND(z, z, m3, m1, z, z, z, z, m2, z, z, z, m4, m0, z, z);
    ROUND(z, m0, z, z, m2, m4, z, z, z, m1, z, z, z, z, m3, z);
    ROUND(m2, z, z, z, m0, z, z, m3, m4, z, z, z, z, z, m1, z);
    ROUND(z, z, m1, z, z, z, m4, z, m0, z, z, m3, z, m2, z, z);
    ROUND(z, z, z, z, z, m1, m3, z, z, m0, z, m4, z, z, m2, z);
    ROUND(z, z, z, z, z, m3, m0, z, z, m2, z, z, m1, m4, z, z);
    ROUND(z, m2, z, m4, z, z, m1, z, z, z, z, z, m3, z, z, m0);
    ROUND(m0, m1, m2, m3, m4, z, z, z, z, z, z, z, z, z, z, z);
    ROUND(z, z, m4, z, z, z, z, z, m1, z, m0, m2, z, z, z, m3);
    const V value = H0 ^ v0 ^ v8;
    const V good = (V)(value >= z + threshold);
    uint64_t any = 0;
    for (int lane = 0; lane < LANES; lane++) any |= good[lane];
    if (any != 0) {
      for (int lane = 0; lane < LANES; lane++) {
        // The last group may reach beyond `count`.
        if (good[lane] != 0 && (uint64_t)lane < count - tried) {
          *nonce = m0[lane];
          return 1;
        }
      }
    }
    // `tried` cannot wrap: the caller bounds `count`.
    m0 = m0 + LANES;
  }
  return 0;
}

#undef ROUND
#undef G
#undef ROTATE_63
#undef V
#undef KERNEL
#undef TARGET
#undef LANES
#undef ROTATE_32
#undef ROTATE_24
#undef ROTATE_16
