/** The walk of mounted files says what the comparison of metadata says, in its order. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { diffWalk } from "../../lib/host/walk/diff-walk.ts";
import { visible } from "../../lib/text.ts";
import { changes, inDirectory, makeRoot } from "../support/diff.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { Operations } from "../support/operations.ts";
import { describePrivileged } from "../support/privileged.ts";

const BEFORE = `
  mkdir -p etc var/log empty
  for n in 1 2 3 4 5 6; do echo $n > etc/$n; done
  head -c 300000 /dev/zero > var/log/big; ln etc/1 etc/1-too; ln -s 1 etc/link
  mknod node c 1 3; mkfifo pipe; mkdir tree; touch tree/a tree/b; touch swap; mkdir swapped
  btrfs -q subvolume create nested; echo x > nested/file
`;
const AFTER = `
  echo more >> etc/2; chmod 600 etc/3; chown 1:1 etc/4; setfattr -n user.x -v 1 etc/5
  touch -d 2001-01-01 etc/6; ln etc/1 another; ln -snf 2 etc/link
  printf x | dd of=var/log/big bs=1 seek=150000 conv=notrunc status=none
  rm node; mknod node c 1 5; rm -r tree; rm swap; mkdir swap; touch swap/in; rmdir swapped; echo > swapped
  mkdir new new/deep; touch new/deep/er "new/$(printf 'a\\nb')" new.txt new-x; mkdir new.d
  echo y > nested/file; btrfs -q subvolume create other; mkdir other/sub; setfacl -m u:1:r etc/1
`;

describePrivileged("diffWalk()", () => {
  const scratch = new Scratch();
  let top = "";
  beforeAll(() => {
    top = mountAt(scratch, "top", makeBtrfs(scratch, "disk", 1024 * 1024 * 1024));
  });
  afterAll(() => scratch[Symbol.dispose]());

  test("says what metadata say of every kind of change", () => {
    const { root, base } = makeRoot(top, "kinds", BEFORE);
    inDirectory(root, AFTER);
    const found = walked(root, base);
    expect(found.length).toBeGreaterThan(25);
    expect(found).toEqual(changes(root, base));
    expect(walked(base, root)).toEqual(changes(base, root));
    expect(walked(root, undefined)).toEqual(changes(root, undefined));
    const within = ["/etc", "/new/deep", "/swap"];
    expect(walked(root, base, within)).toEqual(changes(root, base, within));
    expect(() => walked(root, base, ["/absent"])).toThrow("no such path");
  });

  test.each([11, 12, 13])("says what metadata say after random operations, seed %d", (seed) => {
    const { root, base } = makeRoot(top, `random-${seed}`, "true");
    sh(["btrfs", "--quiet", "subvolume", "delete", base]);
    const random = new Operations(root, seed);
    random.run(800);
    sh(["btrfs", "--quiet", "subvolume", "snapshot", "-r", root, base]);
    random.run(800);
    expect(walked(root, base)).toEqual(changes(root, base));
    expect(walked(root, undefined)).toEqual(changes(root, undefined));
  });
});

function walked(root: string, base: string | undefined, within?: string[]): string[] {
  const fds = [root, ...(base === undefined ? [] : [base])].map((dir) => openSync(dir, "r"));
  const lines: string[] = [];
  try {
    const blind = diffWalk(
      { root: fds[0]!, base: fds[1], within: within?.map((path) => Buffer.from(path)) },
      ({ status, type, path }) => lines.push(`${status} ${type} ${visible(path)}`),
    );
    expect(blind).toEqual([]);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
  return lines;
}
