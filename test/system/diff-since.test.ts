import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, lstatSync, openSync, readdirSync } from "node:fs";
import { diffSubvolumes } from "../../lib/host/diff.ts";
import { visible } from "../../lib/text.ts";
import { commitAt, inDirectory, makeRoot, makeSnapshot } from "../support/diff.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { Operations } from "../support/operations.ts";
import { describePrivileged } from "../support/privileged.ts";

describePrivileged("diffSubvolumes() since a transaction", () => {
  const scratch = new Scratch();
  let top = "";
  beforeAll(() => {
    top = mountAt(scratch, "top", makeBtrfs(scratch, "disk", 1024 ** 3), "subvolid=5,noatime");
  });
  afterAll(() => scratch[Symbol.dispose]());

  /** What is reported of a root that was first changed by one script, then by another. */
  function since(name: string, scripts: { base: string; before: string; after: string }) {
    const { root, base } = makeSnapshot(top, name, scripts.base);
    inDirectory(root, scripts.before);
    const transaction = commitAt(root) + 1;
    inDirectory(root, scripts.after);
    return {
      againstBase: listSince(root, base, transaction),
      alone: listSince(root, undefined, transaction),
    };
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
      "A file /b/f",
      "A file /b/g",
      "m subvolume /n",
      "A file /n/new",
    ]);
  });

  const TREE = "mkdir -p d/e x y; echo 1 >d/e/f; echo 1 >d/g; echo 1 >x/old";
  const NESTED = "mkdir a b; btrfs -q subvolume create a/s; mkdir a/s/d; echo 1 >a/s/d/f";

  test.each<[what: string, before: string, after: string, expected: string[]]>([
    [
      "a directory that was renamed",
      TREE,
      "mv d x/moved",
      [
        "m directory /x",
        "A directory /x/moved",
        "A directory /x/moved/e",
        "A file /x/moved/e/f",
        "A file /x/moved/g",
      ],
    ],
    [
      "a directory far below one that was renamed",
      "mkdir -p a/b/c/d/e; echo 1 >a/b/c/d/e/f; mkdir a/z",
      "mv a/b a/z/b",
      [
        "m directory /a",
        "m directory /a/z",
        "A directory /a/z/b",
        "A directory /a/z/b/c",
        "A directory /a/z/b/c/d",
        "A directory /a/z/b/c/d/e",
        "A file /a/z/b/c/d/e/f",
      ],
    ],
    [
      "a snapshot taken of a nested subvolume, and none of what it was taken of",
      NESTED,
      "btrfs -q subvolume snapshot a/s b/t",
      ["m directory /b", "A subvolume /b/t", "A directory /b/t/d", "A file /b/t/d/f"],
    ],
    [
      "a subvolume that was moved",
      NESTED,
      "mv a/s b/r",
      [
        "m directory /a",
        "m directory /b",
        "A subvolume /b/r",
        "A directory /b/r/d",
        "A file /b/r/d/f",
      ],
    ],
    [
      "a subvolume in a directory that was renamed",
      NESTED,
      "mv a c",
      ["A directory /c", "A subvolume /c/s", "A directory /c/s/d", "A file /c/s/d/f"],
    ],
    [
      "a directory renamed in a nested subvolume",
      NESTED,
      "mv a/s/d a/s/e",
      ["m subvolume /a/s", "A directory /a/s/e", "A file /a/s/e/f"],
    ],
    [
      "a new name of a file, and only that as new",
      "mkdir d; echo 1 >d/f; echo 1 >d/g",
      "ln d/f d/f2",
      ["m directory /d", "M file /d/f", "A file /d/f2"],
    ],
    [
      "what was renamed and came back, for its name is a new one",
      TREE,
      "mv d w; mv w d",
      ["A directory /d", "A directory /d/e", "A file /d/e/f", "A file /d/g"],
    ],
  ])("reports all of %s", (name, before, after, expected) => {
    const found = since(name.replaceAll(/\W+/g, "-"), { base: "true", before, after });
    expect(found.alone).toEqual(expected);
    // The base is empty, so against it all of that is added.
    expect(found.againstBase).toEqual(expected.map((line) => line.replace(/^./, "A")));
  });

  test("reports nothing more below a directory that only got an entry, or another mode", () => {
    const { alone, againstBase } = since("modified", {
      base: "true",
      before: TREE,
      after: "echo 2 >d/e/new; chmod 700 d; touch x; rm x/old",
    });
    expect(alone).toEqual([
      "m directory /d",
      "m directory /d/e",
      "A file /d/e/new",
      "m directory /x",
    ]);
    expect(againstBase).toEqual([
      "A directory /d",
      "A directory /d/e",
      "A file /d/e/new",
      "A directory /x",
    ]);
  });

  test("leaves out what the base has too, below a name that came back", () => {
    const { againstBase } = since("back", {
      base: TREE,
      before: "echo 2 >d/e/f; echo 1 >d/e/h; echo 2 >x/old",
      after: "mv d w; mv w d",
    });
    expect(againstBase).toEqual([
      "m directory /",
      "m directory /d",
      "M file /d/e/f",
      "A file /d/e/h",
    ]);
  });

  test("reports all of a root that was made since", () => {
    const { root, base } = makeRoot(top, "made", "mkdir d; echo 1 >d/f");
    const transaction = commitAt(root) + 1;
    sh(["btrfs", "--quiet", "subvolume", "snapshot", root, `${root}-2`]);
    inDirectory(`${root}-2`, "echo 1 >g");
    expect(listSince(`${root}-2`, undefined, transaction)).toEqual([
      "A directory /d",
      "A file /d/f",
      "A file /g",
    ]);
    expect(listSince(`${root}-2`, base, transaction)).toEqual(["A file /g"]);
    expect(listSince(root, undefined, transaction)).toEqual([]);
  });

  test("finds a new entry in a directory of many pages", () => {
    const { alone } = since("pages", {
      base: "true",
      before: "mkdir -p d/sub w; cd d; seq 5000 | xargs touch; touch sub/f",
      after: "touch d/new; mv d/sub d/zub",
    });
    expect(alone).toEqual([
      "m directory /d",
      "A file /d/new",
      "A directory /d/zub",
      "A file /d/zub/f",
    ]);
  });

  test.each([21, 22, 23, 24])("agrees with what names and ctimes tell, seed %d", (seed) => {
    const { root } = makeRoot(top, `random-${seed}`, "true");
    const random = new Operations(root, seed);
    random.run(800);
    const before = identities(root);
    const transaction = commitAt(root) + 1;
    random.run(200);
    if (seed % 2 === 0) {
      sh(["btrfs", "--quiet", "balance", "start", "-musage=100", "-dusage=100", top]);
    }
    const after = identities(root);
    const isNew = (path: string) => before.get(path)?.chain !== after.get(path)!.chain;
    const isWritten = (path: string) => before.get(path)?.ctimeNs !== after.get(path)!.ctimeNs;
    const listed = new Map(
      listSince(root, undefined, transaction).map((line) => {
        const [status, , ...words] = line.split(" ");
        return [words.join(" "), status];
      }),
    );
    const wanted = [...after.keys()].filter((path) => isNew(path) || isWritten(path));
    expect(wanted.filter((path) => !listed.has(path))).toEqual([]);
    expect(wanted.filter((path) => isNew(path) && listed.get(path) !== "A")).toEqual([]);
    // What was renamed and came back is a new name too, with all below it.
    const cameBack = (path: string) =>
      [...listed].some(
        ([above, status]) =>
          status === "A" && isWritten(above) && (path === above || path.startsWith(`${above}/`)),
      );
    const excess = [...listed.keys()].filter((path) => !wanted.includes(path));
    expect(excess.filter((path) => !cameBack(path))).toEqual([]);
    expect(wanted.length).toBeGreaterThan(20);
  });
});

