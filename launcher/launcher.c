/*
 * The launcher of the compressed form: unpacks the in-place form (stub.c) once, into a
 * directory of the caller's own on a file system in memory, and executes it.
 *
 * /run/blankroot-unpacked for root, /run/user/UID/blankroot-unpacked for others: mode
 * 0700 and the caller's, told through descriptors, below a directory that nobody else
 * can write to. Where there is no such place, a memory file for this start alone.
 * Nothing in the environment has a say, but for BLANKROOT_CACHE=off.
 *
 * Every state in which it can be killed is good: the file has no name until it is
 * whole, and what waits for the lock is let in by the kernel.
 */
#include "branches.h"
#include "payload.h"
#include "place.h"
#include "system.h"
#include "unpack.h"

#if defined __x86_64__
__asm__(".section .start, \"ax\"\n.globl launcher_start\nlauncher_start:\n"
        "  xor %ebp, %ebp\n"
        "  mov %rsp, %rbx\n"
        "  and $-16, %rsp\n"
        "  call open_self\n"
        "  mov %rbx, %rdi\n"
        "  mov %eax, %esi\n"
        "  call launch\n");
#elif defined __aarch64__
__asm__(".section .start, \"ax\"\n.globl launcher_start\nlauncher_start:\n"
        "  mov x29, #0\n"
        "  mov x30, #0\n"
        "  bl open_self\n"
        "  mov w1, w0\n"
        "  mov x0, sp\n"
        "  bl launch\n");
#endif

/*
 * What tells a broken download is first in the file, code, texts and then the payload:
 * beyond it there may be nothing, and up to the page's end zeros are mapped.
 */
#define FIRST_TEXT __attribute__((section(".message"))) static const char
FIRST_TEXT SELF[] = "/proc/self/exe";
FIRST_TEXT WRONG_SIZE[] = MESSAGE(
    "Cannot start: this file is incomplete or damaged, its size is wrong; download it again");

__attribute__((section(".payload"), used)) const volatile struct payload payload = {
    .magic = PAYLOAD_MAGIC,
};

__attribute__((section(".start"), used, noinline)) static int open_self(void) {
  int self = (int)sys4(SYS_openat, AT_FDCWD, SELF, O_RDONLY | O_CLOEXEC, 0);
  if (self < 0) fail(self == -ENOENT ? NO_PROC : UNREADABLE);
  if (sys3(SYS_lseek, self, 0, SEEK_END) != (i64)payload.file_size) fail(WRONG_SIZE);
  return self;
}

static int is_cache_off(char **environment) {
  for (; *environment != 0; environment++)
    if (equal(*environment, "BLANKROOT_CACHE=off")) return 1;
  return 0;
}

/* Returns 0 where there is nothing to execute yet, 1 where it can't be executed from there. */
static int execute_unpacked(const struct cache *cache, char **arguments, char **environment) {
  if (!is_unpacked(cache)) return 0;
  /* Elsewhere they would be as long. */
  if (sys3(SYS_execve, cache->path, arguments, environment) == -E2BIG)
    fail(MESSAGE("Cannot start: arguments and environment are too long together"));
  return 1;
}

/* Unpacks into the directory, one process at a time, and executes; returns where it can't. */
static void execute_from_cache(const struct cache *cache, int self, char **arguments,
                               char **environment) {
  if (execute_unpacked(cache, arguments, environment) || !lock(cache)) return;
  /* Another may have been faster. The lock ends with the descriptor: when we execute or die. */
  if (execute_unpacked(cache, arguments, environment)) return;
  int file = nameless_file(cache);
  if (file < 0) return;
  if (unpack(self, file) && give_name(cache, file)) {
    remove_others(cache);
    execute_unpacked(cache, arguments, environment);
  } else {
    sys1(SYS_close, file);
  }
}

static void execute_from_memory(int self, char **arguments, char **environment) {
  int file = memory_file();
  if (file < 0)
    fail(MESSAGE("Cannot start: no place to unpack, neither below /run nor in a memory file"));
  if (!unpack(self, file)) fail(MESSAGE("Cannot start: not enough memory to unpack"));
  file = read_only(file);
  if (file < 0) fail(UNREADABLE);
  sys5(SYS_execveat, file, "", arguments, environment, AT_EMPTY_PATH);
  fail(MESSAGE("Cannot start: neither a file below /run nor a memory file can be executed"));
}

__attribute__((used)) void launch(u64 *stack, int self) {
  char **arguments = (char **)(stack + 1);
  char **environment = arguments + stack[0] + 1;
  struct cache cache;
  if (!is_cache_off(environment) && open_cache(&cache, (const char *)payload.id,
                                               payload.unpacked_size)) {
    execute_from_cache(&cache, self, arguments, environment);
    /* And with it the lock, for who waits while this start is from memory. */
    sys1(SYS_close, cache.directory);
  }
  execute_from_memory(self, arguments, environment);
}
