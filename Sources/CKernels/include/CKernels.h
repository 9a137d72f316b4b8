#pragma once

#include <stdint.h>

// Hot loops that pay off only with vector instructions. Every kernel takes pointers, loops inside
// C, and is compiled for its instruction set by a function attribute, so the package needs no
// flags; the caller asks at run time which one the processor has. Swift code beside each is the
// portable path and the oracle.

/// What the environment variable `KERNELS` says; NULL if it is not set or empty.
const char *trellis_kernels_forced(void);

/// The most lanes that `KERNELS` allows: `portable` gives 0, `avx2` 4, and nothing or `avx512` 8; any
/// other word gives 0.
int32_t trellis_kernel_limit(void);

/// The widest work kernel that this processor runs and `KERNELS` allows: 8 lanes (AVX-512F and VL),
/// 4 (AVX2), or 0.
int32_t trellis_work_lanes(void);

/// Tries `count` nonces from `first` up (wrapping) and stops at the first whose value, the first
/// 8 bytes of a BLAKE2b digest of 8 bytes over nonce ‖ root, is at least `threshold`.
///
/// `lanes` is 8 or 4 and at most what `trellis_work_lanes` answered, `count` at most 2^63.
/// `root` points to 4 words.
/// Returns 1 and writes `nonce`, or returns 0.
int32_t trellis_work_search(
  int32_t lanes,
  const uint64_t *root,
  uint64_t threshold,
  uint64_t first,
  uint64_t count,
  uint64_t *nonce
);

/// `x`, which the compiler may not combine with its neighbours into a vector.
///
/// For scalar code that it would otherwise pack into SSE2 pairs, which have no rotate instruction:
/// the portable work search is nearly half as fast so.
static inline uint64_t trellis_scalar(uint64_t x) {
  __asm__("" : "+r"(x));
  return x;
}

// MARK: SHA-256
//
// The state is eight words, a first; a block's words are big-endian numbers of its bytes.

/// 1 if the processor has instructions for SHA-256, 0 if not; whatever `KERNELS` says.
int32_t trellis_sha256_instructions(void);

/// The compression of `count` blocks of 64 bytes each, by these instructions: there must be some.
void trellis_sha256_blocks(uint32_t *state, const uint8_t *bytes, int64_t count);

/// What searches fastest of that which this processor runs and `KERNELS` allows: 16 lanes (AVX-512F,
/// VL and BW), 4 (the instructions above, not if `KERNELS` is set), 8 (AVX2), or 0.
int32_t trellis_sha256d_lanes(void);

/// 1 if this processor runs that many, whatever `KERNELS` says.
int32_t trellis_sha256d_runs(int32_t lanes);

/// Tries `count` values of word 11 of a message's last block, `first` and the next ones (wrapping)
/// with their bytes reversed, and stops at the first with which the first word of the message's
/// SHA-256d is at most `limit`.
///
/// `state` is what the blocks before left, `block` the last one's 16 words with its padding, `lanes`
/// one for which `trellis_sha256d_runs` gives 1. Returns 1 and writes `nonce`, or returns 0.
int32_t trellis_sha256d_search(
  int32_t lanes,
  const uint32_t *state,
  const uint32_t *block,
  uint32_t limit,
  uint32_t first,
  uint64_t count,
  uint32_t *nonce
);

// MARK: Poseidon2
//
// Elements of the field KoalaBear, in Montgomery form: x·2^32 mod p, below p.

/// The widest search that this processor runs and `KERNELS` allows: 16 lanes (AVX-512F, VL and BW),
/// 8 (AVX2), or 0.
int32_t trellis_poseidon2_lanes(void);

/// 1 if this processor runs that many, whatever `KERNELS` says.
int32_t trellis_poseidon2_runs(int32_t lanes);

/// Tries `count` numbers of 32 bits from `first` up (wrapping) and stops at the first with which the
/// first element after the permutation, as an integer, is at most `limit`.
///
/// `state` is the 16 elements before it; its second has 2^8 times the number's lower half added, its
/// third the upper half. `constants` are the round constants: 4 rounds of 16, 20 alone, 4 rounds of
/// 16. Returns 1 and writes `nonce`, or returns 0.
int32_t trellis_poseidon2_search(
  int32_t lanes,
  const uint32_t *state,
  const uint32_t *constants,
  uint32_t limit,
  uint32_t first,
  uint64_t count,
  uint32_t *nonce
);

// MARK: Curve25519
//
// Field elements are five words of at most 2^51 + 2^13, points of edwards25519 the four elements
// X, Y, Z, T, cached ones Y + X, Y - X, 2Z, 2dT, affine ones y + x, y - x, 2dxy: as the Swift path
// has them. `lanes` is 8 (AVX-512 IFMA) or 4 (AVX2), and at most what `trellis_curve_lanes` answers.

/// The widest curve kernels that this processor runs and `KERNELS` allows: 8, 4 or 0.
int32_t trellis_curve_lanes(void);

/// Working memory of `trellis_curve_fold` for each term, and of `trellis_curve_secret_sums` for each
/// group, aligned to 64 bytes.
enum { TRELLIS_CURVE_SCRATCH_BYTES = 8 * 1280 };

/// out[i] = a[i]·b[i], tests' and benchmarks' way to the field.
void trellis_field_multiply(
  int32_t lanes, const uint64_t *a, const uint64_t *b, uint64_t *out, int64_t count
);

/// out[i] = in[i]^(2^252 - 3), in constant time: nearly all of a square root.
void trellis_field_power_for_root(
  int32_t lanes, const uint64_t *in, uint64_t *out, int64_t count
);

/// P, 3P … 15P, cached, of each point.
void trellis_curve_tables(int32_t lanes, const uint64_t *points, int64_t count, uint64_t *out);

/// Straus in variable time over rows of two tables; `out` gets `lanes` points to be added up.
///
/// What a position adds are the codes from starts[position] up to starts[position + 1], a multiple
/// of `lanes`: twice the row, plus 1 to subtract it; UINT32_MAX adds nothing.
void trellis_curve_straus(
  int32_t lanes,
  const uint64_t *affine_rows, const uint32_t *affine_codes, const uint32_t *affine_starts,
  const uint64_t *cached_rows, const uint32_t *cached_codes, const uint32_t *cached_starts,
  int32_t positions, uint64_t *out
);

/// out[i] = Σ scalar_j·points[j·count + i] over j < terms, in variable time.
///
/// Codes as above, of rows 8·j + k for (2k + 1)·P_j, not padded.
void trellis_curve_fold(
  int32_t lanes,
  const uint64_t *points, int32_t terms, int64_t count, const uint32_t *codes,
  const uint32_t *starts, int32_t positions, void *scratch, uint64_t *out
);

/// In constant time, for each lane: the sum of those of its `count` affine rows whose bit is 1.
///
/// Lane i's rows are `step` words apart from rows[i] on, its bits, each 0 or 1, from bits[i] on.
void trellis_curve_chosen_sums(
  int32_t lanes,
  const uint64_t *const *rows, int64_t step, const uint64_t *const *bits, int64_t count,
  uint64_t *out
);

/// In constant time, for each lane: Σ digit·16^position·point over its `groups` points.
///
/// Lane i's points are points[g·lanes + i], its digits, from -8 to 8, those at
/// (position·groups + g)·lanes + i, position from 0 to 63.
void trellis_curve_secret_sums(
  int32_t lanes,
  const uint64_t *points, const int8_t *digits, int64_t groups, void *scratch, uint64_t *out
);
