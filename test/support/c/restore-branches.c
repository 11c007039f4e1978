/*
 * Undoes the packer's change of branches, as the launcher does: from stdin to stdout.
 * Its arguments are the ends of the pieces, as offsets in the code.
 */
#include <stdio.h>
#include <stdlib.h>

#include "branches.h"

enum { CODE_MAX = 1 << 24 };

int main(int count, char **arguments) {
  uint8_t *code = malloc(CODE_MAX);
  if (code == NULL) return 1;
  long size = (long)fread(code, 1, CODE_MAX, stdin);
  long from = 0;
  for (int i = 1; i < count; i++) {
    long to = atol(arguments[i]);
    restore_branches(code, from, to, size);
    from = to;
  }
  return fwrite(code, 1, (size_t)size, stdout) == (size_t)size ? 0 : 1;
}
