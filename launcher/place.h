/*
 * Where the in-place form is put: a directory of the caller's own, or a memory file.
 *
 * Every answer is about a descriptor, not about a path that could be swapped after the
 * question. What is not as it ought to be is no error here: there is a next place.
 */
#ifndef PLACE_H
#define PLACE_H

#include "system.h"

static const char PLACE_NAME[] = "blankroot-unpacked";
static const char FILE_PREFIX[] = "blankroot-";
enum {
  PATH_SIZE = 128,
  LOCK_TRIES = 6000, LOCK_PAUSE_NS = 5000000, /* 30 s in all */
};

enum {
  O_PATH = 010000000, AT_SYMLINK_FOLLOW = 0x400, AT_EMPTY_PATH = 0x1000, /* openat(2) */
  LOCK_EX = 2, LOCK_NB = 4,                          /* flock(2) */
  ST_NOEXEC = 8,                                     /* statfs(2) */
  S_IFMT = 0170000, S_IFDIR = 0040000, S_IFREG = 0100000, S_IWGRP_IWOTH = 022, /* inode(7) */
};

/* stat(2): arch/x86/include/uapi/asm/stat.h, asm-generic/stat.h */
struct status {
#if defined __x86_64__
  u64 dev, ino, nlink;
  uint32_t mode, uid, gid, pad;
  u64 rdev;
#else
  u64 dev, ino;
  uint32_t mode, nlink, uid, gid;
  u64 rdev, pad;
#endif
  i64 size;
  u64 rest[12];
};

/* statfs(2): asm-generic/statfs.h, where each field has eight bytes */
struct file_system {
  u64 type, bsize, blocks, bfree, bavail, files, ffree, fsid, namelen, frsize, flags, spare[4];
};

/* getdents(2), linux_dirent64 */
struct entry {
  u64 ino, offset;
  uint16_t length;
  uint8_t type;
  char name[];
} __attribute__((packed));

struct cache {
  int directory;
  uint32_t user;
  u64 size;             /* of the unpacked file */
  const char *id;       /* its name */
  char path[PATH_SIZE]; /* and all of it */
};

static char *append(char *to, const char *text) {
  while (*text != 0) *to++ = *text++;
  *to = 0;
  return to;
}

static char *append_number(char *to, u64 number) {
  char digits[20];
  int count = 0;
  do digits[count++] = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  while (count > 0) *to++ = digits[--count];
  *to = 0;
  return to;
}

