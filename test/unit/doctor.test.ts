import { describe, expect, test } from "bun:test";
import { KEEP_PARAMETER } from "../../lib/boot/stage1.ts";
import { examine } from "../../lib/doctor/examine.ts";
import type {
  DoctorFacts,
  FstabEntry,
  LoginFact,
  PasswordFact,
  PersistedFact,
  SystemFacts,
  Whereabouts,
} from "../../lib/doctor/facts.ts";
import { FINDING_NAMES, failed, ok, unknown } from "../../lib/doctor/finding.ts";
import { parseFstab } from "../../lib/host/probe/nixos-system.ts";
import type { InitrdContents } from "../../lib/initrd/contents.ts";
import { latin1OfText } from "../../lib/latin1.ts";
import type { PreviewFacts } from "../../lib/plans/preview.ts";
import type { Profile } from "../../lib/profile.ts";
import { doctorJson, findingLine, summaryOf } from "../../lib/report/doctor.ts";
import { shellQuote } from "../../lib/text.ts";
import { examination } from "../../tools/doctor-schema.ts";
import { exampleProfile } from "../support/example.ts";

const INITRD: InitrdContents = {
  kind: "systemd",
  hasUnit: true,
  startedBy: ["initrd.target.wants"],
  parameters: new Map([
    ["device", "/dev/disk/by-uuid/f-s"],
    ["root", "root"],
    ["blank", "root-blank"],
    ["old_roots", "old_roots"],
    ["keep_old", "yes"],
  ]),
  hookGoesOn: false,
  placesMachineId: true,
};
const NEEDED = { "/": "root", "/nix": "nix", "/persist": "persist", "/var/log": "log" };
const SYSTEM: SystemFacts = {
  initrd: INITRD,
  kernelParams: "quiet",
  fstab: Object.entries(NEEDED).map(([mountPoint, name]) => ({
    device: "/dev/vda3",
    mountPoint,
    options: ["x-initrd.mount", `subvol=${name}`],
  })),
};
const PREVIEW: PreviewFacts = {
  device: "/dev/vda3",
  keptNow: false,
  keptNext: false,
  blank: { readOnly: true, empty: true },
  isUnused: false,
  hasNext: false,
  strangeNext: false,
  hasOldRoots: true,
  strangeOldRoots: false,
  oldRoots: [],
  hasPersistRoot: true,
  withoutCopy: [],
  withoutPassword: [],
  sizeBytes: 2,
  freeBytes: 1,
  now: new Date("2026-11-23T12:00:00Z"),
};
const DONE = {
  outcome: "done",
  reason: "",
  warning: "",
  boot_id: "b",
  device: "",
  old_root: "",
} as const;
const BOOT = { commandLine: "quiet", bootId: "b", result: DONE };
const ROOT = { uid: 0, gid: 0, mode: 0o755 };
const PASSWORD: PasswordFact = {
  file: "/persist/passwords/user",
  fault: undefined,
  isLocked: false,
  owner: { uid: 0, gid: 0, mode: 0o600 },
  above: [{ path: "/persist", owner: ROOT }],
};
const ADA: LoginFact = {
  user: "user",
  wheel: true,
  hasKeys: true,
  password: PASSWORD,
  authorizedKeys: undefined,
};
const SOUND: DoctorFacts = {
  preview: PREVIEW,
  dir: "/",
  root: { fsType: "btrfs", source: "/dev/vda3", path: "/root", isProfiles: true },
  isOfBlank: true,
  blankOwner: ROOT,
  filesystem: {
    device: "/dev/vda3",
    uuid: "f-s",
    leadsTo: new Map([
      ["/dev/vda3", true],
      ["/dev/vdb", false],
    ]),
  },
  boot: BOOT,
  next: SYSTEM,
  booted: undefined,
  mounted: new Map(["home", "nix", "persist", "log"].map((name) => [name, name])),
  persisted: [],
  parents: [{ path: "/persist/etc", owner: ROOT, inRoot: ROOT }],
  logins: [ADA],
  hostKeys: [{ path: "/etc/ssh/ssh_host_ed25519_key", where: "kept", fault: undefined }],
  idMaps: ["kept", "kept"],
  machineId: "valid",
};
const profile = exampleProfile();

function faults(changes: Partial<DoctorFacts>, of: Profile = profile): string[] {
  return examine(of, { ...SOUND, ...changes })
    .filter(({ state }) => state !== "ok")
    .map(({ name, state, text }) => `${name} ${state}: ${text}`);
}

