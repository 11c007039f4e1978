import { describe, expect, test } from "bun:test";
import { Listing } from "../../lib/btrfs/directory.ts";
import { ItemCursor } from "../../lib/btrfs/item-cursor.ts";
import { Losses, type LossGroup, RECENT_MS } from "../../lib/losses/losses.ts";
import { ownerOf } from "../../lib/losses/owner.ts";
import {
  HOME_CACHES,
  KNOWN_PLACES,
  NAMES_MAX,
  OTHER_HOMES,
  PROJECT_MARKS,
  SHARED_PLACES,
} from "../../lib/losses/places.ts";
import { ageText, groupLines, ownerName } from "../../lib/report/losses.ts";
import { entry } from "../support/btrfs-items.ts";
import { FakeTree } from "../support/fake-tree.ts";

const NOW = new Date("2026-11-23T12:00:00Z");
const HOUR_MS = 3_600_000;

describe("ownerOf()", () => {
  test.each<[directory: string, kind: string, name: string, place: string]>([
    ["", "other", "/", "/"],
    ["/etc", "configuration", "/etc", "/etc"],
    ["/etc/foo/bar", "configuration", "/etc", "/etc"],
    ["/etc/ssh", "service", "sshd", "/etc/ssh"],
    ["/etc/sshx", "configuration", "/etc", "/etc"],
    ["/etc/nixos/hosts", "configuration", "/etc/nixos", "/etc/nixos"],
    ["/var/lib", "other", "/var/lib", "/var/lib"],
    ["/var/lib/docker/overlay2/x", "service", "docker", "/var/lib/docker"],
    ["/var/lib/private", "other", "/var/lib", "/var/lib"],
    ["/var/lib/private/foo", "service", "foo", "/var/lib/private/foo"],
    ["/var/log/nginx", "service", "nginx", "/var/log/nginx"],
    ["/var/log/journal/5f0c", "service", "systemd-journald", "/var/log/journal"],
    ["/var/cache/fwupd", "cache", "fwupd", "/var/cache/fwupd"],
    ["/var/tmp/x", "temporary", "/var/tmp", "/var/tmp"],
    ["/root", "home", "root", "/root"],
    ["/root/.cache/pip", "cache", "root", "/root/.cache"],
    ["/rooted", "other", "/rooted", "/rooted"],
    ["/home", "other", "/home", "/home"],
    ["/home/jo/src", "home", "jo", "/home/jo"],
    ["/home/jo/.local/share", "home", "jo", "/home/jo"],
    ["/home/jo/.local/share/Trash/files", "cache", "jo", "/home/jo/.local/share/Trash"],
    ["/srv/www/x", "other", "/srv", "/srv"],
    ["/var/db/x", "other", "/var/db", "/var/db"],
  ])("of %p is %s %s", (directory, kind, name, place) => {
    const owner: { kind: string; name: string; place: string } = ownerOf(directory);
    expect(owner).toEqual({ kind, name, place });
  });
});

describe("the tables", () => {
  test("tell their sources, and no place twice", () => {
    const all = [...KNOWN_PLACES, ...SHARED_PLACES, ...OTHER_HOMES, ...HOME_CACHES];
    expect(all.filter(({ source }) => source === "")).toEqual([]);
    expect(new Set(all.map(({ path }) => path)).size).toBe(all.length);
    expect(PROJECT_MARKS.filter(({ source }) => (source as string) === "")).toEqual([]);
  });

  test("have a place ahead of those above it, which would hide it", () => {
    for (const table of [KNOWN_PLACES, SHARED_PLACES]) {
      for (const [index, { path }] of table.entries()) {
        const hidden = table.slice(index + 1).filter((later) => later.path.startsWith(`${path}/`));
        expect(hidden).toEqual([]);
      }
    }
  });

  test("have nothing of others within what a service keeps", () => {
    const services = KNOWN_PLACES.filter(({ kind }) => kind === "service");
    const shared = SHARED_PLACES.filter(({ kind }) => kind === "service");
    const paths = [...KNOWN_PLACES, ...SHARED_PLACES, ...OTHER_HOMES].map(({ path }) => path);
    const deeper = (above: string) => paths.filter((path) => path.startsWith(`${above}/`));
    expect(services.flatMap(({ path }) => deeper(path))).toEqual([]);
    // Of a name in a shared place, which is a service's own, nothing is told deeper down.
    for (const { path } of shared) {
      for (const within of deeper(path)) {
        const name = path + within.slice(path.length).replace(/(?<=.)\/.*/, "");
        expect([within, name === within || ownerOf(name).kind !== "service"]).toEqual([
          within,
          true,
        ]);
      }
    }
  });

  test("are deep as NAMES_MAX says", () => {
    const namesIn = (path: string) => path.split("/").filter((name) => name !== "").length;
    const deepest = [
      ...KNOWN_PLACES.map(({ path }) => namesIn(path)),
      ...SHARED_PLACES.map(({ path }) => namesIn(path) + 1),
      ...HOME_CACHES.map(({ path }) => namesIn(path) + 2),
    ];
    expect(Math.max(...deepest)).toBe(NAMES_MAX);
  });
});

