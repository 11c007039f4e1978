import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { commitTransaction } from "../../lib/host/btrfs-ioctl.ts";
import { diffSubvolumes } from "../../lib/host/diff.ts";
import { visible } from "../../lib/text.ts";
import { inDirectory, makeRoot } from "../support/diff.ts";
import { makeBtrfs, mountAt, Scratch } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";

describePrivileged("diffSubvolumes() since a transaction", () => {
  const scratch = new Scratch();
  let top = "";
  beforeAll(() => {
    top = mountAt(scratch, "top", makeBtrfs(scratch, "disk", 512 * 1024 * 1024));
  });
  afterAll(() => scratch[Symbol.dispose]());

  /** What is reported of a root that was first changed by one script, then by another. */
  function since(name: string, scripts: { base: string; before: string; after: string }) {
    const { root, base } = makeRoot(top, name, scripts.base);
    inDirectory(root, scripts.before);
    const fds = [openSync(root, "r"), openSync(base, "r")] as const;
    const transaction = commitTransaction(fds[0]) + 1;
    inDirectory(root, scripts.after);
    const list = (baseFd: number | undefined) => {
      const lines: string[] = [];
      diffSubvolumes({ root: fds[0], base: baseFd, since: transaction }, (change) =>
        lines.push(`${change.status} ${change.type} ${visible(change.path)}`),
      );
      return lines;
    };
    try {
      return { againstBase: list(fds[1]), alone: list(undefined) };
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  }

  test("reports what was written since, as it differs from the base", () => {
    const { againstBase, alone } = since("both", {
      base: "mkdir d; echo 1 >d/kept; echo 1 >d/old; echo 1 >d/new; echo 1 >d/both",
      before: "echo 2 >d/old; echo 2 >d/both; mkdir -p deep/er; echo 1 >deep/er/before",
      after: "echo 3 >d/new; echo 3 >d/both; echo 1 >deep/er/after; rm d/kept; mkdir fresh",
    });
    expect(againstBase).toEqual([
      "M file /d/both",
      "D file /d/kept",
      "M file /d/new",
      "A directory /deep/er",
      "A file /deep/er/after",
      "A directory /fresh",
    ]);
    expect(alone).toEqual([
      "m directory /d",
      "M file /d/both",
      "M file /d/new",
      "m directory /deep/er",
      "A file /deep/er/after",
      "A directory /fresh",
    ]);
  });

  test("reports nothing where nothing was written", () => {
    const { againstBase, alone } = since("nothing", {
      base: "echo 1 >f",
      before: "echo 2 >f; mkdir d; btrfs --quiet subvolume create d/nested; echo 1 >d/nested/f",
      after: "true",
    });
    expect(againstBase).toEqual([]);
    expect(alone).toEqual([]);
  });

  test("reports what was renamed, linked or put into a nested subvolume since", () => {
    const { alone } = since("moved", {
      base: "true",
      before: "mkdir a b; echo 1 >a/f; echo 1 >a/g; btrfs --quiet subvolume create n; echo 1 >n/f",
      after: "mv a/f b/f; ln a/g b/g; echo 1 >n/new",
    });
    expect(alone).toEqual([
      "m directory /a",
      "M file /a/g",
      "m directory /b",
      "M file /b/f",
      "M file /b/g",
      "m subvolume /n",
      "A file /n/new",
    ]);
  });
});
