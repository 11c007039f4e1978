import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { blankroot, COMMAND, MAIN } from "../support/blankroot.ts";
import { attachLoop, makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { type ProfileOptions, writeProfile } from "../support/profile.ts";
import type { Strike } from "../support/struck-libc.ts";

const FILES = ["blankroot.nix", "check.sh", "machine-id.sh", "prune.sh", "rollback.sh"];
const MIB = 1024 ** 2;
const isExecutable = process.env.BLANKROOT_TEST_EXECUTABLE !== undefined;

/** A profile, and a directory to write to. */
function prepared(scratch: Scratch, options: Partial<ProfileOptions> = {}) {
  const profile = writeProfile(scratch, { device: "/dev/nonexistent", ...options });
  const out = scratch.mkdir("out");
  const run = (...words: string[]) => blankroot(["render-nix", "--profile", profile, ...words]);
  return { profile, out, run, write: (...words: string[]) => run("--out", out, ...words) };
}

function contents(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), "utf8")]),
  );
}

describe("render-nix prints", () => {
  test("the module, one of its texts, or all as JSON", () => {
    using scratch = new Scratch();
    const { run } = prepared(scratch);
    const all = JSON.parse(run("--json").stdout);
    expect(Object.keys(all).sort()).toEqual(FILES);
    expect(run().stdout).toBe(all["blankroot.nix"]);
    expect(run("rollback.sh").stdout).toBe(all["rollback.sh"]);
    const full = Object.keys(JSON.parse(run("--json", "--full").stdout));
    expect(full).toContain("flake.nix");
    const channels = Object.keys(JSON.parse(run("--json", "--full", "--channels").stdout));
    expect(channels.sort()).toEqual([...FILES, "configuration.nix"].sort());
  });

  test.each([
    [
      "a file that is none",
      ["other.nix"],
      /Cannot print other\.nix: expected one of blankroot\.nix/,
    ],
    ["two files", ["a", "b"], /2 operands, expected one FILE/],
    ["a file to be printed and written", ["--out=/", "rollback.sh"], /expected no --out/],
    ["--force", ["--force"], /expected --out=DIR/],
    ["--dry-run", ["-n"], /expected --out=DIR/],
    ["--channels", ["--channels"], /without --full/],
    ["JSON and a directory", ["--json", "--out=/"], /expected no --out/],
  ])("nothing for %s", (_, words, message) => {
    using scratch = new Scratch();
    const ran = prepared(scratch).run(...words);
    expect([ran.status, ran.stdout]).toEqual([2, ""]);
    expect(ran.stderr).toMatch(message);
  });
});