interface Identity {
  /** The inodes on the way, by number and time of birth. */
  readonly chain: string;
  readonly ctimeNs: bigint;
}

/** What is at each path below a directory. */
function identities(top: string): Map<string, Identity> {
  const found = new Map<string, Identity>();
  const visit = (path: Buffer, above: string) => {
    const place = Buffer.concat([Buffer.from(top), path]);
    const { ino, birthtimeNs, ctimeNs, ...stat } = lstatSync(place, { bigint: true });
    const chain = `${above}/${ino} ${birthtimeNs}`;
    if (path.length > 0) found.set(visible(path), { chain, ctimeNs });
    if ((stat.mode & 0o170000n) !== 0o040000n) return;
    for (const name of readdirSync(place, { encoding: "buffer" })) {
      visit(Buffer.concat([path, Buffer.from("/"), name]), chain);
    }
  };
  visit(Buffer.alloc(0), "");
  return found;
}

/** `STATUS type path` for each change since a transaction. */
function listSince(root: string, base: string | undefined, since: number): string[] {
  const fds = [root, ...(base === undefined ? [] : [base])].map((dir) => openSync(dir, "r"));
  const lines: string[] = [];
  try {
    diffSubvolumes({ root: fds[0]!, base: fds[1], since }, ({ status, type, path }) =>
      lines.push(`${status} ${type} ${visible(path)}`),
    );
  } finally {
    for (const fd of fds) closeSync(fd);
  }
  return lines;
}
