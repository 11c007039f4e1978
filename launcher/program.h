/*
 * How a program of others is started: with the environment that our caller gave us.
 *
 * Bun hands variables on as text: it alters what is no UTF-8, and keeps one of each name.
 * So lib/host/environment.ts has it start this file anew, as
 *
 *     PROGRAM_STARTER DESCRIPTOR PROGRAM ARGV0 ARGUMENT...
 *
 * where the descriptor is open at our own /proc/self/environ (proc(5): each variable,
 * NUL-ended). Before anything else starts, the program takes the place of this process,
 * with LC_ALL=C and all other variables byte for byte.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "system.h"

#define PROGRAM_STARTER "blankroot: start"
/* More than the kernel lets in: three quarters of 8 MiB (execve(2), "Limits on size"). */
enum { ENVIRONMENT_MAX = 8 << 20 };

static int number_of(const char *text) {
  int number = 0;
  while (*text >= '0' && *text <= '9') number = number * 10 + (*text++ - '0');
  return number;
}

static u64 read_environment(int file, char *to) {
  u64 size = 0;
  i64 got;
  while ((got = sys4(SYS_pread64, file, to + size, ENVIRONMENT_MAX - size, size)) > 0)
    size += (u64)got;
  if (got < 0) fail(MESSAGE("Cannot start a program: the environment can't be read"));
  return size;
}

static char **list_environment(char *text, u64 size) {
  u64 count = 0;
  for (u64 i = 0; i < size; i++) count += text[i] == 0;
  char **list = map((count + 2) * sizeof *list, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS, -1);
  if (list == 0) fail(MESSAGE("Cannot start a program: out of memory"));
  char **next = list;
  for (u64 at = 0; at < size; at += length(text + at) + 1)
    if (!starts(text + at, "LC_ALL=")) *next++ = text + at;
  *next++ = "LC_ALL=C";
  *next = 0;
  return list;
}

/* execve(2) */
static const char *why_not(i64 result) {
  switch (-result) {
    case ENOENT: return MESSAGE("Cannot start a program: it, or what interprets it, is missing");
    case EACCES: return MESSAGE("Cannot start a program: it may not be executed");
    case ENOEXEC: return MESSAGE("Cannot start a program: it is no program of this machine");
    case E2BIG: return MESSAGE("Cannot start a program: arguments and environment are too long");
    default: return MESSAGE("Cannot start a program: it can't be executed");
  }
}

__attribute__((noreturn)) static void start_program(char **arguments) {
  int file = number_of(arguments[1]);
  /* One byte more, zero, ends the last variable whatever happens. */
  char *text =
      map(ENVIRONMENT_MAX + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  if (text == 0) fail(MESSAGE("Cannot start a program: out of memory"));
  char **environment = list_environment(text, read_environment(file, text));
  sys1(SYS_close, file);
  fail(why_not(sys3(SYS_execve, arguments[2], arguments + 3, environment)));
}

#endif