describe("render-nix --out", () => {
  test("writes all files, whatever the umask, and nothing the second time", () => {
    using scratch = new Scratch();
    const { out, profile, run, write } = prepared(scratch);
    const words = [...COMMAND, "render-nix", "--profile", profile, "--out", out];
    sh(["sh", "-c", 'umask 077; exec "$@"', "sh", ...words]);
    expect(contents(out)).toEqual(JSON.parse(run("--json").stdout));
    for (const name of FILES) expect(statSync(join(out, name)).mode & 0o7777).toBe(0o644);
    const before = FILES.map((name) => statSync(join(out, name)).ino);
    const again = write();
    expect([again.status, again.stderr]).toEqual([
      0,
      expect.stringContaining("5 were there already"),
    ]);
    expect(FILES.map((name) => statSync(join(out, name)).ino)).toEqual(before);
  });

  test("refuses to replace what differs, and then writes nothing at all", () => {
    using scratch = new Scratch();
    const { out, write } = prepared(scratch);
    writeFileSync(join(out, "rollback.sh"), "mine\n");
    const ran = write();
    expect(ran.status).toBe(3);
    expect(ran.stderr).toMatch(/rollback\.sh of it differs, expected nothing there or the same/);
    expect(contents(out)).toEqual({ "rollback.sh": "mine\n" });
  });

  test("replaces it with --force, and keeps each old one", () => {
    using scratch = new Scratch();
    const { out, write } = prepared(scratch);
    for (const text of ["first\n", "second\n"]) {
      writeFileSync(join(out, "rollback.sh"), text);
      expect(write("--force").status).toBe(0);
    }
    const found = contents(out);
    expect(Object.keys(found).sort()).toEqual(
      [...FILES, "rollback.sh.old", "rollback.sh.old2"].sort(),
    );
    expect([found["rollback.sh.old"], found["rollback.sh.old2"]]).toEqual(["first\n", "second\n"]);
    expect(found["rollback.sh"]).toContain("blankroot_rollback");
  });

  test("follows no symbolic link, and keeps it with --force", () => {
    using scratch = new Scratch();
    const { out, profile, write } = prepared(scratch);
    const theirs = scratch.path("theirs");
    writeFileSync(theirs, "theirs\n");
    symlinkSync(theirs, join(out, "blankroot.nix"));
    expect(write().status).toBe(3);
    expect(write("--force").status).toBe(0);
    expect(readFileSync(theirs, "utf8")).toBe("theirs\n");
    expect(readlinkSync(join(out, "blankroot.nix.old"))).toBe(theirs);
    expect(lstatSync(join(out, "blankroot.nix")).isFile()).toBe(true);
    symlinkSync(out, scratch.path("link"));
    const ran = blankroot(["render-nix", "--profile", profile, "--out", scratch.path("link")]);
    expect(ran.status).toBe(3);
    expect(ran.stderr).toMatch(/Cannot write to .*link: .*expected a directory/);
  });

  test("makes the directory, with all above it, and not to show what it would do", () => {
    using scratch = new Scratch();
    const profile = writeProfile(scratch, { device: "/dev/none" });
    const out = scratch.path("mnt", "etc", "nixos");
    const words = ["render-nix", "--profile", profile, "--out", out];
    const shown = blankroot([...words, "--dry-run"]);
    expect(shown.status).toBe(0);
    expect(shown.stdout).toContain(`write ${out}/blankroot.nix\n`);
    expect(existsSync(scratch.path("mnt"))).toBe(false);
    expect(blankroot(words).status).toBe(0);
    expect(existsSync(join(out, "blankroot.nix"))).toBe(true);
  });

  test.each([
    [
      "is a file",
      (out: string) => {
        writeFileSync(join(out, "f"), "");
        return join(out, "f");
      },
      /expected a directory/,
    ],
    [
      "has a directory by the name of a file",
      (out: string) => {
        mkdirSync(join(out, "rollback.sh"));
        return out;
      },
      /rollback\.sh: it is a directory, expected a file or nothing/,
    ],
  ])("refuses where the directory %s", (_, make, message) => {
    using scratch = new Scratch();
    const { out, run } = prepared(scratch);
    const ran = run("--force", "--out", make(out));
    expect(ran.status).toBe(3);
    expect(ran.stderr).toMatch(message);
  });

  test("only tells what it would do with --dry-run", () => {
    using scratch = new Scratch();
    const { out, write } = prepared(scratch);
    writeFileSync(join(out, "rollback.sh"), "mine\n");
    expect(write("-n").status).toBe(3);
    const ran = write("-n", "--force");
    expect([ran.status, ran.stdout]).toEqual([
      0,
      ["write blankroot.nix", "replace rollback.sh", "write machine-id.sh"]
        .concat(["write check.sh", "write prune.sh"])
        .map((line) => `${line.replace(" ", ` ${out}/`)}\n`)
        .join(""),
    ]);
    expect(contents(out)).toEqual({ "rollback.sh": "mine\n" });
  });

  test.skipIf(isExecutable)("takes no executable along that isn't one", () => {
    using scratch = new Scratch();
    const ran = prepared(scratch).write("--with-binary");
    expect(ran.status).toBe(3);
    expect(ran.stderr).toMatch(/this runs from its sources/);
  });

  test.skipIf(!isExecutable)("takes itself and the profile along, as a package", () => {
    using scratch = new Scratch();
    const { out, profile, write } = prepared(scratch);
    expect(write("--with-binary").status).toBe(0);
    expect(readFileSync(join(out, "config.toml"))).toEqual(readFileSync(profile));
    expect(statSync(join(out, "blankroot")).mode & 0o7777).toBe(0o755);
    // What the module has Nix do, in a place as bare as its sandbox.
    const text = readFileSync(join(out, "blankroot.nix"), "utf8");
    // As the machine will have it: not below the installer's target.
    expect(text).toContain(`text = "${join(out, "config.toml").replace(/^\/mnt(?=\/)/, "")}";`);
    const build = /runCommand .*''\n([\s\S]*?)''/.exec(text)?.[1];
    const store = scratch.path("store");
    const script = build!.replace(/\$\{.*?\}/, join(out, "blankroot"));
    sh([
      "env",
      "-i",
      `PATH=${process.env.PATH}`,
      `out=${store}`,
      "BLANKROOT_CACHE=off",
      "sh",
      "-euc",
      script,
    ]);
    const links = readdirSync(join(store, "bin")).sort();
    expect(links).toContain("fs-diff");
    expect(links).toContain("render-nix");
    const again = join(store, "bin/render-nix");
    expect(sh([again, "--profile", profile, "--quiet", "--json"])).toContain("blankroot.nix");
    // From then on the profile that lies beside the module is the one that is edited.
    const own = [
      "render-nix",
      "--profile",
      join(out, "config.toml"),
      "--with-binary",
      "--out",
      out,
    ];
    expect(blankroot(own).stderr).toContain("6 were there already");
    // Out of the store it is the uncompressed form: the download that it was made of stays.
    const installed = (words: readonly string[]) =>
      Bun.spawnSync([join(store, "bin/blankroot"), ...words], { stdout: "ignore", stderr: "pipe" });
    expect(`${installed(own).stderr}`).toContain("6 were there already");
    const damaged = readFileSync(join(out, "blankroot"));
    damaged[damaged.length - 1]! ^= 1;
    writeFileSync(join(out, "blankroot"), damaged);
    const ran = installed(own);
    expect(`${ran.stderr}`).toContain("blankroot of it differs");
    expect(ran.exitCode).toBe(3);
  });
});

