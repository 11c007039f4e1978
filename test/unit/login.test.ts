import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { loginScript } from "../../lib/boot/login.ts";
import { Losses } from "../../lib/losses/losses.ts";
import { cannotTell } from "../../lib/report/cannot-tell.ts";
import { loginText } from "../../lib/report/login.ts";
import { Scratch } from "../support/disk.ts";
import { SHELLS } from "../support/rollback-programs.ts";

/** Without -e as well: the script must not need it. */
const ALL_SHELLS = { ...SHELLS, "bash, no -e": ["bash"], "ash, no -e": ["busybox", "ash"] };

describe("loginText()", () => {
  test.each<[what: string, files: [path: string, bytes: number][], line: string | undefined]>([
    ["nothing", [], undefined],
    ["a file", [["/etc/a", 1]], "1 file, 1 byte would be lost at the next boot: /etc"],
    [
      "files of more than fit",
      [
        ["/var/lib/docker/x", 5000],
        ["/etc/a", 400],
        ["/srv/a", 30],
        ["/home/jo/a", 2],
        ["/var/lib/other/x", 1],
      ],
      "5 files, 5.3 KiB would be lost at the next boot: docker, /etc, /srv and 2 more",
    ],
    [
      "files whose names are nobody's business",
      [["/root/secret/plan", 3]],
      "1 file, 3 bytes would be lost at the next boot: files of root",
    ],
    [
      "a hostile name",
      [["/var/lib/\x1b[2J/a", 3]],
      "1 file, 3 bytes would be lost at the next boot: \\x1b[2J",
    ],
  ])("of %s", (_, files, line) => {
    expect(loginText({ ...lossesOf(files), isWhole: true })).toBe(line);
  });

  test("names no project, which is somebody's, and its owner once", () => {
    const losses = lossesOf([
      ["/home/jo/secret/.git", 1],
      ["/home/jo/x", 1],
    ]);
    expect(losses.groups.map(({ kind }) => kind)).toEqual(["project", "home"]);
    expect(loginText({ ...losses, isWhole: true })).toEndWith(": files of jo");
  });

  test("says what was counted where the time was over, and that it was", () => {
    const losses = lossesOf([["/etc/a", 1]]);
    expect(loginText({ ...losses, isWhole: false })).toStartWith("At least 1 file, 1 byte would");
    expect(loginText({ ...lossesOf([]), isWhole: false })).toContain("can't be told: there is too");
  });
});

test("cannotTell() is one line, whatever the reason is", () => {
  expect(cannotTell("a\x1b\nb")).toBe("What would be lost at the next boot can't be told: a\\x1b");
});

describe("loginScript()", () => {
  test.each(Object.entries(ALL_SHELLS))("writes the line and takes it away, in %s", (_, argv) => {
    using place = new Place(argv);
    place.program('printf "%s\\n" "$*"');
    expect(place.run()).toEqual({ status: 0, said: "" });
    const words = `rollback-preview --login --quiet --profile ${place.profile}\n`;
    expect(readFileSync(place.file, "utf8")).toBe(words);
    expect(statSync(place.file).mode & 0o777).toBe(0o644);
    expect(readdirSync(place.folder)).toEqual(["the login"]);
    place.program(":");
    expect(place.run()).toEqual({ status: 0, said: "" });
    expect(existsSync(place.file)).toBe(false);
    expect(place.run().status).toBe(0);
  });

  test.each(Object.entries(ALL_SHELLS))("leaves no line of before, in %s", (_, argv) => {
    using place = new Place(argv);
    place.program("echo before");
    place.run();
    place.program("echo half; exit 4");
    expect(place.run().status).toBe(0);
    expect(readFileSync(place.file, "utf8")).toEndWith(
      `: ${place.executable} ended with status 4\n`,
    );
    using empty = new Place(argv);
    expect(empty.run().status).toBe(0);
    expect(readFileSync(empty.file, "utf8")).toEndWith(`: there is no ${empty.executable}\n`);
  });

  test.each(Object.entries(ALL_SHELLS))("says where it can't write, in %s", (_, argv) => {
    using place = new Place(argv);
    place.program("echo a");
    writeFileSync(place.folder, "a file");
    const { status, said } = place.run();
    expect(status).toBe(1);
    expect(said).toContain(`blankroot: can't make ${place.folder}\n`);
  });
});

/** A machine's places in a folder of our own, with names that must be quoted. */
class Place extends Scratch {
  readonly #argv: readonly string[];
  readonly executable = this.path("the program");
  readonly profile = this.path("the profile");
  readonly folder = this.path("run it");
  readonly file = `${this.folder}/the login`;

  constructor(argv: readonly string[]) {
    super();
    this.#argv = argv;
  }

  program(text: string): void {
    writeFileSync(this.executable, `#!/bin/sh\n${text}\n`);
    chmodSync(this.executable, 0o755);
  }

  run(): { status: number; said: string } {
    const { executable: program, profile, file: login } = this;
    const [shell, ...words] = this.#argv;
    const script = loginScript({ program, profile, login });
    const child = Bun.spawnSync([Bun.which(shell!)!, ...words, "-c", `umask 077\n${script}`], {
      stdout: "pipe",
      stderr: "pipe",
    });
    return { status: child.exitCode, said: `${child.stdout}${child.stderr}` };
  }
}

function lossesOf(files: readonly (readonly [path: string, bytes: number])[]) {
  const losses = new Losses(0);
  let bytes = 0;
  for (const [path, size] of files) {
    losses.note(Buffer.from(path));
    losses.add(Buffer.from(path), weighing(size), { seconds: 0, nanoseconds: 0 });
    bytes += size;
  }
  return { lost: { files: files.length, bytes }, groups: losses.groups() };
}

function weighing(sizeBytes: number) {
  return { sizeBytes, names: 1 };
}
