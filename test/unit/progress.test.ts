import { expect, test } from "bun:test";
import { join } from "node:path";
import { CopyProgress } from "../../lib/copy/progress.ts";
import type { CopyAction } from "../../lib/plans/copy.ts";

const GIB = 1024 ** 3;
const PROGRESS = join(import.meta.dir, "../../lib/host/progress.ts");
const STEPS = `
  import { Progress } from ${JSON.stringify(PROGRESS)};
  using progress = new Progress("steps", process.env.WANTED === "yes");
  for (const end = performance.now() + 1300; performance.now() < end; ) progress.step();
  // However late this is: the clock is looked at once more.
  for (let more = 0; more < 1000; more++) progress.step();
`;

test("Progress shows on a terminal after a second, and wipes its line", () => {
  const screen = onTerminal("yes");
  expect(screen).toMatch(/^\r\x1b\[K[\d,]+ steps\r/);
  expect(screen).toEndWith("\r\x1b[K");
});

test("Progress says nothing where it isn't wanted, nor where no terminal is", () => {
  expect(onTerminal("no")).toBe("");
  const child = Bun.spawnSync([process.execPath, "-e", STEPS], { env: { WANTED: "yes" } });
  expect(child.stderr.toString()).toBe("");
});

test("CopyProgress tells paths and bytes, and the time left once that is no guess", () => {
  const files = [1, 3].map((size) => copyOf(size * GIB));
  const progress = new CopyProgress(files, 0);
  expect(progress.text(1999)).toBe("0 of 2 paths, 0 bytes of 4 GiB");
  progress.add(files[0]!);
  expect(progress.text(1999)).toBe("1 of 2 paths, 1 GiB of 4 GiB");
  expect(progress.text(10_000)).toBe("1 of 2 paths, 1 GiB of 4 GiB, 30 s left");
  progress.addBytes(GIB);
  expect(progress.text(65_000)).toBe("1 of 2 paths, 2 GiB of 4 GiB, 1:05 min left");
  // A file that grows meanwhile is no more than all there is.
  progress.addBytes(9 * GIB);
  expect(progress.text(70_000)).toStartWith("1 of 2 paths, 4 GiB of 4 GiB");
});

function copyOf(sizeBytes: number): CopyAction {
  const path = Buffer.from("/f");
  const times = { atimeNs: 0n, mtimeNs: 0n, ctimeNs: 0n };
  const identity = { device: 1n, inode: 1n, links: 1, rdev: 0n, uid: 0, gid: 0, mode: 0o644 };
  const flags = { isImmutable: false, isAppendOnly: false };
  const status = { type: "file", sizeBytes, ...times, ...identity, ...flags } as const;
  const others = { linkTo: undefined, linkCopy: undefined, replaces: undefined };
  return { kind: "copy-file", path, status, ...others };
}

function onTerminal(wanted: string): string {
  const env = { ...process.env, WANTED: wanted, STEPS };
  const command = `'${process.execPath}' -e "$STEPS"`;
  const argv = ["script", "--quiet", "--return", "--command", command, "/dev/null"];
  const child = Bun.spawnSync(argv, { env, stdin: "ignore" });
  return child.stdout.toString();
}