function preview(changes: Partial<PreviewFacts>): Partial<DoctorFacts> {
  return { preview: { ...PREVIEW, ...changes } };
}

function initrd(changes: Partial<InitrdContents>): Partial<DoctorFacts> {
  return { next: { ...SYSTEM, initrd: { ...INITRD, ...changes } } };
}

function rollbackOn(device: string): Partial<DoctorFacts> {
  return initrd({ parameters: new Map([...INITRD.parameters!, ["device", device]]) });
}

/** The line of fstab for `/` is another. */
function rootLine(changes: Partial<FstabEntry>): Partial<DoctorFacts> {
  const [root, ...others] = SYSTEM.fstab;
  return { next: { ...SYSTEM, fstab: [{ ...root!, ...changes }, ...others] } };
}

const EARLY = "x-initrd.mount";

function login(changes: Partial<LoginFact>): Partial<DoctorFacts> {
  return { logins: [{ ...ADA, ...changes }] };
}

function lockedOut(fault: string | undefined, isLocked = false): Partial<DoctorFacts> {
  const password = { ...PASSWORD, file: "/persist/p", fault, isLocked };
  return login({ hasKeys: false, password });
}

function exposed(changes: Partial<PasswordFact>): Partial<DoctorFacts> {
  return login({ hasKeys: false, password: { ...PASSWORD, ...changes } });
}

function persisted(changes: Partial<PersistedFact>): Partial<DoctorFacts> {
  const copy = { ...ROOT, type: "directory" } as const;
  const wanted = { uid: undefined, gid: undefined, mode: undefined };
  return {
    persisted: [{ path: "/a", copy, isThere: true, inRoot: undefined, wanted, ...changes }],
  };
}

function hostKey(where: Whereabouts, fault?: string): Partial<DoctorFacts> {
  return { hostKeys: [{ path: "/k", where, fault }] };
}

function result(changes: object, commandLine = "quiet"): Partial<DoctorFacts> {
  return { boot: { ...BOOT, commandLine, result: { ...DONE, ...changes } } };
}

const OLD = ["20261101T000000Z-a", "20261102T000000Z-b", "20261103T000000Z-c"];
const OLDER = [...OLD, "20261001T000000Z-d", "20261022T120000Z-e"];