const STRIKES = [
  ["linkat", 4],
  ["unlinkat", 2],
  ["renameat2", 2],
] as const;

describe("render-nix --out, killed at a call", () => {
  test.each(
    STRIKES.flatMap(([call, times]) =>
      Array.from({ length: times }, (_, index) => [call, index + 1] as const),
    ),
  )("%s no. %p, leaves the old file or the new, and is finished by the next run", (call, nth) => {
    using scratch = new Scratch();
    const { out, profile, run, write } = prepared(scratch);
    const names = ["blankroot.nix", "rollback.sh"];
    for (const name of names) writeFileSync(join(out, name), "mine\n");
    const wanted = JSON.parse(run("--json").stdout);
    const strike: Strike = { call, nth, when: "after" };
    const preload = join(import.meta.dir, "../support/struck-libc.ts");
    const words = ["render-nix", "--profile", profile, "--force", "--out", out];
    const child = Bun.spawnSync([process.execPath, "--preload", preload, MAIN, ...words], {
      env: { ...process.env, STRIKE: JSON.stringify(strike) },
    });
    expect(child.signalCode).toBe("SIGKILL");
    for (const name of names) {
      expect(["mine\n", wanted[name]]).toContain(readFileSync(join(out, name), "utf8"));
    }
    expect(write("--force").status).toBe(0);
    const kept = names.map((name) => [`${name}.old`, "mine\n"]);
    expect(contents(out)).toEqual({ ...wanted, ...Object.fromEntries(kept) });
  });
});

