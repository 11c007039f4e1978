/*
 * From this file's frames to the in-place form: verified as a whole, unpacked by one
 * process a frame, each with its checksum.
 */
#ifndef UNPACK_H
#define UNPACK_H

#define ZSTD_STATIC_LINKING_ONLY
#define XXH_STATIC_LINKING_ONLY
#include "branches.h"
#include "common/xxhash.h"
#include "payload.h"
#include "system.h"
#include "zstd.h"

extern const volatile struct payload payload;

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

/* The piece of the code that lies in the frame, with relative branches again. */
static void restore_code(uint8_t *unpacked, const struct frame *frame) {
  i64 from = (i64)(frame->unpacked_offset - payload.code_offset);
  i64 to = from + (i64)frame->unpacked_size;
  if (from < 0) from = 0;
  if (to > (i64)payload.code_size) to = (i64)payload.code_size;
  if (from < to) restore_branches(unpacked + payload.code_offset, from, to, (i64)payload.code_size);
}

static int unpack_frame(const uint8_t *file, uint8_t *unpacked, const struct frame *frame) {
  size_t size = ZSTD_estimateDCtxSize();
  void *memory = map(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
  ZSTD_DCtx *context = memory == 0 ? 0 : ZSTD_initStaticDCtx(memory, size);
  if (context == 0) return 0;
  size_t written = ZSTD_decompressDCtx(context, unpacked + frame->unpacked_offset,
                                       frame->unpacked_size, file + frame->offset, frame->size);
  if (written != frame->unpacked_size) return 0;
  restore_code(unpacked, frame);
  return 1;
}

/*
 * Unpacks all frames at once: the first here, each other in a process of its own. What is
 * verified is not damaged: where one fails, its memory was short or somebody killed it.
 */
static int unpack_frames(const uint8_t *file, uint8_t *unpacked) {
  const struct frame *frames = (const struct frame *)payload.frames;
  i64 children[FRAMES_MAX];
  i64 self = sys1(SYS_getpid, 0);
  int good = 1;
  for (u64 i = 1; i < payload.frame_count; i++) {
    children[i] = fork_process(self);
    if (children[i] == 0) end(unpack_frame(file, unpacked, &frames[i]) ? 0 : 1);
    if (children[i] < 0) good &= unpack_frame(file, unpacked, &frames[i]);
  }
  good &= unpack_frame(file, unpacked, &frames[0]);
  for (u64 i = 1; i < payload.frame_count; i++) {
    int status = 0;
    if (children[i] < 0) continue;
    good &= sys4(SYS_wait4, children[i], &status, WALL, 0) == children[i] && status == 0;
  }
  return good;
}

/* Writes the in-place form to the file. 0 where room or memory are short; ends on damage. */
static int unpack(int self, int to) {
  const uint8_t *file = map(payload.file_size, PROT_READ, MAP_PRIVATE, self);
  if (file == 0) return 0;
  /* Before any of the payload's other numbers is believed. */
  check_sum(file);
  int good = 0;
  /* Room first: without it, writing to the mapping would be a SIGBUS. */
  if (sys4(SYS_fallocate, to, 0, 0, payload.unpacked_size) == 0) {
    uint8_t *unpacked = map(payload.unpacked_size, PROT_READ | PROT_WRITE, MAP_SHARED, to);
    good = unpacked != 0 && unpack_frames(file, unpacked);
    if (unpacked != 0) sys2(SYS_munmap, unpacked, payload.unpacked_size);
  }
  sys2(SYS_munmap, file, payload.file_size);
  return good;
}

#endif
