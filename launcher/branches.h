/*
 * Branches of machine code, from absolute back to relative targets.
 *
 * A function that is called from a hundred places is a hundred different relative
 * offsets, and one absolute address: the packer (tools/build/branches.ts) makes them
 * absolute, which saves 5 % of the compressed file, and this is its inverse.
 *
 * from and to are offsets in the code, of which there are size bytes at code; each
 * call undoes one piece, and no instruction is taken that crosses its ends.
 */
#ifndef BRANCHES_H
#define BRANCHES_H

#include <stdint.h>

#if defined __x86_64__
enum { CALL = 0xe8 }; /* and 0xe9, jmp: Intel SDM volume 2, "CALL", "JMP"; rel32 follows */

/* Whether none of the eight bytes is 0xe8 or 0xe9: no byte of x is zero after the xor. */
static inline int has_none(uint64_t word) {
  uint64_t x = (word & 0xfefefefefefefefe) ^ 0xe8e8e8e8e8e8e8e8;
  return ((x - 0x0101010101010101) & ~x & 0x8080808080808080) == 0;
}

static void restore_branches(uint8_t *code, int64_t from, int64_t to, int64_t size) {
  for (int64_t at = from; at + 5 <= to;) {
    uint64_t word;
    while (at + 8 <= to && (__builtin_memcpy(&word, code + at, 8), has_none(word))) at += 8;
    if (at + 5 > to) break;
    if ((code[at] & 0xfe) != CALL) {
      at++;
      continue;
    }
    int32_t target;
    __builtin_memcpy(&target, code + at + 1, 4);
    /* Only what points into the code was changed; what would else collide went below. */
    if (target >= 0 && target < size) target -= (int32_t)at;
    else if (target < 0 && target >= -at) target += (int32_t)size;
    __builtin_memcpy(code + at + 1, &target, 4);
    at += 5;
  }
}
#elif defined __aarch64__
/* BL: Arm ARM C6.2, bits 31 to 26 are 100101, the rest counts words. */
enum { BL = 0x25, TARGET_MASK = 0x3ffffff };

static void restore_branches(uint8_t *code, int64_t from, int64_t to, int64_t size) {
  (void)size;
  for (int64_t at = (from + 3) & ~3; at + 4 <= to; at += 4) {
    uint32_t word;
    __builtin_memcpy(&word, code + at, 4);
    if (word >> 26 != BL) continue;
    word = (uint32_t)BL << 26 | ((word - (uint32_t)(at >> 2)) & TARGET_MASK);
    __builtin_memcpy(code + at, &word, 4);
  }
}
#endif

#endif
