import { expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  linkSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { copyPlan } from "../../tools/copy-schema.ts";
import { blankroot, type Ran } from "../support/blankroot.ts";
import { sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";

const LISTS = `# What is kept.
[persist]
directories = ["/etc/nixos"]   # the configuration
files = [
  '/etc/machine-id',
  # not '/etc/adjtime', ]
]
`;

function persistOf(machine: Machine): string {
  const text = readFileSync(machine.profile, "utf8");
  return text.slice(text.indexOf("# What is kept."));
}

function copy(machine: Machine, ...words: string[]): Ran {
  return blankroot(["persist-copy", "--profile", machine.profile, ...words]);
}

describePrivileged("persist-copy --add", () => {
  test("copies and lists, and the file is otherwise as it was", () => {
    using machine = new Machine(LISTS);
    machine.write("root", "/etc/foo.conf", "/var/lib/bar/deep/x", "/etc/nixos/flake.nix");
    chownSync(machine.profile, 12, 34);
    chmodSync(machine.profile, 0o640);
    sh(["setfattr", "-n", "user.note", "-v", "mine", machine.profile]);
    const before = readFileSync(machine.profile, "utf8");
    const words = ["/etc/foo.conf", "/var/lib/bar", "/var/lib/bar/deep/x", "/etc/nixos/flake.nix"];
    const ran = copy(machine, "--add", ...words);
    expect(ran.stderr).toContain(`2 entries added to ${machine.profile}`);
    expect(ran.status).toBe(0);
    expect(persistOf(machine)).toBe(
      LISTS.replace('["/etc/nixos"]', '["/etc/nixos", "/var/lib/bar"]').replace(
        /\]\n$/,
        "  '/etc/foo.conf',\n]\n\n",
      ),
    );
    expect(readFileSync(machine.profile, "utf8").startsWith(before.split("# What")[0]!)).toBe(true);
    const { uid, gid, mode } = statSync(machine.profile);
    expect([uid, gid, mode & 0o7777]).toEqual([12, 34, 0o640]);
    expect(sh(["getfattr", "--only-values", "-n", "user.note", machine.profile])).toBe("mine");
    expect(readdirSync(dirname(machine.profile)).filter((name) => name.startsWith("."))).toEqual(
      [],
    );
    expect(readFileSync(machine.in("persist/var/lib/bar/deep/x"), "utf8")).toBe(
      "/var/lib/bar/deep/x\n",
    );
    const again = copy(machine, "--add", ...words);
    expect(again.stderr).toContain("lists all of it already");
    expect(copy(machine).stderr).toContain("0 files copied");
  });

  test("--dry-run shows what it would add, and does nothing", () => {
    using machine = new Machine(LISTS);
    machine.write("root", "/etc/foo.conf");
    const before = readFileSync(machine.profile, "utf8");
    const ran = copy(machine, "--add", "--dry-run", "/etc/foo.conf");
    expect(ran.stdout).toEndWith('list      persist.files: "/etc/foo.conf"\n');
    const { stdout } = copy(machine, "--add", "--dry-run", "--json", "/etc/foo.conf");
    const json = copyPlan.parse(JSON.parse(stdout));
    expect(json.additions).toEqual({ directories: [], files: [{ path: "/etc/foo.conf" }] });
    expect(readFileSync(machine.profile, "utf8")).toBe(before);
    expect(readdirSync(machine.in("persist"))).toEqual([]);
  });

  test("writes through a symbolic link, which stays one", () => {
    using machine = new Machine(LISTS);
    machine.write("root", "/etc/foo");
    const repository = machine.scratch.mkdir("repository");
    renameSync(machine.profile, join(repository, "host.toml"));
    symlinkSync("repository/host.toml", machine.profile);
    expect(copy(machine, "--add", "/etc/foo").status).toBe(0);
    expect(sh(["readlink", machine.profile])).toBe("repository/host.toml\n");
    expect(readFileSync(join(repository, "host.toml"), "utf8")).toContain("'/etc/foo',");
  });

  const REFUSALS: Array<[string, (machine: Machine) => string[], RegExp]> = [
    [
      "a link",
      (machine) => {
        machine.link("/etc/link", "x");
        return ["/etc/link"];
      },
      /\/etc\/link: it is a symlink, expected a file or a directory/,
    ],
    [
      "what the profile ignores",
      (machine) => {
        machine.writeProfile(`${LISTS}ignore = ["/etc/foo/**"]\n`);
        machine.write("root", "/etc/foo/x");
        return ["/etc/foo"];
      },
      /overlaps \/etc\/foo of persist\.directories\[1\][\s\S]*by hand:\n\s+persist\.directories: "\/etc\/foo"/,
    ],
    [
      "a read-only file",
      (machine) => {
        chmodSync(machine.profile, 0o444);
        return ["/etc/nixos"];
      },
      /nobody may write to it \(mode 0444\)[\s\S]*chmod u\+w/,
    ],
    [
      "a file with two names",
      (machine) => {
        linkSync(machine.profile, machine.scratch.path("other"));
        return ["/etc/nixos"];
      },
      /it has 2 names \(hard links\)/,
    ],
    [
      "a file that is mounted",
      (machine) => {
        writeFileSync(machine.scratch.path("under"), "");
        sh(["mount", "--bind", machine.profile, machine.scratch.path("under")]);
        machine.profile = machine.scratch.path("under");
        return ["/etc/nixos"];
      },
      /it is a mount point, and can't be replaced/,
    ],
    [
      "a file on what is mounted for reading alone",
      (machine) => {
        const dir = machine.scratch.mkdir("read-only");
        sh(["mount", "-t", "tmpfs", "none", dir]);
        sh(["cp", "--archive", machine.profile, join(dir, "host.toml")]);
        sh(["mount", "-o", "remount,ro", dir]);
        machine.profile = join(dir, "host.toml");
        return ["/etc/nixos"];
      },
      /it is mounted read-only/,
    ],
  ];

  test.each(REFUSALS)("refuses %s, and copies nothing", (_, prepare, words) => {
    using machine = new Machine(LISTS);
    machine.write("root", "/etc/nixos/x");
    const named = prepare(machine);
    const before = readFileSync(machine.profile, "utf8");
    const ran = copy(machine, "--add", ...named);
    expect(ran.stderr).toMatch(words);
    expect(ran.status).toBe(3);
    expect(readdirSync(machine.in("persist"))).toEqual([]);
    expect(readFileSync(machine.profile, "utf8")).toBe(before);
  });

  test("refuses names that no profile can hold, one by one", () => {
    using machine = new Machine(LISTS);
    machine.write("root", "/etc/good");
    const names = ["/etc/a\nb", "/etc/good", "/etc/\xff"].map((name) =>
      Buffer.from(name, "latin1"),
    );
    const root = Buffer.from(machine.in("root"));
    for (const name of names) writeFileSync(Buffer.concat([root, name]), "x");
    const stdin = Buffer.concat(names.map((name) => Buffer.concat([name, Buffer.from([0])])));
    const words = ["persist-copy", "--profile", machine.profile, "--add", "-0", "-"];
    const ran = blankroot(words, { stdin });
    expect(ran.stderr).toMatch(
      /:\n\s+\/etc\/a\\nb: expected no control characters\n\s+\/etc\/\\xff: its name is not UTF-8\n\s+Nothing was copied/,
    );
    expect(ran.status).toBe(3);
    expect(readdirSync(machine.in("persist"))).toEqual([]);
  });

  test("says of files that are replaced by rename what to keep instead", () => {
    using machine = new Machine(LISTS);
    machine.write("root", "/root/.local/share/fish/fish_history", "/root/.zsh_history", "/etc/foo");
    const ran = copy(
      machine,
      "--add",
      "/root/.local/share/fish/fish_history",
      "/root/.zsh_history",
      "/etc/foo",
    );
    expect(ran.stderr).toMatch(
      /fish_history: fish replaces it by a rename.*EBUSY.*list the directory that holds it, \/root\/\.local\/share\/fish, and not the file/,
    );
    expect(ran.stderr).toMatch(/\.zsh_history: zsh replaces it.*HISTFILE/);
    expect(ran.stderr).not.toMatch(/foo: /);
    expect(ran.status).toBe(0);
  });

  test("changes the file that the profile of a store was made from", () => {
    using machine = new Machine(LISTS);
    machine.write("root", "/etc/foo", "/etc/bar");
    const store = "/nix/store/00000000000000000000000000000000-blankroot-test";
    const etc = machine.scratch.mkdir("etc", "blankroot");
    sh(["mkdir", "-p", store]);
    try {
      sh(["cp", machine.profile, `${store}/config.toml`]);
      chmodSync(`${store}/config.toml`, 0o444);
      symlinkSync(`${store}/config.toml`, join(etc, "config.toml"));
      const source = machine.profile;
      machine.profile = join(etc, "config.toml");
      const lost = copy(machine, "--add", "/etc/foo");
      expect(lost.stderr).toMatch(
        /it lies in the store.*\n.*--profile FILE names the file of the configuration/,
      );
      expect(lost.status).toBe(3);
      writeFileSync(join(etc, "profile-source"), "/nowhere/host.toml");
      const gone = copy(machine, "--add", "/etc/foo");
      expect(gone.stderr).toMatch(
        /it is a copy of \/nowhere\/host\.toml, which can't be found here/,
      );
      expect(gone.status).toBe(3);
      writeFileSync(join(etc, "profile-source"), source);
      expect(copy(machine, "--add", "/etc/foo").stderr).toContain(`1 entry added to ${source}`);
      // The copy in the store doesn't know it yet.
      expect(copy(machine, "--add", "/etc/bar", "/etc/foo").stderr).toContain("1 entry added");
      expect(readFileSync(source, "utf8")).toContain("  '/etc/foo',\n  '/etc/bar',\n]");
      writeFileSync(
        source,
        readFileSync(source, "utf8").replace('name = "test"', 'name = "other"'),
      );
      expect(copy(machine, "--add", "/etc/foo").stderr).toMatch(/it is of other, expected test/);
    } finally {
      sh(["rm", "-r", store]);
    }
  });
});

describePrivileged("persist-copy --nix", () => {
  test.each([
    [
      "impermanence",
      'environment.persistence."/persist" = {\n  directories = [ "/var/lib/bar" ];\n  files = [ "/etc/\\$FOO" ];\n};\n',
    ],
    [
      "preservation",
      'preservation.preserveAt."/persist" = {\n  directories = [\n    {\n      directory = "/var/lib/bar";\n      user = ":root";\n      group = ":root";\n      mode = ":0755";\n    }\n  ];\n  files = [\n    {\n      file = "/etc/\\$FOO";\n      user = ":root";\n      group = ":root";\n      mode = ":0644";\n    }\n  ];\n};\n',
    ],
  ])("prints entries for %s", (module, text) => {
    const nix = text.replace("$FOO", ["$", "{foo}"].join(""));
    using machine = new Machine(`[persist]\nmodule = "${module}"\ndirectories = ["/etc/nixos"]\n`);
    const name = ["/etc/", "$", "{foo}"].join("");
    machine.write("root", name, "/var/lib/bar/x", "/etc/nixos/x");
    const words = ["--nix", name, "/var/lib/bar", "/etc/nixos"];
    const shown = copy(machine, "--dry-run", ...words);
    expect([shown.status, shown.stdout]).toEqual([0, nix]);
    expect(readdirSync(machine.in("persist"))).toEqual([]);
    const ran = copy(machine, ...words);
    expect([ran.status, ran.stdout]).toEqual([0, nix]);
    expect(readFileSync(machine.in("persist", name), "utf8")).toBe(`${name}\n`);
    expect(copy(machine, "--nix", "/etc/nixos").stdout).toBe("");
  });
});
