#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

_Static_assert(CLINUX_READABLE == EPOLLIN, "epoll");
_Static_assert(CLINUX_WRITABLE == EPOLLOUT, "epoll");
_Static_assert(CLINUX_ERROR == EPOLLERR, "epoll");
_Static_assert(CLINUX_HANGUP == EPOLLHUP, "epoll");

enum { EVENTS_MAX = 128 };

static int result(int value) { return value < 0 ? -errno : value; }

int clinux_epoll_create(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }

static int control(int epoll, int operation, int fd, uint32_t interest, uint64_t token) {
  struct epoll_event event = {.events = interest, .data.u64 = token};
  return result(epoll_ctl(epoll, operation, fd, &event));
}

int clinux_epoll_add(int epoll, int fd, uint32_t interest, uint64_t token) {
  return control(epoll, EPOLL_CTL_ADD, fd, interest, token);
}

int clinux_epoll_modify(int epoll, int fd, uint32_t interest, uint64_t token) {
  return control(epoll, EPOLL_CTL_MOD, fd, interest, token);
}

int clinux_epoll_remove(int epoll, int fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

// epoll_pwait2 (Linux 5.11) takes nanoseconds; an older kernel gets milliseconds, rounded up so
// that a timer is never early and a loop never spins on the remainder.
static int wait_nanoseconds(int epoll, struct epoll_event *events, int count, int64_t nanoseconds) {
  static _Atomic int is_missing;
  if (nanoseconds < 0) return epoll_wait(epoll, events, count, -1);
  if (nanoseconds == 0) return epoll_wait(epoll, events, count, 0);
  if (!is_missing) {
    struct timespec timeout = {nanoseconds / 1000000000, nanoseconds % 1000000000};
    int n = epoll_pwait2(epoll, events, count, &timeout, NULL);
    if (n >= 0 || errno != ENOSYS) return n;
    is_missing = 1;
  }
  int64_t milliseconds = nanoseconds / 1000000 + (nanoseconds % 1000000 != 0);
  return epoll_wait(epoll, events, count, milliseconds > INT32_MAX ? INT32_MAX : (int)milliseconds);
}

int clinux_epoll_wait(int epoll, struct clinux_event *events, int count, int64_t nanoseconds) {
  struct epoll_event ready[EVENTS_MAX];
  int n = wait_nanoseconds(epoll, ready, count < EVENTS_MAX ? count : EVENTS_MAX, nanoseconds);
  if (n < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < n; i++) {
    events[i].token = ready[i].data.u64;
    events[i].readiness = ready[i].events;
  }
  return n;
}

int clinux_waker_create(int epoll, uint64_t token) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return -errno;
  int status = control(epoll, EPOLL_CTL_ADD, fd, EPOLLIN | EPOLLET, token);
  if (status < 0) {
    close(fd);
    return status;
  }
  return fd;
}

void clinux_wake(int waker) {
  uint64_t one = 1;
  // Fails only when 2^64 - 2 wakes were never read, which no machine lives to see.
  ssize_t written = write(waker, &one, sizeof one);
  (void)written;
}

int clinux_signals_block_all(void) {
  sigset_t set;
  sigfillset(&set);
  const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS, SIGPROF};
  for (unsigned i = 0; i < sizeof faults / sizeof faults[0]; i++) sigdelset(&set, faults[i]);
  return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

enum { SIGNALS = 65 };

// Of each signal: the eventfd that is told of it (0 for none), and whether it has come.
static _Atomic int signal_target[SIGNALS];
static _Atomic int signal_came[SIGNALS];

static void note_signal(int signal) {
  int saved = errno;
  signal_came[signal] = 1;
  int target = signal_target[signal];
  if (target > 0) clinux_wake(target);
  errno = saved;
}

int clinux_signals_open(const int *signals, int count) {
  int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (fd < 0) return -errno;
  struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  for (int i = 0; i < count; i++) {
    signal_came[signals[i]] = 0;
    signal_target[signals[i]] = fd;
    if (sigaction(signals[i], &action, NULL) < 0) {
      int code = errno;
      clinux_signals_close(fd);
      return -code;
    }
  }
  return fd;
}

int clinux_signals_next(int fd) {
  // Reset first: a signal that comes while the flags are read makes it readable again.
  uint64_t count;
  ssize_t n = read(fd, &count, sizeof count);
  (void)n;
  for (int signal = 1; signal < SIGNALS; signal++) {
    int expected = 1;
    if (signal_target[signal] == fd &&
        __c11_atomic_compare_exchange_strong(&signal_came[signal], &expected, 0, __ATOMIC_SEQ_CST,
                                             __ATOMIC_SEQ_CST))
      return signal;
  }
  return 0;
}

void clinux_signals_close(int fd) {
  for (int number = 1; number < SIGNALS; number++) {
    if (signal_target[number] != fd) continue;
    signal(number, SIG_DFL);
    signal_target[number] = 0;
  }
}

int clinux_accept(int listener, uint8_t *address, uint16_t *port) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } peer;
  socklen_t length = sizeof peer;
  memset(&peer, 0, sizeof peer);
  int fd = accept4(listener, &peer.any, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) return -errno;
  memset(address, 0, 16);
  if (peer.any.sa_family == AF_INET6) {
    memcpy(address, &peer.v6.sin6_addr, 16);
    *port = ntohs(peer.v6.sin6_port);
  } else {
    address[10] = address[11] = 0xff;
    memcpy(address + 12, &peer.v4.sin_addr, 4);
    *port = ntohs(peer.v4.sin_port);
  }
  return fd;
}

static pid_t parent;

// The kernel also tells when only the thread ended that started this process: then the parent is the
// same, and that is no reason to end.
static void parent_told(int number) {
  (void)number;
  if (getppid() != parent) kill(getpid(), SIGKILL);
}

int clinux_die_with_parent(void) {
  parent = getppid();
  struct sigaction action = {.sa_handler = parent_told, .sa_flags = SA_RESTART};
  if (sigaction(SIGRTMIN, &action, NULL) < 0) return -errno;
  return result(prctl(PR_SET_PDEATHSIG, SIGRTMIN));
}

void clinux_name_thread(const char *name) { pthread_setname_np(pthread_self(), name); }