describe("examine()", () => {
  test("finds nothing wrong where all is in order, and says so of all it looked at", () => {
    const findings = examine(profile, SOUND);
    expect(findings.filter(({ state }) => state !== "ok")).toEqual([]);
    const all = FINDING_NAMES.filter((name) => name !== "booted-initrd");
    expect(findings.map(({ name }) => name)).toEqual(all);
    expect(findings.every(({ advice }) => advice === undefined)).toBe(true);
  });

  test.each<[string, Partial<DoctorFacts>, string[]]>([
    [
      "no mount",
      { root: undefined },
      ["root failed: / is not mounted, expected the subvolume", "wiped failed"],
    ],
    [
      "another root",
      { root: { ...SOUND.root!, path: "/@", isProfiles: false } },
      ["root failed: / is btrfs (/dev/vda3, /@)", "wiped failed"],
    ],
    [
      "no blank one",
      { ...preview({ blank: undefined }), blankOwner: undefined },
      ["blank failed: /dev/vda3 has no"],
    ],
    [
      "a writable one",
      preview({ blank: { readOnly: false, empty: true } }),
      ["blank failed: root-blank is writable"],
    ],
    [
      "a full one",
      preview({ blank: { readOnly: true, empty: false } }),
      ["blank failed: root-blank is not empty"],
    ],
    [
      "a user's",
      { blankOwner: { ...ROOT, uid: 1000 } },
      ["blank failed: root-blank belongs to 1000:0"],
    ],
    [
      "no result",
      { boot: { ...BOOT, result: undefined } },
      ["wiped failed: the root was not wiped: no rollback left"],
    ],
    [
      "a broken result",
      { boot: { ...BOOT, result: "why" } },
      ["wiped failed: the root was not wiped: why"],
    ],
    [
      "another boot's result",
      result({ boot_id: "c" }),
      ["wiped failed: the root was not wiped: the rollback's"],
    ],
    [
      "a failed one",
      result({ outcome: "failed", reason: "why" }),
      ["wiped failed: the root was not wiped: the rollback failed: why"],
    ],
    [
      "a skipped one",
      result({ outcome: "skipped" }),
      ["wiped failed: the root was not wiped: the rollback was skipped"],
    ],
    [
      "one that was asked to",
      result({ outcome: "skipped" }, KEEP_PARAMETER),
      ["wiped failed: the root was to be kept"],
    ],
    [
      "a root of something else",
      { isOfBlank: false },
      ["wiped failed: the rollback says that it wiped the root, but"],
    ],
    [
      "a root that isn't the profile's",
      { root: { ...SOUND.root!, fsType: "tmpfs", isProfiles: false } },
      [
        "root failed: / is tmpfs (/dev/vda3, /root), expected the subvolume root of /dev/vda3",
        "wiped failed: the rollback says that it wiped the root, but / is another",
      ],
    ],
    [
      "one with a warning",
      result({ warning: "left over: x" }),
      ["old-roots failed: the rollback of this boot left something behind: left over: x"],
    ],
    ["one that finished another", result({ outcome: "finished" }), []],
    ["a tree that doesn't run", { boot: undefined, isOfBlank: false }, []],
    [
      "no system",
      { next: undefined },
      ["initrd unknown: there is no", "needed-for-boot unknown: there is no"],
    ],
    [
      "an unreadable initrd",
      { next: { ...SYSTEM, initrd: { unreadable: "x" } } },
      ["initrd unknown: the initrd of the next boot can't be read: x"],
    ],
    [
      "a strange initrd",
      initrd({ kind: undefined }),
      ["initrd failed: the initrd of the next boot is neither"],
    ],
    [
      "a scripted initrd",
      initrd({ kind: "scripted" }),
      ["initrd failed: the initrd of the next boot is scripted, the profile"],
    ],
    [
      "no unit",
      initrd({ hasUnit: false, startedBy: [] }),
      ["initrd failed: the initrd of the next boot has no blankroot-rollback.service"],
    ],
    [
      "a unit that the boot requires, where the profile doesn't",
      initrd({ startedBy: ["sysroot.mount.requires"] }),
      ["initrd failed: the initrd of the next boot stops the boot where the rollback fails"],
    ],
    [
      "nothing that puts the machine id in its place",
      initrd({ placesMachineId: false }),
      ["initrd failed: the initrd of the next boot has nothing that puts the kept machine id in"],
    ],
    [
      "an idle unit",
      initrd({ startedBy: [] }),
      ["initrd failed: the initrd of the next boot has blankroot-rollback.service, but"],
    ],
    [
      "no text",
      initrd({ parameters: undefined }),
      ["initrd failed: the initrd of the next boot has the unit, but"],
    ],
    [
      "another's text",
      initrd({ parameters: new Map([["root", "@"]]) }),
      ["initrd failed: the initrd of the next boot has a rollback of another profile"],
    ],
    [
      "another file system's rollback",
      rollbackOn("/dev/disk/by-uuid/0-0"),
      [
        "initrd failed: the initrd of the next boot has a rollback of another disk: its blankroot_device is /dev/disk/by-uuid/0-0, expected /dev/vda3 (UUID f-s)",
      ],
    ],
    [
      "another device's",
      rollbackOn("/dev/vdb"),
      ["initrd failed: the initrd of the next boot has a rollback of another disk"],
    ],
    ["the profile's device by its node", rollbackOn("/dev/vda3"), []],
    ["a device that isn't here", rollbackOn("/dev/mapper/closed"), []],
    ["a device that is no plain word", rollbackOn('"$device"'), []],
    [
      "a root of another file system",
      rootLine({ device: "UUID=0-0" }),
      ["needed-for-boot failed: stage 1 mounts something else: / is on UUID=0-0, expected"],
    ],
    ["the root by its tag", rootLine({ device: 'UUID="f-s"' }), []],
    ["a label that isn't here", rootLine({ device: "LABEL=x" }), []],
    [
      "another root in fstab",
      rootLine({ options: [EARLY, "subvol=/@"] }),
      [
        "needed-for-boot failed: stage 1 mounts something else: / is the subvolume @, expected root",
      ],
    ],
    ["the root by its path", rootLine({ options: [EARLY, "subvol=@", "subvol=/root"] }), []],
    [
      "a root by its id",
      rootLine({ options: [EARLY, "subvolid=257"] }),
      ["needed-for-boot failed: stage 1 mounts something else: / has no subvol= option"],
    ],
    ["another initrd that was booted", { booted: SYSTEM }, []],
    [
      "a worse one",
      { booted: { ...SYSTEM, initrd: { unreadable: "x" } } },
      ["booted-initrd unknown: the initrd of this boot"],
    ],
    [
      "a parameter of each boot",
      { next: { ...SYSTEM, kernelParams: `a ${KEEP_PARAMETER}` } },
      ["kernel-parameter failed: the next boot keeps"],
    ],
    [
      "no fstab",
      { next: { ...SYSTEM, fstab: [] } },
      ["needed-for-boot unknown: the next system has no fstab"],
    ],
    [
      "a late mount",
      { next: { ...SYSTEM, fstab: SYSTEM.fstab.slice(0, 2) } },
      ["needed-for-boot failed: stage 1 doesn't mount /persist"],
    ],
    [
      "no mounts",
      { mounted: new Map() },
      [
        "mounts failed: not every surviving subvolume is in its place: nothing is mounted at /home, nothing is mounted at /nix, nothing is mounted at /persist and 1 more",
      ],
    ],
    [
      "a stranger's mount",
      { mounted: new Map([...SOUND.mounted, ["log", undefined]]) },
      ["mounts failed: not every surviving subvolume is in its place: /var/log is of another file"],
    ],
    [
      "a strange next",
      preview({ strangeNext: true }),
      ["old-roots failed: root.blankroot-next is no snapshot"],
    ],
    [
      "a strange directory",
      preview({ strangeOldRoots: true }),
      ["old-roots failed: old_roots is no directory"],
    ],
    ["old roots that are kept", preview({ oldRoots: OLD }), []],
    [
      "old roots that are late",
      preview({ oldRoots: OLDER }),
      ["old-roots failed: 1 old root should be gone by rollback.keep: 20261001T000000Z-d"],
    ],
    [
      "no persist root",
      preview({ hasPersistRoot: false }),
      ["persist-root failed: /persist is not there"],
    ],
    [
      "no copy",
      persisted({ copy: undefined }),
      ["copies failed: 1 listed path without a copy, which the next boot brings up empty: /a"],
    ],
    ["what was never made", persisted({ copy: undefined, isThere: false }), []],
    [
      "an owner",
      persisted({ wanted: { uid: 5, gid: undefined, mode: undefined } }),
      ["owners failed: not as the profile says: /persist/a belongs to 0:0, expected 5:0"],
    ],
    [
      "a mode",
      persisted({ wanted: { uid: 0, gid: 0, mode: 0o700 } }),
      ["owners failed: not as the profile says: /persist/a has the mode 0755, expected 0700"],
    ],
    [
      "an owner of nothing",
      persisted({ copy: undefined, isThere: false, wanted: { uid: 5, gid: 5, mode: 5 } }),
      [],
    ],
    [
      "an open copy",
      persisted({ copy: { ...ROOT, mode: 0o777, type: "directory" } }),
      ["owners failed: others may write to /persist/a (0777)"],
    ],
    [
      "an open copy of what is not",
      persisted({ copy: { ...ROOT, mode: 0o666, type: "file" }, inRoot: ROOT }),
      ["owners failed: others may write to /persist/a (0666)"],
    ],
    [
      "an open copy of what is open, too",
      persisted({
        copy: { ...ROOT, mode: 0o777, type: "directory" },
        inRoot: { ...ROOT, mode: 0o777 },
      }),
      [],
    ],
    [
      "an open copy that the profile wants",
      persisted({
        copy: { ...ROOT, mode: 0o777, type: "directory" },
        wanted: { uid: undefined, gid: undefined, mode: 0o777 },
      }),
      [],
    ],
    ["a sticky copy", persisted({ copy: { ...ROOT, mode: 0o1777, type: "directory" } }), []],
    [
      "a link, whose mode says nothing",
      persisted({
        copy: { ...ROOT, mode: 0o777, type: "symlink" },
        wanted: { uid: 0, gid: 0, mode: 0o600 },
      }),
      [],
    ],
    [
      "an open parent",
      { parents: [{ path: "/p", owner: { ...ROOT, mode: 0o775 }, inRoot: undefined }] },
      ["parents failed: others may write to what holds the copies: /p (0775)"],
    ],
    [
      "a sticky parent",
      { parents: [{ path: "/p", owner: { ...ROOT, mode: 0o1777 }, inRoot: undefined }] },
      [],
    ],
    [
      "another parent",
      { parents: [{ path: "/p", owner: ROOT, inRoot: { ...ROOT, mode: 0o700 } }] },
      [
        "parents failed: not as in the root, which the next boot makes by them: /p has the mode 0755, expected 0700",
      ],
    ],
    [
      "no machine-id in the lists",
      { machineId: "unlisted" },
      ["machine-id failed: /etc/machine-id isn't kept"],
    ],
    [
      "one without a copy",
      { machineId: "unsaved" },
      ["machine-id failed: /etc/machine-id has no copy"],
    ],
    ["none yet", { machineId: "nowhere" }, []],
    [
      "an invalid one",
      { machineId: "invalid" },
      ["machine-id failed: the copy of /etc/machine-id holds no id"],
    ],
    [
      "maps without a copy",
      { idMaps: ["unsaved", "unsaved"] },
      ["id-maps failed: /var/lib/nixos is kept, but its"],
    ],
    ["no maps yet", { idMaps: ["nowhere", "nowhere"] }, []],
    [
      "one map alone",
      { idMaps: ["kept", "nowhere"] },
      ["id-maps failed: /var/lib/nixos has one of"],
    ],
    [
      "no password file",
      lockedOut("is not there"),
      [
        "password failed: /persist/p is not there: user can't log in",
        "ssh failed: the server takes keys only",
        "login failed: nobody who may become root",
      ],
    ],
    [
      "a hash that others may read",
      exposed({ owner: { ...ROOT, mode: 0o640 } }),
      [
        "password failed: /persist/passwords/user with the hash of user may be read by others (mode 0640)",
        "ssh failed",
      ],
    ],
    [
      "a hash that others may write",
      exposed({ owner: { ...ROOT, mode: 0o622 } }),
      ["password failed: others than root may give user another password", "ssh failed"],
    ],
    [
      "a hash of somebody else's",
      exposed({ owner: { uid: 1000, gid: 0, mode: 0o600 } }),
      [
        "password failed: others than root may give user another password, by the owner or the mode of /persist/passwords/user (1000, 0600)",
        "ssh failed",
      ],
    ],
    [
      "an open directory above it",
      exposed({ above: [{ path: "/persist", owner: { ...ROOT, mode: 0o775 } }] }),
      [
        "password failed: others than root may give user another password, by the owner or the mode of /persist (0, 0775)",
        "ssh failed",
      ],
    ],
    [
      "a sticky one",
      exposed({ above: [{ path: "/persist", owner: { ...ROOT, mode: 0o1777 } }] }),
      ["ssh failed"],
    ],
    [
      "a locked password",
      lockedOut(undefined, true),
      ["ssh failed: the server takes keys only", "login failed: nobody"],
    ],
    ["a password alone", lockedOut(undefined), ["ssh failed: the server takes keys only"]],
    [
      "keys in the home alone",
      login({
        hasKeys: false,
        password: undefined,
        authorizedKeys: { file: "/h", fault: undefined },
      }),
      [],
    ],
    [
      "keys there that sshd refuses",
      login({ hasKeys: false, password: undefined, authorizedKeys: { file: "/h", fault: "x" } }),
      ["ssh failed: not strict enough for sshd: x", "login failed: nobody"],
    ],
    ["nobody with wheel", login({ wheel: false }), ["login failed: nobody who may become root"]],
    ["no users", { logins: [] }, []],
    ["no host keys", { hostKeys: [] }, ["host-keys failed: no host key of SSH is kept"]],
    [
      "a bad host key",
      hostKey("kept", "is empty"),
      ["host-keys failed: of the host keys in /persist: /k is empty"],
    ],
    ["one without a copy", hostKey("unsaved"), ["host-keys failed: /k has no copy"]],
    ["one that can't be kept", hostKey("unlisted"), ["host-keys failed: of the host keys"]],
    ["one that is not made yet", hostKey("nowhere"), []],
  ])("of %s", (_, changes, expected) => {
    const found = faults(changes);
    expect(found).toHaveLength(expected.length);
    for (const [index, text] of found.entries()) expect(text).toStartWith(expected[index]!);
  });

  test.each<[string, Parameters<typeof exampleProfile>[0], Partial<DoctorFacts>, string[]]>([
    ["ssh is off", { ssh: { enable: false } }, { hostKeys: [] }, []],
    [
      "ssh is off, and no password is there",
      { ssh: { enable: false } },
      login({ password: undefined }),
      ["login failed: nobody"],
    ],
    [
      "stage 1 is scripted",
      { rollback: { stage1: "scripted" } },
      initrd({ kind: "scripted", hasUnit: false, startedBy: [], hookGoesOn: true }),
      [],
    ],
    [
      "stage 1 is scripted, and stops where it ought to go on",
      { rollback: { stage1: "scripted" } },
      initrd({ kind: "scripted", hasUnit: false, startedBy: [] }),
      [
        "initrd failed: the initrd of the next boot stops the boot where the rollback fails, the profile's on_failure is boot",
      ],
    ],
    [
      "stage 1 is scripted, and goes on where it ought to stop",
      { rollback: { stage1: "scripted", on_failure: "stop" } },
      initrd({ kind: "scripted", hasUnit: false, startedBy: [], hookGoesOn: true }),
      ["initrd failed: the initrd of the next boot boots the unwiped root where"],
    ],
    [
      "preservation puts the machine id in its place",
      { persist: { module: "preservation" } },
      initrd({ placesMachineId: false }),
      [],
    ],
    [
      "a failure is to stop the boot",
      { rollback: { on_failure: "stop" } },
      {},
      [
        "initrd failed: the initrd of the next boot boots the unwiped root where the rollback fails",
      ],
    ],
    [
      "a failure is to stop the boot, and does",
      { rollback: { on_failure: "stop" } },
      initrd({ startedBy: ["sysroot.mount.requires"] }),
      [],
    ],
    [
      "no old roots are kept",
      { rollback: { keep: { days: 0, at_least: 0 } } },
      {},
      [
        "initrd failed: the initrd of the next boot has a rollback of another profile: its blankroot_keep_old is yes, expected no",
      ],
    ],
    [
      "maps are not listed",
      { persist: { directories: [] } },
      { idMaps: ["unlisted", "unlisted"] },
      ["id-maps failed: /var/lib/nixos isn't kept"],
    ],
    [
      "a password is elsewhere",
      { users: { user: { wheel: true, keys: [], password_file: "/var/log/p" } } },
      { next: { ...SYSTEM, fstab: SYSTEM.fstab.slice(0, 3) } },
      ["needed-for-boot failed: stage 1 doesn't mount /var/log"],
    ],
  ])("where %s", (_, parts, changes, expected) => {
    const found = faults(changes, exampleProfile(parts));
    expect(found).toHaveLength(expected.length);
    for (const [index, text] of found.entries()) expect(text).toStartWith(expected[index]!);
  });
});

