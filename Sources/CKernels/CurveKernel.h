// Curve arithmetic in LANES lanes, over the field of FieldIFMA.h or FieldAVX2.h, whichever was
// included before. The formulae are those of EdwardsForms.swift, by the same names.

typedef struct { fe x, y, z; } projective;
typedef struct { fe x, y, z, t; } extended;
typedef struct { fe e, f, g, h; } completed;
typedef struct { fe y_plus_x, y_minus_x, twice_z, twice_dt; } cached;
typedef struct { fe y_plus_x, y_minus_x, twice_dxy; } affine;

// Loading

// `count` field elements of five words from each of LANES rows.
INLINE void load_elements(const uint64_t *const rows[LANES], int count, fe *out) {
  vec words[24];
  const int total = 5 * count;
  for (int first = 0; first + LANES <= total; first += LANES) {
    load_block(rows, first, words + first);
  }
  // The last block overlaps the one before, so that no row is read beyond its end.
  if (total % LANES) load_block(rows, total - LANES, words + total - LANES);
  for (int i = 0; i < count; i++) out[i] = fe_from_words(words + 5 * i);
}

INLINE extended load_extended(const uint64_t *const rows[LANES]) {
  fe e[4];
  load_elements(rows, 4, e);
  return (extended){e[0], e[1], e[2], e[3]};
}

INLINE fe fe_word(uint64_t low) {
  vec w[5] = {vec_set(low), vec_set(0), vec_set(0), vec_set(0), vec_set(0)};
  return fe_from_words(w);
}

INLINE fe fe_twice_d(void) {
  vec w[5] = {
    vec_set(0x69b9426b2f159), vec_set(0x35050762add7a), vec_set(0x3cf44c0038052),
    vec_set(0x6738cc7407977), vec_set(0x2406d9dc56dff),
  };
  return fe_from_words(w);
}

// Writes lane i to row i, `stride` words apart.
INLINE void store_elements(const fe *elements, int count, uint64_t *rows, int stride) {
  for (int i = 0; i < count; i++) {
    vec w[5];
    fe_to_words(elements[i], w);
    for (int k = 0; k < 5; k++) {
      uint64_t lanes[LANES];
      vec_store(lanes, w[k]);
      for (int lane = 0; lane < LANES; lane++) rows[lane * stride + 5 * i + k] = lanes[lane];
    }
  }
}

// Formulae

INLINE projective to_projective(completed p) {
  return (projective){fe_mul(p.e, p.f), fe_mul(p.g, p.h), fe_mul(p.f, p.g)};
}

INLINE extended to_extended(completed p) {
  return (extended){
    fe_mul(p.e, p.f), fe_mul(p.g, p.h), fe_mul(p.f, p.g), fe_mul(p.e, p.h)
  };
}

INLINE completed doubled(projective p) {
  const fe xx = fe_sq(p.x);
  const fe yy = fe_sq(p.y);
  const fe zz = fe_sq(p.z);
  const fe square = fe_sq(fe_add(p.x, p.y));
  const fe h = fe_add_tight(yy, xx);
  const fe g = fe_sub_tight(yy, xx);
  return (completed){fe_sub(square, h), fe_sub(fe_add_tight(zz, zz), g), g, h};
}

INLINE cached to_cached(extended p) {
  return (cached){
    fe_add_tight(p.y, p.x), fe_sub_tight(p.y, p.x), fe_add_tight(p.z, p.z),
    fe_mul(p.t, fe_twice_d())
  };
}

INLINE completed sums(fe a, fe b, fe c, fe d) {
  return (completed){fe_sub(b, a), fe_sub(d, c), fe_add(d, c), fe_add(b, a)};
}

INLINE completed add_cached(extended p, cached q) {
  return sums(
    fe_mul(fe_sub(p.y, p.x), q.y_minus_x), fe_mul(fe_add(p.y, p.x), q.y_plus_x),
    fe_mul(p.t, q.twice_dt), fe_mul(p.z, q.twice_z)
  );
}

// p - q in the lanes of the mask, p + q in the others.
INLINE completed add_signed(lane_mask minus, extended p, fe plus_x, fe minus_x, fe t, fe z) {
  const completed r = sums(
    fe_mul(fe_sub(p.y, p.x), fe_select(minus, plus_x, minus_x)),
    fe_mul(fe_add(p.y, p.x), fe_select(minus, minus_x, plus_x)), t, z
  );
  return (completed){r.e, fe_select(minus, r.g, r.f), fe_select(minus, r.f, r.g), r.h};
}

