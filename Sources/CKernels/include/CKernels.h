#pragma once

#include <stdint.h>

// Hot loops that pay off only with vector instructions. Every kernel takes pointers, loops inside
// C, and is compiled for its instruction set by a function attribute, so the package needs no
// flags; the caller asks at run time which one the processor has. Swift code beside each is the
// portable path and the oracle.

/// The widest work kernel this processor runs: 8 lanes (AVX-512F and VL), 4 (AVX2), or 0.
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