describe("Losses", () => {
  test("adds up what belongs together, wherever it lies, the largest first", () => {
    const groups = lossesOf(
      ["/var/lib/docker/a", 10],
      ["/var/lib/docker/b/c/d/e/f/g/h", 20],
      ["/var/lib/x", 5],
      ["/var/log/docker/log", 70],
      ["/etc/a", 200],
    );
    expect(groups.map(({ kind, name, files, bytes }) => [kind, name, files, bytes])).toEqual([
      ["configuration", "/etc", 1, 200],
      ["service", "docker", 3, 100],
      ["other", "/var/lib", 1, 5],
    ]);
    expect(groups[1]!.places).toEqual(["/var/lib/docker", "/var/log/docker"]);
  });

  test("knows a project by its mark, whichever of its names comes first", () => {
    const losses = new Losses(NOW.getTime());
    const walk = ["/home/jo/a", "/home/jo/p/,first", "/home/jo/p/.git", "/home/jo/p/src/deep/x"];
    for (const path of walk) {
      losses.note(bytes(path));
      losses.add(bytes(path), weighing(1), secondsAgo(0));
    }
    const groups = losses.groups();
    expect(groups.map(({ kind, name, files }) => [kind, name, files])).toEqual([
      ["project", "/home/jo/p", 3],
      ["home", "jo", 1],
    ]);
    expect(groups[0]!.within).toMatchObject({ kind: "home", name: "jo" });
    expect(groups[0]!.places).toEqual(["/home/jo/p"]);
  });

  test("takes files of one directory at once as one by one, but for their times", () => {
    const files = ["!", ".git", ".hgx", "a", "b"];
    for (const names of [files, files.slice(2), files.slice(0, 2), [".svn"]]) {
      for (const directory of ["", "/home/jo/p", "/home/jo/.cache/p", "/var/lib/x/y/z/p"]) {
        const [single, together] = [new Losses(NOW.getTime()), new Losses(NOW.getTime())];
        for (const losses of [single, together]) {
          losses.add(bytes("/home/jo/o/x"), weighing(1), secondsAgo(0));
        }
        for (const name of names) {
          single.note(bytes(`${directory}/${name}`));
          single.add(bytes(`${directory}/${name}`), weighing(2 ** 40), secondsAgo(0));
        }
        const entries = new Listing();
        entries.load(new ItemCursor(new FakeTree(entriesOf(names))), 5, 256);
        const run = { tree: 5, directory: bytes(directory), entries, from: 0, to: names.length };
        together.addFiles(run, weighing(names.length * 2 ** 40));
        for (const losses of [single, together]) {
          losses.add(bytes("/srv/x"), weighing(1), secondsAgo(0));
        }
        expect(counted(together)).toEqual(counted(single));
      }
    }
  });

  test.each<[what: string, mark: string, group: string]>([
    ["a home", "/home/jo/.git", "home jo"],
    ["what a service keeps", "/var/lib/gitea/x/.git", "service gitea"],
    ["/etc", "/etc/.git", "configuration /etc"],
    ["a cache", "/root/.cache/x/.git", "cache root"],
    ["what has a name like it", "/srv/x/.gitignore", "other /srv"],
    ["and does for", "/srv/x/.hg", "project /srv/x"],
    ["and also for the inner one of two", "/root/a/b/.git", "project /root/a/b"],
  ])("takes no project for %s", (_, mark, group) => {
    const losses = new Losses(NOW.getTime());
    losses.note(bytes(mark));
    losses.add(bytes(`${mark}/x`), weighing(1), secondsAgo(0));
    expect(losses.groups().map(({ kind, name }) => `${kind} ${name}`)).toEqual([group]);
  });

  test("holds no name for another that begins alike", () => {
    const groups = lossesOf(["/srv/a/x", 1], ["/srv/ab/x", 1], ["/srvx/a/x", 1], ["/srv", 1]);
    expect(groups.map(({ name, files }) => [name, files])).toEqual([
      ["/srv", 2],
      ["/", 1],
      ["/srvx", 1],
    ]);
  });

  test("tells the newest by ctime, what is recent, and what is of a time to come", () => {
    const hour = RECENT_MS / 1000;
    const losses = new Losses(NOW.getTime());
    const times: [string, number][] = [
      ["/etc/old", 40 * 24 * hour],
      ["/etc/recent", hour - 1],
      ["/etc/not", hour + 1],
      ["/etc/to-come", -24 * hour],
      ["/etc/while-it-walks", -5],
    ];
    for (const [path, ago] of times) losses.add(bytes(path), weighing(10), secondsAgo(ago));
    const [group] = losses.groups();
    expect(Buffer.from(group!.newest!.path).toString()).toBe("/etc/while-it-walks");
    expect(group!.recent).toEqual({ files: 2, bytes: 20 });
    expect(group!.future).toBe(1);
    const [line] = groupLines([group!], NOW).slice(1);
    expect(line).toContain("just now * /etc, last /etc/while-it-walks");
  });

  test("has no newest where all is of a time to come", () => {
    const losses = new Losses(NOW.getTime());
    losses.add(bytes("/etc/a"), weighing(1), secondsAgo(-HOUR_MS));
    const groups = losses.groups();
    expect(groups[0]!.newest).toBeUndefined();
    expect(groupLines(groups, NOW)[1]).toContain("time to come   /etc");
  });

  test("keeps names that are not UTF-8, and shows none that drives a terminal", () => {
    const losses = new Losses(NOW.getTime());
    losses.add(
      Buffer.from("/var/lib/\xff\x1b[2J/x", "latin1"),
      weighing(1),
      secondsAgo(9 * 86_400),
    );
    const groups = losses.groups();
    expect(groups[0]!.name).toBe("\xff\x1b[2J");
    const text = groupLines(groups, NOW).join("\n");
    expect(text).toContain("9 days ago   \\xff\\x1b[2J, in /var/lib/\\xff\\x1b[2J");
  });
});

