/** The one line for a login: what it says, when it says nothing, and that it is never out of date. */
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { formatBytes } from "../../lib/text.ts";
import { blankroot, COMMAND } from "../support/blankroot.ts";
import { sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";

const ANSWER = "/run/blankroot/login-answer";
const TABLES = `[persist]
directories = ["/etc/nixos"]
files = ["/etc/machine-id"]
ignore = ["/var/cache/**"]
`;

function login(machine: Machine): string {
  const { status, stdout, stderr } = machine.run("rollback-preview", "--login");
  expect([status, stderr]).toEqual([0, ""]);
  return stdout;
}

/** Whether the line is the kept one: then what was put in its place is said. */
function isKept(machine: Machine): boolean {
  const text = readFileSync(ANSWER, "utf8");
  const planted = "planted by the test";
  writeFileSync(ANSWER, JSON.stringify({ ...JSON.parse(text), line: planted }));
  const said = login(machine);
  if (existsSync(ANSWER) && said.includes(planted)) writeFileSync(ANSWER, text);
  return said.includes(planted);
}

function nest(machine: Machine, subvolume: string): void {
  sh(["btrfs", "--quiet", "subvolume", "create", machine.in(subvolume)]);
}

function forget(machine: Machine, subvolume: string): void {
  sh(["btrfs", "--quiet", "subvolume", "delete", machine.in(subvolume)]);
}

describePrivileged("rollback-preview --login", () => {
  test("says in one line what would be lost, and nothing where nothing is", () => {
    using machine = new Machine(TABLES);
    expect(login(machine)).toBe("");
    machine.write("root", "/etc/nixos/a", "/etc/machine-id", "/var/cache/c", "/root/secret");
    machine.persist("/etc/nixos", "/etc/machine-id");
    machine.link("/bin/sh", "/nix/store/x");
    expect(login(machine)).toBe("1 file, 13 bytes would be lost at the next boot: files of root\n");
    machine.write("root", "/var/lib/docker/x");
    expect(login(machine)).toBe(
      "2 files, 31 bytes would be lost at the next boot: docker, files of root\n",
    );
    const preview = JSON.parse(machine.run("rollback-preview", "--json").stdout);
    expect(preview.counts.lost).toEqual({ files: 2, bytes: 31 });
  });

  test("counts as the whole preview does, whatever kinds of files there are", () => {
    using machine = new Machine('[persist]\nfiles = ["/srv/listed"]\nignore = ["/srv/**/*.tmp"]\n');
    machine.write("root", "/home/jo/p/a", "/home/jo/p/b", "/home/jo/.git", "/home/jo/q/.git/x");
    machine.write("root", "/srv/listed", "/srv/a.tmp", "/srv/b/c.tmp", "/srv/b/d", "/top", "/.git");
    machine.write("root", "/var/lib/a/.x", "/var/lib/a/-", "/var/lib/a/\n", "/var/lib/\xff\x1b/x");
    nest(machine, "root/var/lib/portables");
    machine.write("root", "/var/lib/portables/a", "/var/lib/portables/deeper/b");
    sh(["ln", machine.in("root/home/jo/p/a"), machine.in("root/home/jo/p/c")]);
    sh(["ln", machine.in("root/home/jo/p/a"), machine.in("root/var/lib/a/linked")]);
    sh(["truncate", "--size=1234567890123", machine.in("root/var/lib/a/sparse")]);
    sh(["truncate", "--size=7E", machine.in("root/home/jo/q/sparse")]);
    sh(["mkfifo", machine.in("root/home/jo/p/fifo")]);
    sh(["setfattr", "-n", "user.a", "-v", "x", machine.in("root/home/jo/p/b")]);
    machine.link("/home/jo/p/link", "/elsewhere");
    const { counts, groups } = JSON.parse(machine.run("rollback-preview", "--json").stdout);
    const { files, bytes } = counts.lost;
    expect([files, groups.length]).toEqual([20, 7]);
    const amount = `${files} files, ${formatBytes(BigInt(bytes))} would be lost at the next boot`;
    expect(login(machine)).toBe(`${amount}: files of jo, a, systemd-portabled and 3 more\n`);
  });

  test("takes the profile that was checked before where its text is the same", () => {
    using machine = new Machine(TABLES);
    rmSync(ANSWER, { force: true });
    machine.write("root", "/a");
    expect(login(machine)).toContain("1 file");
    const answer = JSON.parse(readFileSync(ANSWER, "utf8"));
    answer.profile.persist.ignore = ["/b"];
    writeFileSync(ANSWER, JSON.stringify(answer));
    machine.write("root", "/b");
    expect(login(machine)).toContain("1 file");
    machine.writeProfile(`${TABLES}\n`);
    expect(login(machine)).toContain("2 files");
    machine.writeProfile("[persit]\n");
    const wrong = login(machine);
    expect(wrong).toContain("persit");
    rmSync(ANSWER);
    expect(login(machine)).toBe(wrong);
  });

  test("keeps the line for as long as nothing that it follows from has changed", () => {
    using machine = new Machine(TABLES);
    rmSync(ANSWER, { force: true });
    machine.write("root", "/root/a");
    expect(login(machine)).toContain("1 file");
    expect(statSync(ANSWER).mode & 0o777).toBe(0o600);
    expect(isKept(machine)).toBe(true);
    // The persist root was not asked for anything.
    machine.write("persist", "/anything");
    expect(isKept(machine)).toBe(true);

    const changes: [what: string, change: () => void, line: string][] = [
      ["a file", () => machine.write("root", "/root/b"), "2 files"],
      ["a file that went", () => rmSync(machine.in("root/root/b")), "1 file"],
      [
        "a list of the profile",
        () => machine.writeProfile('[persist]\nfiles = ["/root/a"]\n'),
        "1 file",
      ],
      ["a copy", () => machine.persist("/root/a"), ""],
      ["a copy that differs", () => writeFileSync(machine.in("persist/root/a"), "x"), "1 file"],
      ["the blank one's flag", () => setReadOnly(machine, false), ""],
      ["and again", () => setReadOnly(machine, true), "1 file"],
      ["a nested subvolume", () => nest(machine, "root/nested"), "1 file"],
      ["a file in it", () => machine.write("root", "/nested/b"), "2 files"],
      ["one nested in that", () => nest(machine, "root/nested/deeper"), "2 files"],
      ["a file in that one", () => machine.write("root", "/nested/deeper/c"), "3 files"],
      ["that it went", () => forget(machine, "root/nested/deeper"), "2 files"],
      ["a stranger in the way", () => mkdirSync(machine.in("root.blankroot-next")), ""],
    ];
    for (const [what, change, line] of changes) {
      change();
      const said = login(machine);
      expect([what, said.split(",")[0]!.trim()]).toEqual([what, line]);
      expect([what, isKept(machine)]).toEqual([what, true]);
    }
  });

  test("keeps the line whatever is mounted elsewhere, and counts anew for a mount on the root", () => {
    using machine = new Machine(TABLES);
    rmSync(ANSWER, { force: true });
    machine.write("root", "/root/a", "/data/b");
    expect(login(machine)).toContain("2 files");
    const mount = (...words: string[]) => sh(["mount", ...words]);
    mount("-t", "tmpfs", "blankroot-test", machine.scratch.mkdir("elsewhere"));
    expect(isKept(machine)).toBe(true);
    const root = machine.scratch.mkdir("seen-root");
    mount("-t", "btrfs", "-o", "subvol=root", machine.device, root);
    expect(isKept(machine)).toBe(true);
    mount("-t", "tmpfs", "blankroot-test", `${root}/root`);
    expect(isKept(machine)).toBe(false);
    expect(isKept(machine)).toBe(true);
    sh(["umount", `${root}/root`]);
    expect(isKept(machine)).toBe(false);
  });

  test("counts anew where it may not keep anything", () => {
    using machine = new Machine();
    rmSync(ANSWER, { force: true });
    machine.write("root", "/a");
    const words = ["rollback-preview", "--login", "--profile", machine.profile];
    const { stdout } = blankroot(words, { env: { BLANKROOT_CACHE: "off" } });
    expect([stdout.slice(0, 6), existsSync(ANSWER)]).toEqual(["1 file", false]);
  });

  test("takes no answer that others could have written", () => {
    using machine = new Machine();
    machine.write("root", "/a");
    login(machine);
    const answer = JSON.parse(readFileSync(ANSWER, "utf8"));
    for (const mode of ["622", "606"]) {
      rmSync(ANSWER);
      writeFileSync(ANSWER, JSON.stringify({ ...answer, line: "planted" }));
      sh(["chmod", mode, ANSWER]);
      expect(login(machine)).toContain("1 file");
    }
    rmSync(ANSWER);
    writeFileSync(ANSWER, "{");
    expect(login(machine)).toContain("1 file");
  });

  test("ends well where it can't tell, and says so", () => {
    using machine = new Machine();
    const said = (words: string[], cwd = machine.scratch.mkdir("empty")) => {
      const { status, stdout, stderr } = blankroot(["rollback-preview", "--login", ...words], {
        cwd,
      });
      expect([status, stderr]).toEqual([0, ""]);
      return stdout;
    };
    const unknown = "What would be lost at the next boot can't be told: ";
    expect(said(["--profile", "/none"])).toBe(`${unknown}Cannot read the profile /none: ENOENT\n`);
    machine.writeProfile("[persit]\n");
    expect(said(["--profile", machine.profile])).toStartWith(unknown);
    expect(said(["--profile", machine.profile]).split("\n")).toHaveLength(2);
    machine.writeProfile("");
    sh(["btrfs", "--quiet", "subvolume", "delete", machine.in("root")]);
    expect(said(["--profile", machine.profile])).toContain("it has no subvolume root");
    const user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    const child = Bun.spawnSync(
      [...user, ...COMMAND, "rollback-preview", "--login", "--profile", machine.profile],
      { cwd: "/", stdout: "pipe", stderr: "pipe" },
    );
    expect(child.exitCode).toBe(0);
    expect(`${child.stdout}`).toStartWith(unknown);
  });

  test("says nothing where there is no profile", () => {
    using machine = new Machine();
    const cwd = machine.scratch.mkdir("empty");
    const hasOne = ["/etc", "/persist/etc"].some((dir) =>
      existsSync(`${dir}/blankroot/config.toml`),
    );
    const { status, stdout } = blankroot(["rollback-preview", "--login"], { cwd });
    expect([status, hasOne || stdout === ""]).toEqual([0, true]);
  });
});

function setReadOnly(machine: Machine, value: boolean): void {
  sh(["btrfs", "property", "set", "-ts", machine.in("root-blank"), "ro", String(value)]);
}
