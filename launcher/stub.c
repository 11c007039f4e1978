/*
 * The stub of the in-place form: what the kernel starts.
 *
 * The program it precedes is an ordinary dynamic executable that needs a loader and
 * a C library, of which the machine may have none. They are in this file: the loader
 * as program segments, where the packer put them; each library as bytes. The stub
 * writes the libraries to memory files, tells the loader to find them there, and
 * jumps to it; the loader, done, comes back here (stub_loaded) on its way to the
 * program, so that no file of ours is open when that starts.
 *
 * What is passed on the stack, and the AT_ numbers: System V ABI, "Initial Stack and
 * Register State"; getauxval(3).
 */
#include "program.h"
#include "stub.h"
#include "system.h"

/* First in the file with what reads it, so that a file that was cut off says so. */
__attribute__((section(".config"), used)) const volatile struct stub_config config = {
    .magic = STUB_MAGIC,
};

/* PATH_MAX of linux/limits.h, with the NUL. */
enum { PATH_SIZE = 4096 };
/* signal(7), rt_sigaction(2): what the kernel calls a set of signals has 64 bits. */
enum { SIGCHLD = 17, SIGNAL_SET_SIZE = 8 };
enum { AT_NULL = 0, AT_PHDR = 3, AT_PHNUM = 5, AT_BASE = 7, AT_ENTRY = 9 };

/*
 * The stack pointer goes to C and comes back as what C wrote to the place it was given;
 * 32 bytes are left for a list of variables that has grown by up to two. Then a jump. The
 * loader leaves its exit function for the program in rdx (x86-64) or x0 (aarch64).
 */
#if defined __x86_64__
__asm__(".section .start, \"ax\"\n.globl stub_start\nstub_start:\n"
        "  xor %ebp, %ebp\n"
        "  mov %rsp, %rbx\n"
        "  and $-16, %rsp\n"
        "  call check_size\n"
        "  mov %rbx, %rdi\n"
        "  sub $48, %rsp\n"
        "  mov %rsp, %rsi\n"
        "  call before_loader\n"
        "  mov (%rsp), %rsp\n"
        "  xor %edx, %edx\n"
        "  jmp *%rax\n"
        ".globl stub_loaded\nstub_loaded:\n"
        "  mov %rsp, %rbx\n"
        "  mov %rdx, %r12\n"
        "  mov %rsp, %rdi\n"
        "  and $-16, %rsp\n"
        "  call after_loader\n"
        "  mov %rbx, %rsp\n"
        "  mov %r12, %rdx\n"
        "  jmp *%rax\n"
        ".text\n");
#elif defined __aarch64__
__asm__(".section .start, \"ax\"\n.globl stub_start\nstub_start:\n"
        "  mov x29, #0\n"
        "  mov x30, #0\n"
        "  bl check_size\n"
        "  mov x0, sp\n"
        "  sub sp, sp, #48\n"
        "  mov x1, sp\n"
        "  bl before_loader\n"
        "  mov x16, x0\n"
        "  ldr x17, [sp]\n"
        "  mov sp, x17\n"
        "  mov x0, #0\n"
        "  br x16\n"
        ".globl stub_loaded\nstub_loaded:\n"
        "  mov x19, sp\n"
        "  mov x20, x0\n"
        "  mov x0, sp\n"
        "  bl after_loader\n"
        "  mov x16, x0\n"
        "  mov sp, x19\n"
        "  mov x0, x20\n"
        "  br x16\n"
        ".text\n");
#endif
extern char stub_loaded[];

/*
 * The variables that may reach the loader, Bun and the scripts: all others could
 * change what runs (LD_PRELOAD, GLIBC_TUNABLES, BUN_OPTIONS, NODE_OPTIONS…). The
 * programs that blankroot starts get every one: it reads them in /proc/self/environ.
 */
static const char *const passed[] = {
    "BLANKROOT_", "PATH=", "TERM=", "COLORTERM=", "NO_COLOR=", "FORCE_COLOR=", "COLUMNS=",
    "LINES=",     "TZ=",   "LANG=", "LC_",        0,
};

/*
 * What we tell JavaScriptCore: not to compile what is hot a third time. A run of a second
 * ends before that pays, and the threads that compile keep ours from the processor.
 */
static const char NO_FTL[] = "BUN_JSC_useFTLJIT=0";

static int is_passed(const char *variable) {
  for (int i = 0; passed[i] != 0; i++)
    if (starts(variable, passed[i])) return 1;
  return 0;
}

/*
 * Takes the variables that are not passed out of the stack at sp, and adds our own: the
 * arguments and what stays of the environment move up to the auxiliary vector, which has
 * to follow at once. Returns the new stack pointer, a multiple of 16 as the ABI wants.
 */
static u64 *without_variables(u64 *sp) {
  u64 above = sp[0] + 2; /* argc, the arguments and the NULL behind them */
  char **first = (char **)(sp + above);
  char **last = first;
  while (*last != 0) last++;
  char **kept = last;
  for (char **from = last; from-- > first;)
    if (is_passed(*from)) *--kept = *from;
  /* An odd number of words would leave the stack askew: one that says nothing is added. */
  char **added = kept - 1;
  if ((added - first) % 2 != 0) added--;
  u64 *moved = (u64 *)added - above;
  if (moved > sp)
    for (u64 i = above; i-- > 0;) moved[i] = sp[i];
  else
    for (u64 i = 0; i < above; i++) moved[i] = sp[i];
  kept[-1] = (char *)NO_FTL;
  if (added < kept - 1) *added = "BLANKROOT_=";
  return moved;
}

