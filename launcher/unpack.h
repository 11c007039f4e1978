/*
 * From this file's frames to the in-place form: verified as a whole, then unpacked by two
 * processes.
 *
 * A frame is unpacked into memory of its own, which is written out: large pages make that
 * faster than a mapping of the file, and a lack of room is an error instead of a SIGBUS.
 */
#ifndef UNPACK_H
#define UNPACK_H

#define ZSTD_STATIC_LINKING_ONLY
#define XXH_STATIC_LINKING_ONLY
#include "branches.h"
#include "common/xxhash.h"
#include "payload.h"
#include "place.h"
#include "system.h"
#include "zstd.h"

extern const volatile struct payload payload;

enum {
  LARGE_PAGE = 1 << 21, /* x86_64 and aarch64 with pages of 4 KiB; elsewhere no more than a size */
  MADV_HUGEPAGE = 14,   /* madvise(2) */
};
/* __WALL of wait(2): also for a child that ends without a signal. */
enum { WALL = 0x40000000 };
enum { PR_SET_PDEATHSIG = 1, SIGKILL = 9 }; /* prctl(2), signal(7) */

static const char DAMAGED[] = MESSAGE(
    "Cannot start: this file is damaged, its checksum is wrong; download it again");

/*
 * Its end sends no signal: whoever started us with SIGCHLD ignored would take it from us.
 * It ends with us, or it would hold the lock of a start that was killed.
 */
static i64 fork_process(i64 self) {
  i64 child = sys5(SYS_clone, 0, 0, 0, 0, 0);
  if (child != 0) return child;
  sys2(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (sys1(SYS_getppid, 0) != self) end(1); /* We were killed before that. */
  return 0;
}

static void check_sum(const uint8_t *file) {
  const u64 zero = 0;
  u64 place = offsetof(struct payload, checksum) + ((u64)&payload & 0xfff);
  XXH64_state_t state;
  XXH64_reset(&state, 0);
  XXH64_update(&state, file, place);
  XXH64_update(&state, &zero, sizeof zero);
  XXH64_update(&state, file + place + sizeof zero, payload.file_size - place - sizeof zero);
  if (XXH64_digest(&state) != payload.checksum) fail(DAMAGED);
}

/* With relative branches again, where the frame holds a piece of the code. */
static void restore_code(uint8_t *unpacked, const struct frame *frame) {
  i64 start = (i64)(frame->unpacked_offset - payload.code_offset);
  i64 end = start + (i64)frame->unpacked_size;
  i64 from = start < 0 ? 0 : start;
  i64 to = end > (i64)payload.code_size ? (i64)payload.code_size : end;
  if (from < to) restore_branches(unpacked - start, from, to, (i64)payload.code_size);
}

/* In pieces, each given back when it is written: all is in memory once, not twice. */
static int write_frame(int to, uint8_t *unpacked, const struct frame *frame) {
  for (u64 at = 0; at < frame->unpacked_size;) {
    u64 piece = frame->unpacked_size - at < LARGE_PAGE ? frame->unpacked_size - at : LARGE_PAGE;
    for (u64 done = 0; done < piece;) {
      i64 written = sys4(SYS_pwrite64, to, unpacked + at + done, piece - done,
                         frame->unpacked_offset + at + done);
      if (written <= 0) return 0;
      done += (u64)written;
    }
    sys2(SYS_munmap, unpacked + at, piece);
    at += piece;
  }
  return 1;
}

static uint8_t *large_pages(u64 size) {
  void *memory = map(size + LARGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  if (memory == 0) return 0;
  uint8_t *aligned = (uint8_t *)(((u64)memory + LARGE_PAGE - 1) & -(u64)LARGE_PAGE);
  /* Where there are none, with small ones. */
  sys3(SYS_madvise, aligned, size, MADV_HUGEPAGE);
  return aligned;
}

static int unpack_frame(const uint8_t *file, int to, const struct frame *frame) {
  size_t size = ZSTD_estimateDCtxSize();
  void *memory = map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  ZSTD_DCtx *context = memory == 0 ? 0 : ZSTD_initStaticDCtx(memory, size);
  uint8_t *unpacked = large_pages(frame->unpacked_size);
  if (context == 0 || unpacked == 0) return 0;
  size_t written = ZSTD_decompressDCtx(context, unpacked, frame->unpacked_size,
                                       file + frame->offset, frame->size);
  if (written != frame->unpacked_size) return 0;
  restore_code(unpacked, frame);
  return write_frame(to, unpacked, frame);
}

static int unpack_others(const uint8_t *file, int to) {
  const struct frame *frames = (const struct frame *)payload.frames;
  int good = 1;
  for (u64 i = 1; i < payload.frame_count; i++) good &= unpack_frame(file, to, &frames[i]);
  return good;
}

/*
 * Unpacks the first frame here, and meanwhile the others in one other process: with more
 * of them, the first, which takes longest, would have less than a processor. What is
 * verified is not damaged: where one fails, memory or room were short or somebody killed it.
 */
static int unpack_frames(const uint8_t *file, int to) {
  i64 child = fork_process(sys1(SYS_getpid, 0));
  if (child == 0) end(unpack_others(file, to) ? 0 : 1);
  int good = unpack_frame(file, to, (const struct frame *)payload.frames);
  if (child < 0) return good & unpack_others(file, to);
  int status = 0;
  return good & (sys4(SYS_wait4, child, &status, WALL, 0) == child && status == 0);
}

/* Writes the in-place form to the file. 0 where room or memory are short; ends on damage. */
static int unpack(int self, int to) {
  const uint8_t *file = map(payload.file_size, PROT_READ, MAP_PRIVATE, self);
  if (file == 0) return 0;
  /* Before any of the payload's other numbers is believed. */
  check_sum(file);
  int good = has_room(to, payload.unpacked_size) && unpack_frames(file, to);
  sys2(SYS_munmap, file, payload.file_size);
  return good;
}

#endif
