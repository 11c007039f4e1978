/** A damaged disk: what is read of it is no more what was written. */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";

/** Changes the first byte of each place of a disk, which is no mounted one's, that holds the content. */
export function spoil(device: string, content: string | Uint8Array): void {
  const disk = readFileSync(device);
  const fd = openSync(device, "r+");
  let places = 0;
  for (let at = disk.indexOf(content); at !== -1; at = disk.indexOf(content, at + 1)) {
    writeSync(fd, Buffer.alloc(1), 0, 1, at);
    places++;
  }
  closeSync(fd);
  if (places === 0) throw new Error(`${device} doesn't hold the content`);
}
