// Linux calls that Swift's Glibc module lacks, behind plain types.
//
// Every function that can fail returns a negated errno value, so that no caller reads `errno`
// after something else has changed it. Every descriptor is opened close-on-exec.
#pragma once

#include <stdint.h>

// What a descriptor is watched for, and what happened to it. Checked against <sys/epoll.h>.
enum {
  CLINUX_READABLE = 0x001,
  CLINUX_WRITABLE = 0x004,
  CLINUX_ERROR = 0x008,
  CLINUX_HANGUP = 0x010,
};

struct clinux_event {
  uint64_t token;
  uint32_t readiness;
};

int clinux_epoll_create(void);
// Level-triggered. `token` comes back with every event.
int clinux_epoll_add(int epoll, int fd, uint32_t interest, uint64_t token);
int clinux_epoll_modify(int epoll, int fd, uint32_t interest, uint64_t token);
int clinux_epoll_remove(int epoll, int fd);
// Waits for at most 128 events. A negative timeout waits for ever. An interruption by a signal is
// no event: 0.
int clinux_epoll_wait(int epoll, struct clinux_event *events, int count, int64_t nanoseconds);

// An eventfd added to `epoll` edge-triggered: each `clinux_wake` ends one wait, and nobody reads.
int clinux_waker_create(int epoll, uint64_t token);
void clinux_wake(int waker);

// Blocks every signal, in the calling thread, that is not raised by the thread's own fault.
int clinux_signals_block_all(void);
// Catches the signals from now on; the descriptor (an eventfd) is readable once one has come.
//
// Not a signalfd: that needs the signal blocked in every thread, and the thread that libdispatch
// leaves behind when an asynchronous `main` first suspends unblocks all of them.
int clinux_signals_open(const int *signals, int count);
// A signal that has come to this descriptor since it was last told, or 0.
int clinux_signals_next(int fd);
// Gives the signals their default action back. The descriptor stays open for good: a handler on
// another thread may be about to write to it. A process opens one or two in its life.
void clinux_signals_close(int fd);

// A non-blocking accepted socket; `address` receives 16 bytes, IPv4 mapped into IPv6.
int clinux_accept(int listener, uint8_t *address, uint16_t *port);

// Ends this process by SIGKILL when its parent has ended.
int clinux_die_with_parent(void);

// At most 15 characters; the kernel's limit.
void clinux_name_thread(const char *name);
