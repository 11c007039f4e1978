import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { KEEP_PARAMETER } from "../../lib/boot/stage1.ts";
import { sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { NixosMachine, SYSTEM } from "../support/nixos.ts";
import { describePrivileged } from "../support/privileged.ts";

const TABLES = `[persist]
directories = ["/etc/nixos"]
files = ["/etc/machine-id"]
ignore = ["/var/cache/**"]

[rollback]
keep = { days = 30, at_least = 1 }

[users.user]
password_file = "/persist/passwords/user"
`;
const OLD = [
  "20200101T000000Z-00000000-0000-4000-8000-000000000001",
  "20200102T000000Z-00000000-0000-4000-8000-000000000002+2",
];

function makeOldRoot(machine: Machine, name: string): void {
  sh(["btrfs", "--quiet", "subvolume", "create", machine.in("old_roots", name)]);
}

describePrivileged("rollback-preview", () => {
  test("says what the next boot loses, keeps and prunes", () => {
    using machine = new Machine(TABLES);
    machine.write(
      "root",
      "/etc/machine-id",
      "/etc/nixos/a",
      "/var/cache/c",
      "/root/.cache/pip/x/y",
    );
    machine.persist("/etc/nixos");
    truncateSync(machine.in("root/root/.cache/pip/x/y"), 12 * 1024);
    machine.link("/bin/sh", "/nix/store/x");
    for (const name of ["machines", "portables"]) {
      mkdirSync(machine.in("root/var/lib"), { recursive: true });
      sh(["btrfs", "--quiet", "subvolume", "create", machine.in("root/var/lib", name)]);
    }
    mkdirSync(machine.in("old_roots/kept by hand"), { recursive: true });
    for (const name of OLD) makeOldRoot(machine, name);
    // A plain directory was not put there by a rollback, whatever its name.
    mkdirSync(machine.in("old_roots", "20200103T000000Z-mine"));

    const { status, stdout } = machine.run("rollback-preview");
    expect(status).toBe(1);
    expect(stdout.split("\n")[0]).toBe(
      "The next boot loses 2 files, 12.0 KiB: /etc/machine-id, /root/.cache/pip/x/y",
    );
    expect(stdout).toContain("old_roots/<UTC time>-<boot id> (kept: for 30 days");
    expect(stdout).toContain("2 nested subvolumes in it go with it:\n  /var/lib/machines\n");
    expect(stdout).toContain("/persist/passwords/user is not there");
    expect(stdout).toContain("/etc/machine-id is listed, but /persist has no copy");
    expect(stdout).toContain("1 lost file is listed, but without an equal copy");
    expect(stdout).toContain("2 old roots older than rollback.keep asks for (for 30 days");

    const preview = JSON.parse(machine.run("rollback-preview", "--json").stdout);
    expect(preview).toMatchObject({
      device: machine.device,
      set_aside: { as: "old_roots/<UTC time>-<boot id>", kept: true },
      counts: {
        lost: { files: 2, bytes: 12 * 1024 + 16 },
        kept: { files: 1, bytes: 13 },
        managed: { files: 1, bytes: 0 },
        ignored: { files: 1, bytes: 13 },
        restored: { files: 0, bytes: 0 },
      },
      largest_losses: [
        { path: "/root/.cache/pip", files: 1, bytes: 12 * 1024 },
        { path: "/etc", files: 1, bytes: 16 },
      ],
      swap: "done",
      pruned: [],
      outdated: OLD.map((path) => ({ path })),
    });
    expect(preview.set_aside.nested).toEqual([
      { path: "/var/lib/machines" },
      { path: "/var/lib/portables" },
    ]);
    expect(kinds(preview)).toEqual(["no-copy", "password-missing"]);
  });

  test("finds nothing to say of a machine in order, mounted or not", () => {
    using machine = new Machine(TABLES.replace("at_least = 1", "at_least = 3"));
    machine.write("root", "/etc/nixos/a", "/etc/machine-id");
    machine.persist("/etc/nixos", "/etc/machine-id");
    machine.write("persist", "/passwords/user");
    mkdirSync(machine.in("old_roots"));
    makeOldRoot(machine, OLD[0]!);
    sh(["umount", machine.top]);
    const { status, stdout } = machine.run("rollback-preview", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: "The next boot loses nothing",
      pruned: [],
      outdated: [],
    });
    expect(kinds(JSON.parse(stdout))).toEqual([]);
    expect(status).toBe(0);
  });

  test("says that old roots are deleted where none are kept", () => {
    using machine = new Machine("[rollback]\nkeep = { days = 0, at_least = 0 }\n");
    mkdirSync(machine.in("old_roots"));
    makeOldRoot(machine, OLD[0]!);
    machine.write("root", "/x");
    const { stdout } = machine.run("rollback-preview");
    expect(stdout).toContain("then deleted: old roots are not kept");
    expect(stdout).toContain("1 old root to be deleted, for none are kept");
  });

  test("knows the roots that a rollback has set aside", () => {
    using machine = new Machine("[rollback]\nkeep = { days = 0, at_least = 1 }\n");
    machine.write("root", "/x");
    machine.rollBack();
    machine.write("root", "/y");
    const [name] = readdirSync(machine.in("old_roots"));
    const { outdated } = JSON.parse(machine.run("rollback-preview", "--json").stdout);
    expect(outdated).toEqual([{ path: name }]);
  });

  test.each(["backrefs", "qgroups"] as const)("says what pruning frees, by %s", (method) => {
    using machine = new Machine("[rollback]\nkeep = { days = 0, at_least = 1 }\n");
    const MIB = 1024 ** 2;
    const random = (bytes: number) =>
      crypto
        .getRandomValues(new Uint8Array(65_536))
        .toHex()
        .repeat(bytes / 131_072);
    writeFileSync(machine.in("root/alone"), random(4 * MIB));
    writeFileSync(machine.in("root/shared"), random(8 * MIB));
    sh(["cp", "--reflink=always", machine.in("root/shared"), machine.in("persist/shared")]);
    machine.rollBack();
    machine.write("root", "/y");
    sh(["btrfs", "filesystem", "sync", machine.top]);
    if (method === "qgroups") {
      sh(["btrfs", "quota", "enable", machine.top]);
      sh(["btrfs", "quota", "rescan", "-w", machine.top]);
    }
    const { freed, outdated } = JSON.parse(machine.run("rollback-preview", "--json").stdout);
    expect([outdated.length, freed.method]).toEqual([1, method]);
    expect(freed.bytes).toBeGreaterThanOrEqual(4 * MIB);
    expect(freed.bytes).toBeLessThan(5 * MIB);
    const { stdout } = machine.run("rollback-preview");
    expect(stdout).toMatch(/for the daily pruning to delete, which frees 4(?:\.\d)? MiB by/);
  });

  test("knows a root that nothing was written to, which stays", () => {
    using machine = new Machine();
    machine.write("root", "/x");
    machine.rollBack();
    const { status, stdout } = machine.run("rollback-preview");
    expect(stdout).toStartWith("The next boot changes nothing");
    expect(stdout).not.toContain("set aside");
    expect(status).toBe(0);
    machine.rollBack();
    expect(readdirSync(machine.in("old_roots"))).toHaveLength(1);
  });

  test.each<[string, string, (machine: Machine) => void]>([
    [
      "a stranger in the place of the next root",
      "next-in-the-way",
      (machine) =>
        sh(["btrfs", "--quiet", "subvolume", "create", machine.in("root.blankroot-next")]),
    ],
    [
      "a link in the place of the old roots",
      "old-roots-no-directory",
      (machine) => symlinkSync("root", machine.in("old_roots")),
    ],
  ])("knows that the rollback refuses %s", (_, kind, plant) => {
    using machine = new Machine();
    machine.write("root", "/x");
    plant(machine);
    const { status, stdout } = machine.run("rollback-preview", "--json");
    const preview = JSON.parse(stdout);
    expect(preview.verdict).toStartWith("The next boot can't roll back");
    expect(kinds(preview)).toContain(kind);
    expect(status).toBe(1);
    const before = readdirSync(machine.top).sort();
    expect(() => machine.rollBack()).toThrow();
    expect(readdirSync(machine.top).sort()).toEqual(before);
  });

  test("tells who finishes what an interrupted rollback began", () => {
    using machine = new Machine();
    const next = machine.in("root.blankroot-next");
    sh(["btrfs", "--quiet", "subvolume", "snapshot", machine.in("root-blank"), next]);
    sh(["btrfs", "--quiet", "subvolume", "delete", machine.in("root")]);
    const scripts = [
      ["fs-diff"],
      ["rollback-preview"],
      ["persist-copy"],
      ["mount-subvols", "--without-esp"],
    ] as const;
    for (const [script, ...words] of scripts) {
      const { stderr, status } = machine.run(script, ...words);
      expect(stderr).toContain("rollback was interrupted");
      expect(stderr).not.toContain("make-subvols");
      expect(status).toBe(3);
    }
    expect(machine.run("make-subvols").stderr).toContain("a rollback was interrupted");
    machine.rollBack();
    expect(machine.run("fs-diff").status).toBe(0);
  });

  test.each<[string, (machine: Machine) => void, string, string]>([
    [
      "missing",
      (machine) => sh(["btrfs", "--quiet", "subvolume", "delete", machine.in("root-blank")]),
      "blank-missing",
      "The next boot can't roll back and starts from the root as it is; a rollback would lose 1 file, 5 bytes: /new",
    ],
    [
      "writable",
      (machine) => sh(["btrfs", "property", "set", "-ts", machine.in("root-blank"), "ro", "false"]),
      "blank-writable",
      "The next boot can't roll back and starts from the root as it is; a rollback would lose 1 file, 5 bytes: /new",
    ],
    [
      "not empty",
      (machine) => {
        const blank = machine.in("root-blank");
        sh(["btrfs", "property", "set", "-ts", blank, "ro", "false"]);
        writeFileSync(`${blank}/left`, "");
        sh(["btrfs", "property", "set", "-ts", blank, "ro", "true"]);
      },
      "blank-not-empty",
      "The next boot loses 1 file, 5 bytes: /new",
    ],
  ])("warns where the blank snapshot is %s", (_, spoil, kind, verdict) => {
    using machine = new Machine();
    machine.write("root", "/new");
    spoil(machine);
    const { stdout, status } = machine.run("rollback-preview", "--json");
    const preview = JSON.parse(stdout);
    expect(kinds(preview)).toContain(kind);
    expect(preview.verdict).toBe(verdict);
    expect(status).toBe(1);
  });

  test("says that the root was kept at this boot, and where every boot keeps it", () => {
    using nixos = new NixosMachine();
    const show = (commandLine: string) => {
      const running = { result: undefined, commandLine };
      return JSON.parse(nixos.runWithin("rollback-preview", running, "--json").stdout);
    };
    expect(kinds(show("quiet"))).toEqual([]);
    const kept = show(`quiet ${KEEP_PARAMETER}`);
    expect([kinds(kept), kept.swap]).toEqual([["kept-now"], "done"]);
    nixos.write(`/nix/${SYSTEM}/kernel-params`, `${KEEP_PARAMETER} quiet`);
    const next = show("quiet");
    expect([kinds(next), next.swap, next.set_aside]).toEqual([["kept-next"], "kept", null]);
    expect(next.verdict).toStartWith("The next boot keeps the root, as the kernel's command line");
  });

  test("warns where the persist subvolume is not there", () => {
    using machine = new Machine(TABLES);
    sh(["btrfs", "--quiet", "subvolume", "delete", machine.in("persist")]);
    expect(kinds(JSON.parse(machine.run("rollback-preview", "--json").stdout))).toContain(
      "persist-missing",
    );
  });
});

function kinds(preview: { warnings: { kind: string }[] }): string[] {
  return preview.warnings.map(({ kind }) => kind);
}
