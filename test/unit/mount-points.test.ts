import { describe, expect, test } from "bun:test";
import type { Mount } from "../../lib/facts.ts";
import {
  holdingMount,
  liveMountPoints,
  pathInFilesystem,
  persistedMountPoints,
  placesOf,
  subvolumeMountPoints,
  survivingPlace,
} from "../../lib/mount-points.ts";
import { exampleProfile } from "../support/example.ts";

const ROOT = mount(1, 0, "/mnt", "/root");
const HOME = mount(2, 1, "/mnt/home", "/home");
const INNER = mount(3, 2, "/mnt/home/inner", "/");
const NEAR = mount(4, 1, "/mntx", "/");
const COVER = mount(5, 1, "/mnt", "/other");

describe("liveMountPoints()", () => {
  test("are what is mounted on the root itself", () => {
    const all = [ROOT, HOME, INNER, NEAR];
    expect(live(all, [{ mount: ROOT, dir: "/mnt" }])).toEqual(["/home"]);
  });

  test("are taken together from all places, once", () => {
    const second = mount(6, 0, "/again", "/root");
    const all = [
      ROOT,
      HOME,
      second,
      mount(7, 6, "/again/home", "/home"),
      mount(8, 6, "/again/b", "/"),
    ];
    const places = placesOf(all, "/root");
    expect(live(all, places)).toEqual(["/b", "/home"]);
  });

  test("of a subvolume seen in a larger mount are those within its directory", () => {
    const top = mount(9, 0, "/top", "/");
    const all = [top, mount(10, 9, "/top/root/home", "/home"), mount(11, 9, "/top/other", "/x")];
    expect(live(all, [{ mount: top, dir: "/top/root" }])).toEqual(["/home"]);
  });

  test("leave out what is mounted over the whole root", () => {
    expect(live([ROOT, COVER], [{ mount: ROOT, dir: "/mnt" }])).toEqual([]);
  });
});

test("holdingMount() is the last of the deepest mounts", () => {
  const all = [mount(0, 0, "/", "/"), ROOT, COVER, HOME];
  expect(holdingMount(all, "/mnt/etc")?.id).toBe(COVER.id);
  expect(holdingMount(all, "/mnt/home")?.id).toBe(HOME.id);
  expect(holdingMount(all, "/mntx")?.id).toBe(0);
});

describe("pathInFilesystem()", () => {
  test.each<[root: string, point: string, dir: string, path: string]>([
    ["/root", "/mnt", "/mnt", "/root"],
    ["/root", "/mnt", "/mnt/nested", "/root/nested"],
    ["/", "/top", "/top/root", "/root"],
    ["/", "/top", "/top", "/"],
    ["/root", "/", "/", "/root"],
    ["/root", "/", "/nested", "/root/nested"],
  ])("of %s at %s, in %s, is %s", (root, point, dir, path) => {
    expect(pathInFilesystem({ mount: mount(1, 0, point, root), dir })).toBe(path);
  });
});

describe("of a profile", () => {
  const profile = exampleProfile({
    btrfs: {
      subvolumes: {
        persist: { mount: "/persist", options: [] },
        var: { mount: "/var", options: [] },
        log: { mount: "/var/log", options: [] },
      },
    },
    persist: {
      directories: [{ path: "/etc/nixos" }, { path: "/etc/nixos/inner" }, { path: "/var/lib/x" }],
      files: [{ path: "/etc/machine-id" }],
    },
  });

  test("subvolumeMountPoints() leave out a mount on another mount", () => {
    expect(subvolumeMountPoints(profile)).toEqual(["/persist", "/var", "/boot"]);
  });

  test("persistedMountPoints() are those on the root", () => {
    expect(persistedMountPoints(profile)).toEqual(["/etc/nixos", "/etc/machine-id"]);
  });

  test.each<[string, ReturnType<typeof survivingPlace>]>([
    ["/var/log/x", { subvolume: "log", rest: "/x" }],
    ["/var/logs", { subvolume: "var", rest: "/logs" }],
    ["/persist", { subvolume: "persist", rest: "" }],
    ["/etc", undefined],
  ])("survivingPlace() of %s", (path, place) => {
    expect(survivingPlace(profile, path)).toEqual(place);
  });
});

function live(...args: Parameters<typeof liveMountPoints>): string[] {
  return liveMountPoints(...args).map((path) => Buffer.from(path).toString());
}

function mount(id: number, parentId: number, mountPoint: string, root: string): Mount {
  return {
    id,
    parentId,
    mountPoint,
    root,
    majorMinor: "0:1",
    options: [],
    fsType: "btrfs",
    source: "/dev/vda3",
    superOptions: [],
  };
}
