#if defined(__x86_64__)
#include "CurveDispatch.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define NOINLINE static __attribute__((noinline))
#define UNROLL _Pragma("clang loop unroll(full)")
#define LANES 8
#define NAME(name) name##_avx512
#pragma clang attribute push(__attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,avx512ifma"))), apply_to = function)
#include "FieldIFMA.h"
#include "CurveKernel.h"
#pragma clang attribute pop

#endif
