import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { MAIN } from "../support/blankroot.ts";
import { CopyMachine } from "../support/copies.ts";
import { makeBtrfs, mountAt, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";

const MIB = 1024 ** 2;
const PRELOAD = join(import.meta.dir, "../support/struck-libc.ts");
/** Between two pieces of the large file, so that there is something to be shown, and a rate. */
const SLOW = { call: "pwrite", nth: 40, when: "before", shell: "sleep 2.2" } as const;

describePrivileged("persist-copy on a terminal", () => {
  test("shows bytes and time left while it copies, and wipes that before it says what it did", () => {
    using m = new CopyMachine(512 * MIB);
    const other = mountAt(m.scratch, "other", makeBtrfs(m.scratch, "other-disk", 256 * MIB));
    writeFileSync(`${m.root}/large`, Buffer.alloc(100 * MIB, 1));
    const screen = (...flags: string[]) => {
      const words = ["persist-copy", "--root", m.root, "--persist", other, ...flags, "/large"];
      const argv = [process.execPath, "--preload", PRELOAD, MAIN, ...words];
      const command = argv.map((word) => `'${word}'`).join(" ");
      const terminal = ["script", "--quiet", "--return", "--command", command, "/dev/null"];
      return sh(terminal, { env: { STRIKE: JSON.stringify(SLOW) } });
    };
    const shown = screen();
    expect(shown).toMatch(/\r\x1b\[K0 of 1 paths, 48 MiB of 100 MiB, \d s left\r\x1b\[K/);
    expect(shown).toContain("1 file copied");
    sh(["rm", `${other}/large`]);
    // The control: the same wait, and nobody who wants to see it.
    expect(screen("--quiet")).not.toContain("left");
  });
});
