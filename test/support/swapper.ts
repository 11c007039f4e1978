/**
 * A user who owns a directory and plays with it as fast as the kernel allows: names
 * swapped for symbolic links, hard links, fifos and other directories, and back.
 *
 *     bun swapper.ts HOME OUTSIDE
 *
 * Every name in HOME is that of a file or of a directory with a file in it. It prints
 * how often it swapped, when it is told to end.
 */
import {
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";

const [home, outside] = process.argv.slice(2) as [string, string];
const aside = `${home}/aside`;
let rounds = 0;
process.on("SIGTERM", () => {
  console.log(rounds);
  process.exit(0);
});

/** Each puts something else where a name was, which is kept aside. */
const SWAPS: Array<(path: string, name: string) => void> = [
  (path) => symlinkSync(`${outside}/secret`, path),
  (path) => symlinkSync(outside, path),
  (path) => linkSync(`${home}/other`, path),
  (path) => mkdirSync(path),
  (path) => symlinkSync("../../../../../../../../etc/shadow", path),
  (path) => writeFileSync(path, "mine"),
  (path) => Bun.spawnSync(["mkfifo", path]),
];

writeFileSync(`${home}/other`, "mine");
const names = readdirSync(home).filter((name) => /^\d+$/.test(name));
for (;;) {
  const name = names[rounds % names.length]!;
  // A fifo takes a process, and is tried now and then.
  const kinds = rounds % 50 === 0 ? SWAPS.length : SWAPS.length - 1;
  try {
    renameSync(`${home}/${name}`, aside);
    SWAPS[(rounds * 7 + Math.floor(rounds / names.length)) % kinds]!(`${home}/${name}`, name);
    rmSync(`${home}/${name}`, { recursive: true });
    renameSync(aside, `${home}/${name}`);
  } catch (error) {
    // What root puts there meanwhile is in our way: all is put right, and tried again.
    const { code } = error as NodeJS.ErrnoException;
    if (!["EEXIST", "ENOENT", "ENOTEMPTY", "EACCES", "EPERM"].includes(code ?? "")) throw error;
  }
  // Signals are heard.
  if (++rounds % 64 === 0) await Bun.sleep(0);
}