INLINE completed add_cached_signed(lane_mask minus, extended p, cached q) {
  return add_signed(
    minus, p, q.y_plus_x, q.y_minus_x, fe_mul(p.t, q.twice_dt), fe_mul(p.z, q.twice_z)
  );
}

INLINE completed add_affine_signed(lane_mask minus, extended p, affine q) {
  return add_signed(
    minus, p, q.y_plus_x, q.y_minus_x, fe_mul(p.t, q.twice_dxy), fe_add_tight(p.z, p.z)
  );
}

INLINE projective identity(void) {
  return (projective){fe_word(0), fe_word(1), fe_word(1)};
}

INLINE extended identity_extended(void) {
  return (extended){fe_word(0), fe_word(1), fe_word(1), fe_word(0)};
}

// Field

INLINE fe load_row_elements(const uint64_t *elements, int64_t first, int64_t count) {
  vec w[5];
  for (int k = 0; k < 5; k++) {
    int64_t lanes[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      const int64_t index = first + lane < count ? first + lane : count - 1;
      lanes[lane] = (int64_t)elements[5 * index + k];
    }
    w[k] = vec_load(lanes);
  }
  return fe_from_words(w);
}

INLINE void store_row_elements(fe a, uint64_t *elements, int64_t first, int64_t count) {
  uint64_t rows[5 * LANES];
  store_elements(&a, 1, rows, 5);
  for (int lane = 0; lane < LANES && first + lane < count; lane++) {
    for (int k = 0; k < 5; k++) elements[5 * (first + lane) + k] = rows[5 * lane + k];
  }
}

void NAME(multiply)(const uint64_t *a, const uint64_t *b, uint64_t *out, int64_t count) {
  for (int64_t i = 0; i < count; i += LANES) {
    const fe product = fe_mul(load_row_elements(a, i, count), load_row_elements(b, i, count));
    store_row_elements(product, out, i, count);
  }
}

NOINLINE fe fe_sq_times(fe a, int times) {
  for (int i = 0; i < times; i++) a = fe_sq_here(a);
  return a;
}

// a^(2^252 - 3), by the addition chain of FieldElement+Powers.swift.
void NAME(power_for_root)(const uint64_t *in, uint64_t *out, int64_t count) {
  for (int64_t i = 0; i < count; i += LANES) {
    const fe a = load_row_elements(in, i, count);
    const fe second = fe_sq(a);
    const fe ninth = fe_mul(a, fe_sq_times(second, 2));
    const fe eleventh = fe_mul(second, ninth);
    const fe ones5 = fe_mul(ninth, fe_sq(eleventh));
    const fe ones10 = fe_mul(fe_sq_times(ones5, 5), ones5);
    const fe ones20 = fe_mul(fe_sq_times(ones10, 10), ones10);
    const fe ones40 = fe_mul(fe_sq_times(ones20, 20), ones20);
    const fe ones50 = fe_mul(fe_sq_times(ones40, 10), ones10);
    const fe ones100 = fe_mul(fe_sq_times(ones50, 50), ones50);
    const fe ones200 = fe_mul(fe_sq_times(ones100, 100), ones100);
    const fe ones250 = fe_mul(fe_sq_times(ones200, 50), ones50);
    store_row_elements(fe_mul(fe_sq_times(ones250, 2), a), out, i, count);
  }
}

// Tables

// The rows of LANES points of `count`, the last one again where there are fewer.
INLINE void point_rows(
  const uint64_t *points, int64_t first, int64_t count, const uint64_t *rows[LANES]
) {
  for (int lane = 0; lane < LANES; lane++) {
    rows[lane] = points + 20 * (first + lane < count ? first + lane : count - 1);
  }
}

// P, 3P … 15P.
INLINE void odd_multiples(extended p, cached *table) {
  const cached twice = to_cached(to_extended(doubled((projective){p.x, p.y, p.z})));
  table[0] = to_cached(p);
  for (int i = 1; i < 8; i++) {
    p = to_extended(add_cached(p, twice));
    table[i] = to_cached(p);
  }
}

