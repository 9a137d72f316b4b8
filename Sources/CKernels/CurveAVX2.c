#if defined(__x86_64__)
#include "CurveDispatch.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
// Ten words of four lanes travel through memory anyway, and copies of a product are half a megabyte.
#define NOINLINE static __attribute__((noinline))
#define UNROLL _Pragma("clang loop unroll(full)")
#define LANES 4
#define NAME(name) name##_avx2
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#include "FieldAVX2.h"
#include "CurveKernel.h"
#pragma clang attribute pop

#endif
