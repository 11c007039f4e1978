/*
 * Places that machine code names, from absolute back to relative.
 *
 * A function that is called from a hundred places is a hundred different relative
 * offsets, and one absolute address; so is a constant that is read. The packer
 * (tools/build/branches.ts) makes them absolute, which saves 6 % of the compressed file,
 * and this is its inverse.
 *
 * from and to are offsets in the code, of which there are size bytes at code; each
 * call undoes one piece, and no instruction is taken that crosses its ends.
 */
#ifndef BRANCHES_H
#define BRANCHES_H

#include <stdint.h>

#if defined __x86_64__
/*
 * Intel SDM volume 2: 0xe8 and 0xe9 are CALL and JMP; a ModRM byte with mod 00 and rm 101
 * means an address relative to the instruction (2.2.1.6). Behind both, 32 bits follow.
 */
static int is_jump(uint8_t byte) { return (byte & 0xfe) == 0xe8; }
static int is_relative(uint8_t byte) { return (byte & 0xc7) == 0x05; }

/* The first of eight bytes that is_jump or is_relative holds for; 8 for none. */
static int first_of(uint64_t word) {
  uint64_t jump = (word & 0xfefefefefefefefe) ^ 0xe8e8e8e8e8e8e8e8;
  uint64_t relative = (word & 0xc7c7c7c7c7c7c7c7) ^ 0x0505050505050505;
  /* The lowest high bit that is set stands over the lowest byte of zero. */
  uint64_t zeros = ((jump - 0x0101010101010101) & ~jump) | ((relative - 0x0101010101010101) & ~relative);
  zeros &= 0x8080808080808080;
  return zeros == 0 ? 8 : __builtin_ctzll(zeros) / 8;
}

/* Whether the bytes before a ModRM byte are an opcode that often has such an address. */
static int has_address(const uint8_t *modrm) {
  switch (modrm[-1]) {
    case 0x80: case 0x83: case 0x89: case 0x8b: case 0x8d: case 0xc6: case 0xc7:
      return 1; /* arithmetic, MOV, LEA */
    case 0xff:
      return *modrm == 0x15 || *modrm == 0x25 || *modrm == 0x35; /* CALL, JMP, PUSH */
  }
  if (modrm[-2] != 0x0f) return 0;
  switch (modrm[-1]) {
    case 0x10: case 0x11: case 0x12: case 0x16: case 0x28: case 0x29: case 0x2e: case 0x2f:
    case 0x54: case 0x57: case 0x58: case 0x59: case 0x5c: case 0x5e: case 0x6e: case 0x6f:
    case 0x7e: case 0x7f: case 0xb6: case 0xb7: case 0xdb: case 0xeb: case 0xef:
      return 1; /* SSE, MOVZX */
  }
  return 0;
}

static void restore_branches(uint8_t *code, int64_t from, int64_t to, int64_t size) {
  int64_t behind = from; /* of what was restored last: an opcode doesn't lie in it */
  for (int64_t at = from; at + 5 <= to;) {
    uint64_t word;
    if (at + 8 <= to) {
      __builtin_memcpy(&word, code + at, 8);
      int skipped = first_of(word);
      at += skipped;
      if (skipped == 8) continue;
      if (at + 5 > to) break;
    }
    int32_t target;
    __builtin_memcpy(&target, code + at + 1, 4);
    if (is_jump(code[at])) {
      /* Only what points into the code was changed; what would else collide went below. */
      if (target >= 0 && target < size) target -= (int32_t)at;
      else if (target < 0 && target >= -at) target += (int32_t)size;
    } else if (is_relative(code[at]) && at - 2 >= behind && has_address(code + at)) {
      target = (int32_t)((uint32_t)target - (uint32_t)at);
    } else {
      at++;
      continue;
    }
    __builtin_memcpy(code + at + 1, &target, 4);
    behind = at += 5;
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