// Eight odd multiples of each point, cached: rows of 20 words, those of a point in sequence.
void NAME(tables)(const uint64_t *points, int64_t count, uint64_t *out) {
  for (int64_t i = 0; i < count; i += LANES) {
    const uint64_t *rows[LANES];
    point_rows(points, i, count, rows);
    cached table[8];
    odd_multiples(load_extended(rows), table);
    uint64_t words[LANES * 160];
    for (int k = 0; k < 8; k++) store_elements((const fe *)&table[k], 4, words + 20 * k, 160);
    const int64_t left = count - i < LANES ? count - i : LANES;
    memcpy(out + 160 * i, words, (size_t)left * 160 * sizeof *words);
  }
}

// Sums

// Brings the rows of some codes into the cache, which lie anywhere in a table of megabytes.
INLINE void prefetch_rows(
  const uint64_t *table, uint64_t words, const uint32_t *codes, uint32_t first, uint32_t end
) {
  for (uint32_t i = first; i < end; i++) {
    if (codes[i] == UINT32_MAX) continue;
    const uint64_t *row = table + words * (uint64_t)(codes[i] >> 1);
    __builtin_prefetch(row);
    __builtin_prefetch(row + 8);
    __builtin_prefetch(row + words - 1);
  }
}

// Which rows LANES codes mean, and in which lanes they are subtracted.
INLINE lane_mask coded_rows(
  const uint64_t *table, uint64_t words, const uint32_t *codes, const uint64_t *neutral,
  const uint64_t *rows[LANES]
) {
  int64_t signs[LANES];
  for (int lane = 0; lane < LANES; lane++) {
    const uint32_t code = codes[lane];
    rows[lane] = code == UINT32_MAX ? neutral : table + words * (uint64_t)(code >> 1);
    signs[lane] = -(int64_t)(code & 1);
  }
  return mask_negative(vec_load(signs));
}

// Straus in variable time, with every lane its own sum. At position p come the codes from starts[p]
// up to starts[p + 1], LANES at a time: twice the row's number, plus 1 to subtract it; a code of
// all ones adds nothing.
void NAME(straus)(
  const uint64_t *affine_rows, const uint32_t *affine_codes, const uint32_t *affine_starts,
  const uint64_t *cached_rows, const uint32_t *cached_codes, const uint32_t *cached_starts,
  int32_t positions, uint64_t *out
) {
  static const uint64_t neutral[20] = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2};
  static const uint64_t neutral_affine[15] = {1, 0, 0, 0, 0, 1};
  completed sum = doubled(identity());
  for (int32_t position = positions; position-- > 0;) {
    if (position > 0) {
      prefetch_rows(
        affine_rows, 15, affine_codes, affine_starts[position - 1], affine_starts[position]
      );
    }
    sum = doubled(to_projective(sum));
    for (uint32_t i = cached_starts[position]; i < cached_starts[position + 1]; i += LANES) {
      const uint64_t *rows[LANES];
      fe e[4];
      const lane_mask minus = coded_rows(cached_rows, 20, cached_codes + i, neutral, rows);
      load_elements(rows, 4, e);
      const cached entry = {e[0], e[1], e[2], e[3]};
      sum = add_cached_signed(minus, to_extended(sum), entry);
    }
    for (uint32_t i = affine_starts[position]; i < affine_starts[position + 1]; i += LANES) {
      const uint64_t *rows[LANES];
      fe e[3];
      const lane_mask minus = coded_rows(affine_rows, 15, affine_codes + i, neutral_affine, rows);
      load_elements(rows, 3, e);
      const affine entry = {e[0], e[1], e[2]};
      sum = add_affine_signed(minus, to_extended(sum), entry);
    }
  }
  const extended total = to_extended(sum);
  store_elements((const fe *)&total, 4, out, 20);
}