static int open_directory(int at, const char *path) {
  return (int)sys4(SYS_openat, at, path, O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
}

/* Whether it is the user's, and has none of the forbidden bits of a mode. */
static int is_own(int directory, uint32_t user, uint32_t forbidden) {
  struct status status;
  return sys2(SYS_fstat, directory, &status) == 0 && status.uid == user &&
         (status.mode & forbidden) == 0;
}

static int can_execute_in(int directory) {
  struct file_system fs;
  return sys2(SYS_fstatfs, directory, &fs) == 0 && (fs.flags & ST_NOEXEC) == 0;
}

/* Asked before the work, not instead of looking at each write: others write there too. */
static int has_room(int file, u64 size) {
  struct file_system fs;
  return sys2(SYS_fstatfs, file, &fs) == 0 && (fs.blocks == 0 || fs.bavail >= size / fs.bsize);
}

/* Opens the caller's directory, made if need be. 0 where there is no place for one. */
static int open_cache(struct cache *cache, const char *id, u64 size) {
  cache->user = (uint32_t)sys1(SYS_geteuid, 0);
  cache->id = id;
  cache->size = size;
  char *end = append(cache->path, "/run");
  if (cache->user != 0) end = append_number(append(end, "/user/"), cache->user);
  int above = open_directory(AT_FDCWD, cache->path);
  if (above < 0) return 0;
  cache->directory = -1;
  if (is_own(above, cache->user, S_IWGRP_IWOTH) && can_execute_in(above)) {
    sys3(SYS_mkdirat, above, PLACE_NAME, 0700);
    cache->directory = open_directory(above, PLACE_NAME);
  }
  sys1(SYS_close, above);
  if (cache->directory < 0) return 0;
  append(append(append(append(end, "/"), PLACE_NAME), "/"), id);
  /* Mounted over, or somebody else's: no place. */
  if (is_own(cache->directory, cache->user, 077) && can_execute_in(cache->directory)) return 1;
  sys1(SYS_close, cache->directory);
  return 0;
}

static int is_unpacked(const struct cache *cache) {
  /* O_PATH: whatever has its name is looked at, not opened. */
  int file = (int)sys4(SYS_openat, cache->directory, cache->id, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
  if (file < 0) return 0;
  struct status status;
  int good = sys2(SYS_fstat, file, &status) == 0 && status.mode == (S_IFREG | 0500) &&
             status.uid == cache->user && status.size == (i64)cache->size;
  sys1(SYS_close, file);
  return good;
}

/* Waits until the others have unpacked; not for ever, for one of them may be stopped. */
static int lock(const struct cache *cache) {
  const i64 pause[2] = {0, LOCK_PAUSE_NS};
  for (int tries = 0; tries < LOCK_TRIES; tries++) {
    i64 result = sys2(SYS_flock, cache->directory, LOCK_EX | LOCK_NB);
    if (result == 0) return 1;
    if (result != -EAGAIN) return 0;
    sys2(SYS_nanosleep, pause, 0);
  }
  return 0;
}

/* A file that goes with its descriptor: a kill leaves nothing behind. */
static int nameless_file(const struct cache *cache) {
  return (int)sys4(SYS_openat, cache->directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static int memory_file(void) {
  i64 file = sys2(SYS_memfd_create, "blankroot", MFD_CLOEXEC | MFD_EXEC);
  if (file == -EINVAL) file = sys2(SYS_memfd_create, "blankroot", MFD_CLOEXEC); /* before 6.3 */
  return (int)file;
}

/* The file opened anew, mode 0500, for what is open to be written can't be executed. */
static int read_only(int file) {
  char path[PATH_SIZE];
  append_number(append(path, "/proc/self/fd/"), (u64)file);
  sys2(SYS_fchmod, file, 0500);
  int again = (int)sys4(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0);
  sys1(SYS_close, file);
  return again;
}

/*
 * Links the nameless file to its name, in the place of one that is not as it ought to be.
 * Synced before, which is nothing in memory, and should /run be on a disk, keeps a lost
 * power from leaving a file of the right size without its content.
 */
static int give_name(const struct cache *cache, int file) {
  if (sys1(SYS_fsync, file) != 0) return 0;
  file = read_only(file);
  if (file < 0) return 0;
  char path[PATH_SIZE];
  append_number(append(path, "/proc/self/fd/"), (u64)file);
  sys3(SYS_unlinkat, cache->directory, cache->id, 0);
  i64 result = sys5(SYS_linkat, AT_FDCWD, path, cache->directory, cache->id, AT_SYMLINK_FOLLOW);
  sys1(SYS_close, file);
  return result == 0;
}

/* Other versions' files: 110 MiB of memory each. Who runs one keeps it by its descriptor. */
static void remove_others(const struct cache *cache) {
  char buffer[4096];
  int listing = open_directory(cache->directory, ".");
  for (i64 size; (size = sys3(SYS_getdents64, listing, buffer, sizeof buffer)) > 0;)
    for (i64 at = 0; at < size;) {
      const struct entry *entry = (const struct entry *)(buffer + at);
      if (starts(entry->name, FILE_PREFIX) && !equal(entry->name, cache->id))
        sys3(SYS_unlinkat, cache->directory, entry->name, 0);
      at += entry->length;
    }
  sys1(SYS_close, listing);
}

#endif
