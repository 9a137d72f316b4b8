#include "CMemcheck.h"

// Numbers of valgrind's client requests, stable by its ABI: valgrind.h and memcheck.h, enumerations
// Vg_ClientRequest and Vg_MemCheckClientRequest.
enum {
  RUNNING_ON_VALGRIND = 0x1001,
  COUNT_ERRORS = 0x1201,
  MAKE_MEM_UNDEFINED = ('M' << 24 | 'C' << 16) + 1,
  MAKE_MEM_DEFINED = ('M' << 24 | 'C' << 16) + 2,
};

// valgrind looks for four rotations that together turn a register once around, followed by an
// exchange of another with itself: no compiler writes that, and a processor changes nothing by it
// (valgrind's manual, "The Client Request mechanism"). rax points to the request and its five
// arguments, rdx holds what the answer is if nobody answers.
static uint64_t request(uint64_t number, uint64_t first, uint64_t second) {
#if defined(__x86_64__) && !defined(_WIN32)
  const volatile uint64_t words[6] = {number, first, second, 0, 0, 0};
  uint64_t answer = 0;
  __asm__ volatile(
    "rolq $3, %%rdi\n\t"
    "rolq $13, %%rdi\n\t"
    "rolq $61, %%rdi\n\t"
    "rolq $51, %%rdi\n\t"
    "xchgq %%rbx, %%rbx"
    : "+d"(answer)
    : "a"(words)
    : "cc", "memory"
  );
  return answer;
#else
  (void)number;
  (void)first;
  (void)second;
  return 0;
#endif
}

int32_t trellis_memcheck_is_running(void) { return request(RUNNING_ON_VALGRIND, 0, 0) != 0; }

void trellis_memcheck_poison(void *bytes, size_t count) {
  request(MAKE_MEM_UNDEFINED, (uint64_t)bytes, count);
}

void trellis_memcheck_reveal(void *bytes, size_t count) {
  request(MAKE_MEM_DEFINED, (uint64_t)bytes, count);
}

// valgrind answers with 32 bits.
uint64_t trellis_memcheck_reports(void) { return (uint32_t)request(COUNT_ERRORS, 0, 0); }

void trellis_memcheck_consume(const void *bytes) { __asm__ volatile("" : : "r"(bytes) : "memory"); }
