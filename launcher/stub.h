/*
 * What the packer (tools/build/in-place.ts) tells the stub. Little-endian, each
 * field eight bytes, addresses as mapped.
 */
#ifndef STUB_H
#define STUB_H

#include <stdint.h>

#define STUB_MAGIC "blankroot stub 1"
enum { LIBRARIES_MAX = 8 };

struct stub_library {
  uint64_t bytes;  /* where its content is */
  uint64_t size;   /* of that */
  uint64_t needed; /* the string "/proc/self/fd/" with room for a number behind it */
  uint64_t name;   /* of the memory file, for who looks at /proc/PID/maps */
};

struct stub_config {
  char magic[16];
  uint64_t file_size;      /* of the whole executable */
  uint64_t phdr, phnum;    /* the program's own table, for the loader */
  uint64_t loader;         /* load address of the loader */
  uint64_t loader_entry;
  uint64_t program_entry;
  uint64_t library_count;
  struct stub_library libraries[LIBRARIES_MAX];
};

#endif
