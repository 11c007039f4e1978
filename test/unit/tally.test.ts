import { expect, test } from "bun:test";
import type { Fate, Reason } from "../../lib/fate.ts";
import { Tally } from "../../lib/tally.ts";
import { type ChangeOptions, madeUpChange } from "../support/change.ts";

test("Tally counts files and their bytes by fate, without directories and sockets", () => {
  const tally = tallyOf(
    [{ path: "/a", sizeBytes: 10 }, "lost"],
    [{ path: "/b", link: "somewhere" }, "lost"],
    [{ path: "/c", sizeBytes: 5 }, "kept"],
    [{ path: "/d", type: "directory", sizeBytes: 7 }, "lost"],
    [{ path: "/s", type: "socket" }, "lost"],
    [{ path: "/p", type: "fifo" }, "lost"],
  );
  expect(tally.count("lost")).toEqual({ files: 3, bytes: 10 });
  expect(tally.count("kept")).toEqual({ files: 1, bytes: 5 });
  expect(tally.count("ignored")).toEqual({ files: 0, bytes: 0 });
});

test("Tally counts the bytes of a file with many names once", () => {
  const names = Array.from({ length: 300 }, (_, i): [ChangeOptions, Fate] => [
    { path: `/n${i}`, sizeBytes: 1000, links: 300 },
    "lost",
  ]);
  expect(tallyOf(...names).count("lost")).toEqual({ files: 300, bytes: 1000 });
});

test("Tally adds losses up to directories of three names, the largest first", () => {
  const tally = tallyOf(
    [{ path: "/var/lib/docker/a/b/c", sizeBytes: 10 }, "lost"],
    [{ path: "/var/lib/docker/d", sizeBytes: 20 }, "lost"],
    [{ path: "/var/lib/docker/e", sizeBytes: 900 }, "kept"],
    [{ path: "/var/lib/f", sizeBytes: 40 }, "lost"],
    [{ path: "/top", sizeBytes: 1 }, "lost"],
  );
  const losses = tally.largestLosses(10).map(({ path, ...count }) => ({
    path: Buffer.from(path).toString(),
    ...count,
  }));
  expect(losses).toEqual([
    { path: "/var/lib", files: 1, bytes: 40 },
    { path: "/var/lib/docker", files: 2, bytes: 30 },
    { path: "/", files: 1, bytes: 1 },
  ]);
  expect(tally.largestLosses(1)).toHaveLength(1);
});

test("Tally counts what is lost though it is listed", () => {
  const tally = new Tally(new Date(0));
  const reasons: Reason[] = ["listed, not copied", "copy differs", "not listed", "shadowed"];
  for (const reason of reasons) {
    tally.add(madeUpChange({ path: "/a" }), () => ({ fate: "lost", reason }));
  }
  tally.add(madeUpChange({ path: "/a" }), () => ({ fate: "kept", reason: "listed and copied" }));
  expect(tally.uncopied).toBe(2);
});

test("Tally remembers nested subvolumes and the first losses, whatever their names are", () => {
  const hostile = Buffer.from("/\xff\n", "latin1");
  const many = Array.from({ length: 50 }, (_, i): [ChangeOptions, Fate] => [
    { path: `/x${i}` },
    "lost",
  ]);
  const tally = tallyOf(
    [{ path: "/nested", type: "subvolume" }, "lost"],
    [{ path: "/gone", type: "subvolume", status: "D" }, "restored"],
    [{ path: hostile }, "lost"],
    ...many,
  );
  expect(tally.nested.map((path) => Buffer.from(path).toString())).toEqual(["/nested"]);
  expect(Buffer.compare(tally.examples[0]!, hostile)).toBe(0);
  expect(tally.examples.length).toBeLessThan(50);
});

function tallyOf(...given: [ChangeOptions, Fate][]): Tally {
  const tally = new Tally(new Date(0));
  for (const [options, fate] of given) {
    tally.add(madeUpChange(options), () => ({ fate, reason: "not listed" }));
  }
  return tally;
}
