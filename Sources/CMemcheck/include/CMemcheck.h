// Requests to valgrind's memcheck, under which a program may run: memory marked as undefined is
// followed through every computation, and a branch or an address that depends on it is reported.
// Marking secrets so shows whether code is constant-time (Langley 2010, "ctgrind").
//
// Outside valgrind, and on processors other than x86-64, a request does nothing: it is a handful of
// instructions that leave everything as it was. Nothing of valgrind is needed to build this.
#pragma once

#include <stddef.h>
#include <stdint.h>

/// 1 under valgrind, whatever its tool; else 0.
int32_t trellis_memcheck_is_running(void);

/// From here on, these bytes are secret.
void trellis_memcheck_poison(void *bytes, size_t count);

/// From here on, these bytes are public, whatever they were made of.
void trellis_memcheck_reveal(void *bytes, size_t count);

/// How many branches and addresses have depended on secrets up to now, each time counted; 0 outside
/// valgrind.
uint64_t trellis_memcheck_reports(void);

/// Does nothing that a compiler could know of: what is there must have been computed.
void trellis_memcheck_consume(const void *bytes);
