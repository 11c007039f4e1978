/* The four functions that a compiler may call without being asked (GCC manual, Standards). */
#include <stddef.h>
#include <stdint.h>

#include "string.h"

void *memcpy(void *to, const void *from, size_t size) {
#if defined __x86_64__
  void *at = to;
  __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
#else
  uint8_t *at = to;
  const uint8_t *source = from;
  for (; size >= 16; size -= 16, at += 16, source += 16) {
    typedef struct { uint64_t low, high; } __attribute__((packed)) pair;
    *(pair *)at = *(const pair *)source;
  }
  while (size-- > 0) *at++ = *source++;
#endif
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  uint8_t *target = to;
  const uint8_t *source = from;
  if ((uintptr_t)target - (uintptr_t)source >= size) return memcpy(to, from, size);
  while (size-- > 0) target[size] = source[size];
  return to;
}

void *memset(void *to, int byte, size_t size) {
#if defined __x86_64__
  void *at = to;
  __asm__ volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(byte) : "memory");
#else
  uint8_t *at = to;
  while (size-- > 0) *at++ = (uint8_t)byte;
#endif
  return to;
}

int memcmp(const void *a, const void *b, size_t size) {
  const uint8_t *left = a, *right = b;
  for (; size > 0; size--, left++, right++)
    if (*left != *right) return *left - *right;
  return 0;
}
