/* zstd asks for memory only where it is given none: the launcher gives it all it needs. */
#ifndef STDLIB_H
#define STDLIB_H

#include <stddef.h>

static inline void *malloc(size_t size) {
  (void)size;
  return NULL;
}
static inline void *calloc(size_t count, size_t size) {
  (void)count, (void)size;
  return NULL;
}
static inline void free(void *memory) { (void)memory; }

#endif