test("examine() compares the bytes of names, and says of a device that isn't here that it didn't", () => {
  const of = exampleProfile({
    btrfs: { root: "würzel", blank: "root-blank", old_roots: "old_roots" },
  });
  const parameters = new Map([
    ...INITRD.parameters!,
    ["root", latin1OfText(shellQuote("würzel"))],
    ["device", latin1OfText(shellQuote("/dev/mapper/größe '"))],
  ]);
  const { next } = initrd({ parameters });
  const found = examine(of, { ...SOUND, next }).find(({ name }) => name === "initrd");
  expect(found?.state).toBe("ok");
  expect(found?.text).toEndWith(
    "; its device /dev/mapper/größe ' leads nowhere here, and was not compared",
  );
});

describe("findingLine()", () => {
  test.each([
    [ok("root", "x"), "ok       x"],
    [failed("root", "x", "y"), "failed   x (y)"],
    [unknown("root", "x\u001b", "y\n"), "unknown  x\\x1b (y\\n)"],
  ])("of %j", (finding, line) => {
    expect(findingLine(finding)).toBe(line);
  });
});

test("summaryOf() and doctorJson() are of one mind, and the schema takes it", () => {
  const bad = [ok("root", "x"), failed("blank", "x\u001b", "y"), unknown("initrd", "x", "y")];
  expect(summaryOf(bad)).toBe("3 checks: 1 failed, 1 can't be told");
  expect(summaryOf(bad.slice(0, 1))).toBe("1 check, all in order");
  expect(examination.parse(JSON.parse(doctorJson("/", "/dev/x", bad)))).toMatchObject({
    sound: false,
    checks: [{ advice: null }, { text: "x\u001b", advice: "y" }, { state: "unknown" }],
  });
  expect(JSON.parse(doctorJson("/", "/dev/x", bad.slice(0, 1))).sound).toBe(true);
  expect(doctorJson("/", "/dev/x", bad)).not.toContain("\u001b");
});

test("parseFstab() reads lines, with what is escaped in them, and no comments", () => {
  const text = "# a comment\n\n/dev/a /a\\040b btrfs x,y=z 0 0\n  tmpfs\t/t tmpfs\n";
  expect(parseFstab(text)).toEqual([
    { device: "/dev/a", mountPoint: "/a b", options: ["x", "y=z"] },
    { device: "tmpfs", mountPoint: "/t", options: [""] },
  ]);
});
