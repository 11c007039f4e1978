import { expect, test } from "bun:test";
import {
  closeSync,
  constants,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { type Difference, isEqualCopy } from "../../lib/copy/difference.ts";
import { compareAt } from "../../lib/host/compare.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";

const SIZE_BYTES = 256 * 1024 ** 2;

/** Makes `a/x`, copies it whole to `b/x`, changes the copy, and compares. */
function compareAfter(make: (x: string) => void, change: (x: string) => void) {
  using scratch = new Scratch();
  const dir = mountAt(scratch, "mnt", makeBtrfs(scratch, "disk", SIZE_BYTES));
  sh(["mkdir", `${dir}/a`, `${dir}/b`]);
  make(`${dir}/a/x`);
  if (Bun.spawnSync(["test", "-e", `${dir}/a/x`, "-o", "-L", `${dir}/a/x`]).exitCode === 0) {
    sh(["cp", "-a", `${dir}/a/x`, `${dir}/b/x`]);
  }
  change(`${dir}/b/x`);
  const [a, b] = ["a", "b"].map((name) => openSync(`${dir}/${name}`, constants.O_RDONLY));
  const path = Buffer.from("/x");
  const differences = compareAt({ top: a!, path }, { top: b!, path });
  closeSync(a!);
  closeSync(b!);
  return differences;
}

const file = (x: string) => writeFileSync(x, "some content");
const nothing = () => {};
const TEBIBYTE = 1024 ** 4;

/** A terabyte of holes but for a text at each place; of the same time always. */
function sparse(x: string, data: readonly Data[]): void {
  rmSync(x, { force: true });
  writeFileSync(x, "");
  const fd = openSync(x, "r+");
  for (const [at, text] of data) writeSync(fd, Buffer.from(text), 0, text.length, at);
  closeSync(fd);
  truncateSync(x, TEBIBYTE);
  sh(["touch", "-d", "2020-01-01", x]);
}

type Data = readonly [at: number, text: string];

/** To read them takes longer than a test may. */
describePrivileged("compareAt() of two sparse files of a terabyte says", () => {
  const begin: Data[] = [
    [5, "a"],
    [600_000_000, "b"],
  ];
  const end: Data = [TEBIBYTE - 4096, "c"];
  test.each<[string, Data[], Difference[]]>([
    ["nothing where both have the same bytes", [...begin, end], []],
    ["content where the last bytes differ", [...begin, [TEBIBYTE - 4096, "C"]], ["content"]],
    ["content where one has bytes more", [...begin, [700_000_000, "x"], end], ["content"]],
    ["content where one has bytes less", begin, ["content"]],
    ["nothing where zeros stand in a hole's place", [...begin, [700_000_000, "\0"], end], []],
  ])("%s", (_, data, differences) => {
    const make = (x: string) => sparse(x, [...begin, end]);
    expect(compareAfter(make, (x) => sparse(x, data))).toEqual(differences);
  });
});

describePrivileged("compareAt()", () => {
  test.each<[string, (x: string) => void, (x: string) => void, Difference[] | undefined]>([
    ["nothing in an untouched copy", file, nothing, []],
    [
      "nothing in a copy of a large file",
      (x) => writeFileSync(x, "x".repeat(700_000)),
      nothing,
      [],
    ],
    [
      "nothing in a copy of a symbolic link that leads nowhere",
      (x) => symlinkSync("/nowhere", x),
      nothing,
      [],
    ],
    [
      "content of the same size",
      file,
      (x) =>
        sh([
          "sh",
          "-c",
          `m=$(stat -c %y "$0"); printf S | dd of="$0" conv=notrunc status=none; touch -d "$m" "$0"`,
          x,
        ]),
      ["content"],
    ],
    [
      "content at the end of a large file",
      (x) => writeFileSync(x, "x".repeat(700_000)),
      (x) =>
        sh([
          "sh",
          "-c",
          `m=$(stat -c %y "$0"); printf y | dd of="$0" bs=1 seek=699999 conv=notrunc status=none; touch -d "$m" "$0"`,
          x,
        ]),
      ["content"],
    ],
    [
      "length",
      file,
      (x) => {
        truncateSync(x, 3);
        sh(["touch", "-d", "2020-01-01", x]);
      },
      ["content", "mtime"],
    ],
    ["owner", file, (x) => sh(["chown", "5:6", x]), ["owner"]],
    ["mode", file, (x) => sh(["chmod", "4600", x]), ["mode"]],
    [
      "an attribute",
      file,
      (x) => sh(["setfattr", "-n", "user.x", "-v", "1", x]),
      ["extended attributes"],
    ],
    ["an ACL", file, (x) => sh(["setfacl", "-m", "u:7:r", x]), ["extended attributes"]],
    ["a capability", file, (x) => sh(["setcap", "cap_net_raw+ep", x]), ["extended attributes"]],
    [
      "mtime to the nanosecond",
      file,
      (x) => sh(["touch", "-d", "2020-01-01 00:00:00.000000001", x]),
      ["mtime"],
    ],
    [
      "the text of a symbolic link",
      (x) => symlinkSync("/a", x),
      // Made within one tick of the clock, both could have the same time.
      (x) => sh(["sh", "-c", 'ln -sfn /b "$0"; touch -h -d 2020-01-01 "$0"', x]),
      ["target", "mtime"],
    ],
    ["the type", file, (x) => sh(["sh", "-c", 'rm "$0"; mkfifo "$0"', x]), ["type"]],
    [
      "the number of a device",
      (x) => sh(["mknod", x, "c", "1", "3"]),
      (x) =>
        sh(["sh", "-c", 'm=$(stat -c %y "$0"); rm "$0"; mknod "$0" c 1 5; touch -d "$m" "$0"', x]),
      ["device number"],
    ],
    ["nothing but absence where there is no copy", file, (x) => sh(["rm", x]), undefined],
    ["nothing but absence where there is no original", nothing, file, undefined],
  ])("tells %s", (_, make, change, differences) => {
    expect(compareAfter(make, change)).toEqual(differences as Difference[]);
  });

  test("does not follow a symbolic link planted on the way", () => {
    using scratch = new Scratch();
    const dir = scratch.path();
    sh(["mkdir", `${dir}/a`, `${dir}/b`, `${dir}/a/sub`, `${dir}/outside`]);
    for (const name of ["a/sub", "outside"])
      sh(["sh", "-c", 'echo secret >"$0"', `${dir}/${name}/x`]);
    symlinkSync("../outside", `${dir}/b/sub`);
    const [a, b] = ["a", "b"].map((name) => openSync(`${dir}/${name}`, constants.O_RDONLY));
    const path = Buffer.from("/sub/x");
    expect(compareAt({ top: a!, path }, { top: b!, path })).toBeUndefined();
    // The control: followed, the link would have led to an equal file.
    expect(sh(["cat", `${dir}/b/sub/x`])).toBe("secret\n");
    closeSync(a!);
    closeSync(b!);
  });
});

test.each<[Difference[], boolean]>([
  [[], true],
  [["mtime"], true],
  [["mtime", "mode"], false],
  [["content"], false],
])("isEqualCopy() of %p is %p", (differences, equal) => {
  expect(isEqualCopy(differences)).toBe(equal);
});
