import { describe, expect, test } from "bun:test";
import { LookedPaths } from "../../lib/copy/looked.ts";
import type { InodeStatus } from "../../lib/inode-status.ts";
import type { SourceEntry } from "../../lib/plans/copy.ts";

const REASON = "it can't be listed (EIO)";
const bytes = (path: string) => Buffer.from(path, "latin1");
const text = ({ path }: { path: Uint8Array }) => Buffer.from(path).toString("latin1");

function looked(...paths: string[]): LookedPaths {
  const all = new LookedPaths();
  for (const path of paths) all.add(path, entry(path, "named"));
  return all;
}

function entry(path: string, role: SourceEntry["role"]): SourceEntry {
  const status = { type: path.endsWith("d") ? "directory" : "file" } as InodeStatus;
  return { path: bytes(path), status, role, linkText: undefined, copy: undefined };
}

describe("LookedPaths", () => {
  test("entries() has parents first, and all of a directory in one run", () => {
    const all = looked("/d-", "/d/z", "/d", "/d\x01", "/d/ d/f", "/d/ d");
    expect(all.entries().map(text)).toEqual(["/d", "/d/ d", "/d/ d/f", "/d/z", "/d\x01", "/d-"]);
  });

  test("entries() has nothing that was left out", () => {
    const all = looked("/d", "/d/d", "/dd", "/f");
    for (const path of ["/d/d", "/f", "/never added"]) all.leaveOut(bytes(path), REASON);
    expect(all.entries().map(text)).toEqual(["/d", "/dd"]);
  });

  test("entries() has a directory that was left out where something below it was not", () => {
    const all = looked("/d", "/d/d", "/d/d/f", "/d/d-", "/dd", "/dd/d");
    for (const path of ["/d", "/d/d", "/dd", "/dd/d"]) all.leaveOut(bytes(path), REASON);
    const kept = all.entries().map((each) => `${text(each)} ${each.role}`);
    expect(kept).toEqual(["/d parent", "/d/d parent", "/d/d/f named", "/d/d- named"]);
  });

  test("unreadable() has each path once, in order, with its last reason", () => {
    const all = looked("/d");
    for (const path of ["/f", "/d", "/f"]) all.leaveOut(bytes(path), `${REASON} ${path}`);
    expect(all.unreadable().map((each) => `${text(each)}: ${each.reason}`)).toEqual([
      `/d: ${REASON} /d`,
      `/f: ${REASON} /f`,
    ]);
  });

  test("known() tells what need not be looked at again", () => {
    const all = looked("/d", "/f");
    all.add("/p", entry("/p", "parent"));
    all.leaveOut(bytes("/f"), REASON);
    expect(all.known("/d", "named")).toBe("directory");
    expect(all.known("/p", "parent")).toBe("file");
    expect(all.known("/p", "named")).toBeUndefined();
    expect(all.known("/f", "parent")).toBe("unreadable");
    expect(all.known("/none", "parent")).toBeUndefined();
  });
});
