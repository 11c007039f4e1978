/** The executable for aarch64 says what the one for x86-64 says, of the very same disk. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { basename } from "node:path";
import { inDirectory, makeSnapshot } from "../support/diff.ts";
import { attachLoop, detachLoop, makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { emulate, emulatorOf } from "../support/emulated.ts";
import { builtExecutable } from "../support/executable.ts";
import { type GuestParts, guestParts } from "../support/guest.ts";
import { describeUnless, missingPrivilege, missingProgram } from "../support/privileged.ts";

const SIZE_BYTES = 256 * 1024 ** 2;
const FILES = 4000;
const VERSION = /^blankroot \d\S* \([0-9a-f]+\+?\)\n$/;

/** What the base and the root have; run by any sh. */
const BEFORE = `
  mkdir -p etc var/log tree swapped
  for n in 1 2 3 4 5 6; do echo $n >etc/$n; touch -d '2001-02-03 04:05:06' etc/$n; done
  head -c 300000 /dev/zero >var/log/big; touch -d '2001-02-03 04:05:06' var/log/big
  ln etc/1 etc/1-too; ln -s 1 etc/link; mknod node c 1 3; mkfifo pipe; touch tree/a tree/b swap
`;
const AFTER = `
  echo more >>etc/2; chmod 600 etc/3; chown 1:1 etc/4; touch -d '1999-01-01 00:00:00' etc/6
  ln etc/1 another; ln -snf 2 etc/link; rm node; mknod node c 300 70000; rm -r tree swap
  mkdir swap; touch swap/in; rmdir swapped; echo >swapped; mkdir new new/deep new.d; touch new-x
  touch "new/$(printf 'a\\nb')" "new/$(printf '\\377\\303\\244')" new/deep/er; chmod 4711 new-x
`;
const COPIED = `
  mkdir -p copied/inner; echo text >copied/inner/file; ln copied/inner/file copied/hard
  ln -s nowhere copied/link; mkfifo copied/pipe; mknod copied/node b 259 70000
  truncate -s 100M copied/sparse; echo end >>copied/sparse; chmod 2750 copied/inner
  chown 1000:100 copied/inner/file; touch -d '1969-07-20 20:17:40' copied/inner
  setfattr -n user.name -v value copied/hard; setfacl -m u:7:r copied/hard
`;

interface Answer {
  readonly status: number;
  readonly stdout: string;
}

const COMPILERS = ["gcc", "aarch64-linux-gnu-gcc"];
const TOOLS = ["rsync", "setfacl", "setfattr"];
const needed =
  missingPrivilege() ?? missingProgram([emulatorOf("aarch64"), ...COMPILERS, ...TOOLS]);
const parts = needed ?? guestParts("aarch64");