// out[i] = Σ scalar_j·points[j·count + i], j < terms: the same public scalars for all lanes, so that
// they share one schedule. A code is twice (8·j + the odd multiple's number), plus 1 to subtract.
void NAME(fold)(
  const uint64_t *points, int32_t terms, int64_t count, const uint32_t *codes,
  const uint32_t *starts, int32_t positions, void *scratch, uint64_t *out
) {
  cached *tables = scratch;
  for (int64_t i = 0; i < count; i += LANES) {
    for (int32_t j = 0; j < terms; j++) {
      const uint64_t *rows[LANES];
      point_rows(points + 20 * j * count, i, count, rows);
      odd_multiples(load_extended(rows), tables + 8 * j);
    }
    completed sum = doubled(identity());
    for (int32_t position = positions; position-- > 0;) {
      sum = doubled(to_projective(sum));
      for (uint32_t k = starts[position]; k < starts[position + 1]; k++) {
        int64_t signs[LANES];
        for (int lane = 0; lane < LANES; lane++) signs[lane] = -(int64_t)(codes[k] & 1);
        const lane_mask minus = mask_negative(vec_load(signs));
        sum = add_cached_signed(minus, to_extended(sum), tables[codes[k] >> 1]);
      }
    }
    const extended total = to_extended(sum);
    uint64_t words[LANES * 20];
    store_elements((const fe *)&total, 4, words, 20);
    const int64_t left = count - i < LANES ? count - i : LANES;
    memcpy(out + 20 * i, words, (size_t)left * 20 * sizeof *words);
  }
}

// For each lane the sum of those of its `count` affine rows whose bit is 1, in constant time. Lane i's
// rows are `step` words apart from rows[i] on, its bits from bits[i] on.
void NAME(chosen_sums)(
  const uint64_t *const *rows, int64_t step, const uint64_t *const *bits, int64_t count,
  uint64_t *out
) {
  const affine neutral = {fe_word(1), fe_word(1), fe_word(0)};
  const lane_mask none = mask_negative(vec_set(0));
  extended sum = identity_extended();
  for (int64_t i = 0; i < count; i++) {
    const uint64_t *here[LANES];
    int64_t chosen[LANES];
    for (int lane = 0; lane < LANES; lane++) {
      here[lane] = rows[lane] + i * step;
      chosen[lane] = (int64_t)bits[lane][i];
    }
    const lane_mask take = mask_equal(vec_load(chosen), vec_set(1));
    fe e[3];
    load_elements(here, 3, e);
    const affine entry = {
      fe_select(take, e[0], neutral.y_plus_x), fe_select(take, e[1], neutral.y_minus_x),
      fe_select(take, e[2], neutral.twice_dxy)
    };
    sum = to_extended(add_affine_signed(none, sum, entry));
  }
  store_elements((const fe *)&sum, 4, out, 20);
}

// Straus in constant time, with every lane its own sum of `groups` terms: point g·LANES + i is lane
// i's, and digits[(position·groups + g)·LANES + i], from -8 to 8, what 16^position counts of it.
// Every look-up reads the whole table of P … 8P, and no branch depends on a digit.
void NAME(secret_sums)(
  const uint64_t *points, const int8_t *digits, int64_t groups, void *scratch, uint64_t *out
) {
  cached *tables = scratch;
  for (int64_t g = 0; g < groups; g++) {
    const uint64_t *rows[LANES];
    point_rows(points, g * LANES, groups * LANES, rows);
    extended p = load_extended(rows);
    const cached once = to_cached(p);
    cached *table = tables + 8 * g;
    table[0] = once;
    for (int i = 1; i < 8; i++) {
      p = to_extended(add_cached(p, once));
      table[i] = to_cached(p);
    }
  }
  const cached neutral = {fe_word(1), fe_word(1), fe_word(2), fe_word(0)};
  extended sum = identity_extended();
  for (int32_t position = 64; position-- > 0;) {
    if (position < 63) {
      completed twice = doubled((projective){sum.x, sum.y, sum.z});
      for (int i = 1; i < 4; i++) twice = doubled(to_projective(twice));
      sum = to_extended(twice);
    }
    for (int64_t g = 0; g < groups; g++) {
      const vec digit = vec_load_bytes(digits + (position * groups + g) * LANES);
      const vec magnitude = vec_magnitude(digit);
      cached entry = neutral;
      for (int i = 0; i < 8; i++) {
        const lane_mask here = mask_equal(magnitude, vec_set((uint64_t)i + 1));
        const cached *row = &tables[8 * g + i];
        entry.y_plus_x = fe_select(here, row->y_plus_x, entry.y_plus_x);
        entry.y_minus_x = fe_select(here, row->y_minus_x, entry.y_minus_x);
        entry.twice_z = fe_select(here, row->twice_z, entry.twice_z);
        entry.twice_dt = fe_select(here, row->twice_dt, entry.twice_dt);
      }
      sum = to_extended(add_cached_signed(mask_negative(digit), sum, entry));
    }
  }
  store_elements((const fe *)&sum, 4, out, 20);
}