/* Bun ends with status 1 there as well: 128 KiB are too few for it, 256 enough. */
static void check_stack(void) {
  enum { RLIMIT_STACK = 3, STACK_MIN = 512 << 10 }; /* getrlimit(2) */
  struct { u64 soft, hard; } limit;
  if (sys4(SYS_prlimit64, 0, RLIMIT_STACK, 0, &limit) == 0 && limit.soft < STACK_MIN)
    fail(MESSAGE("Cannot start: the stack is limited to less than 512 KiB; raise ulimit -s"));
}

/* Whoever ignores it leaves that to us, and then Bun can't ask how a program ended. */
static void heed_children(void) {
  const struct { u64 handler, flags, restorer, mask; } standard = {0};
  sys4(SYS_rt_sigaction, SIGCHLD, &standard, 0, SIGNAL_SET_SIZE);
}

static u64 *auxiliary_vector(u64 *sp) {
  u64 *at = sp + sp[0] + 2;
  while (*at != 0) at++;
  return at + 1;
}

static int descriptors[LIBRARIES_MAX];

static int memory_file(const char *name) {
  /* NOEXEC_SEAL: libraries are mapped, not executed; allowed under vm.memfd_noexec=2. */
  i64 made = sys2(SYS_memfd_create, name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  if (made == -EINVAL) made = sys2(SYS_memfd_create, name, MFD_CLOEXEC); /* before 6.3 */
  if (made < 0) fail(MESSAGE("Cannot start: no memory file for the C library"));
  return (int)made;
}

/* Writes number in decimal, with the NUL. */
static void write_number(char *to, unsigned number) {
  char digits[10];
  int count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) *to++ = digits[--count];
  *to = 0;
}

static void offer(const struct stub_library *library, int index) {
  int descriptor = memory_file((const char *)library->name);
  for (u64 done = 0; done < library->size;) {
    i64 written = sys3(SYS_write, descriptor, library->bytes + done, library->size - done);
    if (written <= 0) fail(MESSAGE("Cannot start: out of memory for the C library"));
    done += (u64)written;
  }
  descriptors[index] = descriptor;
  char *needed = (char *)library->needed;
  write_number(needed + length(needed), (unsigned)descriptor);
}

#define FIRST_TEXT __attribute__((section(".message"))) static const char
FIRST_TEXT SELF[] = "/proc/self/exe";
FIRST_TEXT WRONG_SIZE[] =
    MESSAGE("Cannot start: this file is damaged, its size is wrong; copy it again");

/* A copy that broke off has the right beginning and too few bytes. */
__attribute__((section(".start"), used, noinline)) static void check_size(void) {
  int self = (int)sys4(SYS_openat, AT_FDCWD, SELF, O_RDONLY | O_CLOEXEC, 0);
  if (self < 0) fail(self == -ENOENT ? NO_PROC : UNREADABLE);
  i64 size = sys3(SYS_lseek, self, 0, SEEK_END);
  sys1(SYS_close, self);
  if (size != (i64)config.file_size) fail(WRONG_SIZE);
}

/* Bun would put /dev/null in the place of a stdout that is closed: nobody would see that. */
static void check_stdout(void) {
  if (sys2(SYS_fcntl, 1, F_GETFD) == -EBADF)
    fail(MESSAGE("Cannot write the output: stdout is closed"));
}

/*
 * Bun ends with status 1 where its directory was deleted, lies outside of its root or
 * has too long a path: for fs-diff that would be an answer.
 */
static void check_directory(void) {
  char path[PATH_SIZE];
  if (sys2(SYS_getcwd, path, PATH_SIZE) < 0 || path[0] != '/')
    fail(MESSAGE(
        "Cannot start: the working directory was deleted or has no path; change to another"));
}

/* Bun is compiled for x86-64-v2: elsewhere it dies of an illegal instruction. */
static void check_processor(void) {
#if defined __x86_64__
  /* Intel SDM volume 2, "CPUID", leaf 1: SSSE3, SSE4.1, SSE4.2 and POPCNT in ecx. */
  enum { NEEDED = 1 << 9 | 1 << 19 | 1 << 20 | 1 << 23 };
  uint32_t eax = 1, ebx, ecx = 0, edx;
  __asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
  if ((ecx & NEEDED) != NEEDED)
    fail(MESSAGE("Cannot start: this processor has no SSE4.2, which came in 2008, or its "
                 "virtual machine hides it (qemu: -cpu host)"));
#endif
}

/* Returns the loader's entry, and where its stack shall be. */
__attribute__((used)) u64 before_loader(u64 *sp, u64 **new_sp) {
  char **arguments = (char **)(sp + 1);
  if (sp[0] > 3 && equal(arguments[0], PROGRAM_STARTER)) start_program(arguments);
  check_stdout();
  check_processor();
  check_directory();
  check_stack();
  heed_children();
  sp = *new_sp = without_variables(sp);
  for (u64 i = 0; i < config.library_count; i++)
    offer((const struct stub_library *)&config.libraries[i], (int)i);
  for (u64 *at = auxiliary_vector(sp); at[0] != AT_NULL; at += 2) {
    if (at[0] == AT_PHDR) at[1] = config.phdr;
    if (at[0] == AT_PHNUM) at[1] = config.phnum;
    if (at[0] == AT_BASE) at[1] = config.loader;
    if (at[0] == AT_ENTRY) at[1] = (u64)stub_loaded;
  }
  return config.loader_entry;
}

/* Returns the program's entry. */
__attribute__((used)) u64 after_loader(u64 *sp) {
  for (u64 i = 0; i < config.library_count; i++) sys1(SYS_close, descriptors[i]);
  for (u64 *at = auxiliary_vector(sp); at[0] != AT_NULL; at += 2)
    if (at[0] == AT_ENTRY) at[1] = config.program_entry;
  return config.program_entry;
}