describeUnless(
  typeof parts === "string" ? parts : undefined,
  "the executable for aarch64, booted,",
  () => {
    const scratch = new Scratch();
    const here = new Map<string, Answer>();
    let there = new Map<string, Answer>();
    let said = "";
    let disk = "";

    /** Words by the name of what they ask; root, base and folder are shell variables. */
    const questions: Record<string, string> = {
      "every change": "--root $root --base $base --status -0",
      "every change as JSON": "--root $root --base $base --json",
      "the sums": "--root $root --base $base --stat",
      "a tree": "--root $root --base $base --tree",
      "one directory": "--root $root --base $base --status -0 /etc",
      "a walk of files": "--root $folder/root --base $folder/base --status -0",
    };

    beforeAll(() => {
      const device = makeBtrfs(scratch, "disk", SIZE_BYTES);
      const top = mountAt(scratch, "top", device);
      const { root, base } = makeSnapshot(top, "kinds", BEFORE);
      inDirectory(root, `${AFTER}${COPIED}\nmkdir many; seq -f many/%g ${FILES} | xargs touch`);
      sh(["btrfs", "--quiet", "subvolume", "create", `${top}/persist`]);
      sh(["sync", "--file-system", top]);
      const folder = scratch.mkdir("walked");
      inDirectory(folder, makeWalked());
      for (const [name, words] of Object.entries(questions)) {
        const line = `root=${root} base=${base} folder=${folder}; exec "$1" fs-diff ${words}`;
        const argv = ["sh", "-euc", line, "sh", builtExecutable().inPlace];
        const child = Bun.spawnSync(argv, { stdout: "pipe", stderr: "pipe" });
        here.set(name, { status: child.exitCode, stdout: child.stdout.toString("latin1") });
      }
      sh(["umount", top]);
      detachLoop(device);
      disk = scratch.path("disk");
      const { compressed } = builtExecutable("aarch64");
      said = emulate(scratch, {
        architecture: "aarch64",
        parts: parts as GuestParts,
        files: [compressed],
        disk,
        script: script(`/${basename(compressed)}`),
      });
      there = answersIn(said);
    });
    afterAll(() => scratch[Symbol.dispose]());

    function script(executable: string): string {
      const asked = Object.entries(questions).map(
        ([name, words]) => `ask ${JSON.stringify(name)} ${executable} fs-diff ${words}`,
      );
      return `
      ask() {
        name=$1 status=0
        shift
        "$@" >/run/stdout 2>/run/stderr || status=$?
        echo "@ $status $name"
        base64 /run/stdout
        echo "# $(cat /run/stderr)"
      }
      mount -t btrfs -o subvolid=5 /dev/vda /mnt
      root=/mnt/kinds/root base=/mnt/kinds/base folder=/run/walked
      mkdir $folder
      (cd $folder; ${makeWalked()})
      ask version ${executable} --version
      ask "version from memory" env BLANKROOT_CACHE=off ${executable} --version
      ask unpacked sha256sum /run/blankroot-unpacked/blankroot-*
      ${asked.join("\n      ")}
      ask copy ${executable} persist-copy --root $root --persist /mnt/persist /copied
      umount /mnt
    `;
    }

    test("starts from its cache and from memory", () => {
      for (const name of ["version", "version from memory"]) {
        expect([name, there.get(name), said]).toEqual([
          name,
          { status: 0, stdout: expect.stringMatching(VERSION) },
          said,
        ]);
      }
    });

    test("unpacks to what it was made of", () => {
      const [sum] = sh(["sha256sum", builtExecutable("aarch64").inPlace]).split(" ");
      expect(there.get("unpacked")?.stdout).toStartWith(sum!);
    });

    test.each(Object.keys(questions))("tells %s", (name) => {
      expect(here.get(name)?.stdout.length).toBeGreaterThan(10);
      expect(here.get(name)?.status).toBe(1);
      expect(there.get(name)).toEqual(here.get(name)!);
    });

    test("copies everything about a file", () => {
      expect([there.get("copy")?.status, said]).toEqual([0, said]);
      const device = attachLoop(scratch, "disk", { sizeBytes: SIZE_BYTES });
      const top = mountAt(scratch, "after", device);
      const words = "-aHAX --checksum --dry-run --itemize-changes --delete".split(" ");
      const [from, to] = [`${top}/kinds/root/copied/`, `${top}/persist/copied/`];
      expect(sh(["rsync", ...words, from, to])).toBe("");
      // The comparison is seen to find something.
      sh(["touch", `${to}inner/file`]);
      expect(sh(["rsync", ...words, from, to])).toContain("file");
    });
  },
);

/** Two trees in folders, for the walk of what is no btrfs; all times that AFTER leaves are alike. */
function makeWalked(): string {
  const made = `${BEFORE}\nfind . -exec touch -h -d '2001-02-03 04:05:06' {} +`;
  return `mkdir base root; (cd base; ${made}); (cd root; ${made}\n${AFTER})`;
}

function answersIn(said: string): Map<string, Answer> {
  const answers = Array.from(
    said.matchAll(/^@ (\d+) (.*)\n([A-Za-z0-9+/=\n]*)^#/gm),
    ([, status, name, encoded]): [string, Answer] => [
      name!,
      { status: Number(status), stdout: Buffer.from(encoded!, "base64").toString("latin1") },
    ],
  );
  return new Map(answers);
}
