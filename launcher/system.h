/*
 * The kernel, called directly: neither the stub nor the launcher has a C library.
 *
 * Numbers: Linux's arch/x86/entry/syscalls/syscall_64.tbl and
 * include/uapi/asm-generic/unistd.h (aarch64). Registers: syscall(2). A result
 * from -4095 to -1 is an errno, negated (syscall(2), intro(2)).
 */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stddef.h>
#include <stdint.h>

typedef int64_t i64;
typedef uint64_t u64;

#if defined __x86_64__
enum {
  SYS_write = 1, SYS_close = 3, SYS_fstat = 5, SYS_lseek = 8, SYS_mmap = 9, SYS_munmap = 11,
  SYS_rt_sigaction = 13, SYS_pread64 = 17, SYS_pwrite64 = 18, SYS_madvise = 28,
  SYS_nanosleep = 35, SYS_getpid = 39, SYS_clone = 56, SYS_execve = 59, SYS_wait4 = 61,
  SYS_fcntl = 72, SYS_flock = 73, SYS_fsync = 74,
  SYS_getcwd = 79, SYS_fchmod = 91, SYS_geteuid = 107, SYS_getppid = 110, SYS_fstatfs = 138,
  SYS_prctl = 157, SYS_getdents64 = 217, SYS_exit_group = 231, SYS_openat = 257,
  SYS_mkdirat = 258, SYS_unlinkat = 263, SYS_linkat = 265,
  SYS_prlimit64 = 302, SYS_memfd_create = 319, SYS_execveat = 322,
};
/* open(2), asm-generic/fcntl.h */
enum { O_DIRECTORY = 0200000, O_NOFOLLOW = 0400000, O_TMPFILE = 020200000 };

static inline i64 sys6(i64 number, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
  register i64 r10 __asm__("r10") = d;
  register i64 r8 __asm__("r8") = e;
  register i64 r9 __asm__("r9") = f;
  i64 result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}
#elif defined __aarch64__
enum {
  SYS_getcwd = 17, SYS_fcntl = 25, SYS_flock = 32, SYS_mkdirat = 34, SYS_unlinkat = 35,
  SYS_linkat = 37, SYS_fstatfs = 44, SYS_fchmod = 52, SYS_openat = 56,
  SYS_close = 57, SYS_getdents64 = 61, SYS_lseek = 62, SYS_write = 64, SYS_pread64 = 67,
  SYS_pwrite64 = 68,
  SYS_fstat = 80, SYS_fsync = 82, SYS_exit_group = 94, SYS_nanosleep = 101,
  SYS_rt_sigaction = 134, SYS_prctl = 167, SYS_getpid = 172, SYS_getppid = 173,
  SYS_geteuid = 175, SYS_munmap = 215, SYS_clone = 220, SYS_execve = 221, SYS_mmap = 222,
  SYS_madvise = 233, SYS_wait4 = 260, SYS_prlimit64 = 261, SYS_memfd_create = 279,
  SYS_execveat = 281,
};
/* open(2), arch/arm64/include/uapi/asm/fcntl.h */
enum { O_DIRECTORY = 040000, O_NOFOLLOW = 0100000, O_TMPFILE = 020040000 };

static inline i64 sys6(i64 number, i64 a, i64 b, i64 c, i64 d, i64 e, i64 f) {
  register i64 x8 __asm__("x8") = number;
  register i64 x0 __asm__("x0") = a;
  register i64 x1 __asm__("x1") = b;
  register i64 x2 __asm__("x2") = c;
  register i64 x3 __asm__("x3") = d;
  register i64 x4 __asm__("x4") = e;
  register i64 x5 __asm__("x5") = f;
  __asm__ volatile("svc 0"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                   : "memory");
  return x0;
}
#else
#error "no such architecture"
#endif

#define sys1(n, a) sys6(n, (i64)(a), 0, 0, 0, 0, 0)
#define sys2(n, a, b) sys6(n, (i64)(a), (i64)(b), 0, 0, 0, 0)
#define sys3(n, a, b, c) sys6(n, (i64)(a), (i64)(b), (i64)(c), 0, 0, 0)
#define sys4(n, a, b, c, d) sys6(n, (i64)(a), (i64)(b), (i64)(c), (i64)(d), 0, 0)
#define sys5(n, a, b, c, d, e) sys6(n, (i64)(a), (i64)(b), (i64)(c), (i64)(d), (i64)(e), 0)

/* open(2), fcntl(2), memfd_create(2), errno(3): the same on both. */
enum {
  O_RDONLY = 0, O_RDWR = 2, O_CLOEXEC = 02000000, AT_FDCWD = -100,
  F_GETFD = 1,
  MFD_CLOEXEC = 1, MFD_NOEXEC_SEAL = 8, MFD_EXEC = 16,
  SEEK_END = 2,
  ENOENT = 2, E2BIG = 7, ENOEXEC = 8, EBADF = 9, EAGAIN = 11, EACCES = 13, EINVAL = 22,
};

static inline size_t length(const char *text) {
  size_t count = 0;
  while (text[count] != 0) count++;
  return count;
}

/* Whether text begins with all of prefix. */
static inline int starts(const char *text, const char *prefix) {
  while (*prefix != 0)
    if (*text++ != *prefix++) return 0;
  return 1;
}

static inline int equal(const char *a, const char *b) {
  while (*a != 0 && *a == *b) a++, b++;
  return *a == *b;
}

/* mmap(2) */
enum { PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 32 };

static inline void *map(u64 size, int protection, int flags, int file) {
  i64 at = sys6(SYS_mmap, 0, (i64)size, protection, flags, file, 0);
  return at < 0 && at > -4096 ? 0 : (void *)at;
}

static inline void say(const char *text) { sys3(SYS_write, 2, text, length(text)); }

__attribute__((noreturn)) static inline void end(int status) {
  for (;;) sys1(SYS_exit_group, status);
}

/*
 * 4 is blankroot's status for a failure that is not the caller's fault. Beside the start:
 * of a file that was cut off there may be nothing else.
 */
__attribute__((noreturn, noinline, section(".start"))) static void fail(const char *message) {
  say(message);
  end(4);
}

/* As all of blankroot's errors read. One string: the first page may be all there is. */
#define MESSAGE(text) "blankroot: " text "\n"

/* Where /proc/self/exe can't be opened. */
static const char NO_PROC[] = MESSAGE("Cannot start: /proc is not mounted");
static const char UNREADABLE[] = MESSAGE(
    "Cannot start: this file can't be opened; it must be readable, not only executable");

#endif