describePrivileged("render-nix names file systems", () => {
  /** A disk as format-disk makes it, and what blkid says of its parts. */
  function formatted(scratch: Scratch) {
    const device = attachLoop(scratch, "disk", { sizeBytes: 800 * MIB });
    const label = `render-${scratch.dir.slice(-6)}`;
    const { profile, run } = prepared(scratch, { device, label });
    const token = /token is (\S+)/.exec(
      blankroot(["format-disk", "--profile", profile, "--apply=none"]).stderr,
    )?.[1];
    const ran = blankroot(["format-disk", "--profile", profile, `--apply=${token}`]);
    if (ran.status !== 0) throw new Error(ran.stderr);
    const tag = (number: number, name: string) =>
      sh([
        "blkid",
        "--probe",
        "--match-tag",
        name,
        "--output",
        "value",
        `${device}p${number}`,
      ]).trim();
    return { device, label, run, tag };
  }

  test("by the UUIDs of the disk, where it is the profile's", () => {
    using scratch = new Scratch();
    const { device, run, tag } = formatted(scratch);
    const { stdout, status } = run();
    expect(status).toBe(0);
    expect(stdout).toContain(`btrfs = "/dev/disk/by-uuid/${tag(3, "UUID")}";`);
    expect(stdout).toContain(`device = "/dev/disk/by-uuid/${tag(1, "UUID")}";`);
    const partition = sh(["sfdisk", "--part-uuid", device, "2"]).trim().toLowerCase();
    expect(stdout).toContain(`device = "/dev/disk/by-partuuid/${partition}";`);
    expect(stdout).toContain(`"/dev/disk/by-uuid/${tag(2, "UUID")}"`);
    expect(stdout).not.toContain("was not there");
  });

  test("by label where another machine's disk has its name, or that is asked for", () => {
    using scratch = new Scratch();
    const { device, label, run } = formatted(scratch);
    const other = writeProfile(scratch, { device, label: "another" }, "other.toml");
    const ran = blankroot(["render-nix", "--profile", other]);
    expect(ran.stdout).toContain('btrfs = "/dev/disk/by-label/another";');
    expect(ran.stdout).not.toContain("by-uuid");
    expect(ran.stderr).toContain("by its label");
    expect(run("--labels").stdout).toContain(`btrfs = "/dev/disk/by-label/${label}";`);
  });

  test("by what the profile says, with the swap file's offset", () => {
    using scratch = new Scratch();
    const device = makeBtrfs(scratch, "disk", 256 * MIB, "Theirs");
    const top = mountAt(scratch, "top", device);
    sh(["btrfs", "subvolume", "create", `${top}/swap`]);
    const file = `${top}/swap/swapfile`;
    sh(["btrfs", "filesystem", "mkswapfile", "--size", "16m", file]);
    const offset = sh(["btrfs", "inspect-internal", "map-swapfile", "-r", file]).trim();
    const { run } = prepared(scratch, {
      device,
      swap: '[disk.swap]\nkind = "file"\nsize = "16MiB"\n',
      btrfs: `device = "${device}"\n`,
    });
    const { stdout } = run();
    expect(stdout).toContain(`btrfs = "${device}";`);
    expect(stdout).toContain(
      `boot.kernelParams = lib.mkIf ownDisks [ "resume_offset=${offset}" ];`,
    );
    sh(["umount", top]);
    expect(run().stdout).toContain(`resume_offset=${offset}`);
  });

  test("by label, with a warning, where the disk can't be read", () => {
    using scratch = new Scratch();
    const folder = scratch.mkdir("none");
    chmodSync(folder, 0o755);
    const { run } = prepared(scratch, { device: folder });
    const ran = run();
    expect(ran.status).toBe(0);
    expect(ran.stderr).toMatch(/it is a directory, expected a whole disk; labels are used/);
    expect(existsSync(folder)).toBe(true);
  });
});