test("groupLines() is bounded, and tells of the rest", () => {
  const many = Array.from({ length: 40 }, (_, index): [string, number] => [
    `/var/lib/s${index}/x`,
    100 - index,
  ]);
  const lines = groupLines(lossesOf(...many), NOW);
  expect(lines.length).toBeLessThan(20);
  expect(lines.find((line) => line.includes("28 more: --json has them all"))).toContain("28 files");
});

test.each<[ageMs: number, text: string]>([
  [0, "just now"],
  [59_999, "just now"],
  [60_000, "1 minute ago"],
  [2 * HOUR_MS - 1, "1 hour ago"],
  [49 * HOUR_MS, "2 days ago"],
  [800 * 24 * HOUR_MS, "2 years ago"],
])("ageText() of %d is %s", (ageMs, text) => {
  expect(ageText(ageMs)).toBe(text);
});

test.each<[kind: LossGroup["kind"], name: string]>([
  ["service", "jo"],
  ["home", "files of jo"],
  ["cache", "cache of jo"],
  ["project", "project jo"],
])("ownerName() of a %s is %s", (kind, name) => {
  expect(ownerName({ kind, name: "jo" })).toBe(name);
});

function entriesOf(names: readonly string[]) {
  return names.map((name, index) => entry(256, 2 + index, name, { inode: 300 + index }));
}

function counted(losses: Losses) {
  return losses.groups().map(({ kind, name, within, places, files, bytes }) => ({
    kind,
    name,
    within,
    places,
    files,
    bytes,
  }));
}

function lossesOf(...files: [path: string, bytes: number][]): LossGroup[] {
  const losses = new Losses(NOW.getTime());
  for (const [path, size] of files) losses.add(bytes(path), weighing(size), secondsAgo(7200));
  return losses.groups();
}

function bytes(path: string): Uint8Array {
  return new TextEncoder().encode(path);
}

function secondsAgo(seconds: number) {
  return { seconds: NOW.getTime() / 1000 - seconds, nanoseconds: 0 };
}

function weighing(sizeBytes: number) {
  return { sizeBytes, names: 1 };
}
