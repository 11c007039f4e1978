/*
 * What the packer (tools/build/compressed.ts) tells the launcher. Little-endian; it
 * stands in the first page of the file, so that a broken download still says how long
 * it ought to be.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#define PAYLOAD_MAGIC "blankroot frames"
enum { FRAMES_MAX = 8, ID_SIZE = 40 };

/* A piece of the in-place form, as one Zstandard frame (RFC 8878); the file has the checksum. */
struct frame {
  uint64_t offset, size;                   /* in this file */
  uint64_t unpacked_offset, unpacked_size; /* in the in-place form */
};

struct payload {
  char magic[16];
  uint64_t file_size;
  uint64_t checksum; /* XXH64, seed 0, of the whole file with this field zero */
  char id[ID_SIZE];  /* the name of the unpacked file: told by its content, NUL-ended */
  uint64_t unpacked_size;
  uint64_t code_offset, code_size; /* of the in-place form: where branches.h applies */
  uint64_t frame_count;            /* the largest first */
  struct frame frames[FRAMES_MAX];
};

#endif
