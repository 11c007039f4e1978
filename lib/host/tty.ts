/** Whether a descriptor is a terminal: isatty(3). node:tty brings the network along, which takes 2 ms. */
import { libc, ptr } from "./libc.ts";

/** Of asm-generic/ioctls.h; fails on all that is no terminal. */
const TCGETS = 0x5401;
/** struct termios of the kernel has 36 bytes on x86-64 and aarch64. */
const TERMIOS_BYTES = 64;

export function isatty(fd: number): boolean {
  const termios = new Uint8Array(new ArrayBuffer(TERMIOS_BYTES));
  return libc().ioctl(fd, TCGETS, ptr(termios)) !== -1;
}
