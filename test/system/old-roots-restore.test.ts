/** Paths brought back out of old roots on real btrfs, as persist-copy would copy them. */
import { expect, test } from "bun:test";
import {
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
import { dirname } from "node:path";
import { restoreLine, restorePlan } from "../../tools/old-roots-schema.ts";
import { sh } from "../support/disk.ts";
import { OldRootsMachine } from "../support/old-roots.ts";
import { describePrivileged } from "../support/privileged.ts";
import { struckRun } from "../support/struck.ts";
import { runWithin } from "../support/within.ts";

/** Old roots of 9 and of 2 days; the older has files. */
class RestoreMachine extends OldRootsMachine {
  readonly name: string;

  constructor() {
    super([9, 2]);
    this.name = this.names[0]!;
  }

  put(root: "old" | "root" | "persist", path: string, text = `${root} ${path}`): string {
    const file = this.in(root === "old" ? `old_roots/${this.name}` : root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  read(root: "root" | "persist", path: string): string | undefined {
    const file = this.in(root, path);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  restore(...words: string[]) {
    return this.roots("restore", this.name, ...words);
  }
}

describePrivileged("old-roots restore", () => {
  test("brings what the profile lists to the persist root, all else to the live root", () => {
    using machine = new RestoreMachine();
    machine.put("old", "/opt/tool/a");
    machine.put("old", "/etc/nixos/configuration.nix");
    machine.put("old", "/etc/machine-id");
    const ran = machine.restore("/opt/tool", "/etc/nixos", "/etc/machine-id");
    expect(ran).toMatchObject({ status: 0, stdout: "" });
    expect(ran.stderr).toContain("1 file copied to the live root");
    expect(ran.stderr).toContain("2 files copied to /persist");
    expect(machine.read("root", "/opt/tool/a")).toBe("old /opt/tool/a");
    expect(machine.read("persist", "/opt/tool/a")).toBeUndefined();
    expect(machine.read("persist", "/etc/machine-id")).toBe("old /etc/machine-id");
    expect(machine.read("persist", "/etc/nixos/configuration.nix")).toBeDefined();
    expect(machine.read("root", "/etc/machine-id")).toBeUndefined();
    // And once more: it is there.
    const again = machine.restore("/opt/tool", "/etc/nixos");
    expect(again.stderr).toContain("0 files copied to the live root");
  });

  test("takes everything about a file along", () => {
    using machine = new RestoreMachine();
    const file = machine.put("old", "/srv/d/file");
    sh([
      "sh",
      "-euc",
      `cd "$1"; chown 12:34 file; chmod 4751 file; setfattr -n user.note -v x file
ln file other; mkfifo fifo; truncate -s 1M sparse; ln -s nowhere link
touch -d @1234567.5 file; mkdir empty; chmod 1770 empty; touch -d @7654321 empty .`,
      "sh",
      dirname(file),
    ]);
    expect(machine.restore("/srv/d").status).toBe(0);
    const [from, to] = [`${dirname(file)}/`, `${machine.in("root/srv/d")}/`];
    const differences = sh(["rsync", "-aHAX", "--checksum", "-n", "-i", "--delete", from, to]);
    expect(differences).toBe("");
  });

  test("refuses what is there and different, before anything is copied, unless --update", () => {
    using machine = new RestoreMachine();
    machine.put("old", "/etc/a");
    machine.put("old", "/etc/b");
    machine.put("old", "/etc/nixos/c");
    machine.put("root", "/etc/b", "newer");
    const paths = ["/etc/a", "/etc/b", "/etc/nixos/c"];
    const ran = machine.restore(...paths);
    expect(ran).toMatchObject({ status: 3, stdout: "" });
    expect(ran.stderr).toMatch(
      /\/etc\/b: old_roots\/\S+ has a file .*, the live root has a file .*; differs in/,
    );
    expect(ran.stderr).toContain("--update replaces what differs by what old_roots/");
    expect(machine.read("root", "/etc/a")).toBeUndefined();
    expect(machine.read("persist", "/etc/nixos/c")).toBeUndefined();
    expect(machine.restore("--update", ...paths).status).toBe(0);
    expect(machine.read("root", "/etc/b")).toBe("old /etc/b");
  });

  test("does nothing with --dry-run, and says where each path goes", () => {
    using machine = new RestoreMachine();
    machine.put("old", "/opt/a");
    machine.put("old", "/etc/nixos/b");
    const ran = machine.restore("--dry-run", "/opt/a", "/etc/nixos/b");
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain("copy      /opt/a -> /opt/a (10 bytes)\n");
    expect(ran.stdout).toContain("copy      /etc/nixos/b -> /persist/etc/nixos/b");
    const { stdout } = machine.restore("--dry-run", "--json", "/opt/a", "/etc/nixos/b");
    const { from, copies } = restorePlan.parse(JSON.parse(stdout));
    expect(from).toBe(`old_roots/${machine.name}`);
    expect(copies.map(({ to }) => to)).toEqual(["root", "persist"]);
    expect(readdirSync(machine.in("root"))).toEqual([]);
    expect(readdirSync(machine.in("persist"))).toEqual([]);
  });

  test("goes where --to says", () => {
    using machine = new RestoreMachine();
    machine.put("old", "/opt/a");
    expect(machine.restore("--to=persist", "/opt/a").status).toBe(0);
    expect(machine.read("persist", "/opt/a")).toBe("old /opt/a");
    machine.put("old", "/etc/nixos/b");
    const hidden = machine.restore("--to=root", "/etc/nixos/b", "/opt/a");
    expect(hidden.status).toBe(3);
    expect(hidden.stderr).toContain("/etc/nixos/b: /etc/nixos is mounted over it");
    expect(readdirSync(machine.in("root"))).toEqual([]);
  });

  test("puts nothing beneath a mount", () => {
    using machine = new RestoreMachine();
    machine.put("old", "/var/log/shadowed");
    machine.put("old", "/var/lib/seen");
    machine.put("old", "/etc/nixos/listed");
    const refused = machine.restore("/var/log/shadowed");
    expect(refused.status).toBe(3);
    expect(refused.stderr).toContain("/var/log/shadowed: /var/log is mounted over it");
    const ran = machine.restore("/var", "/etc");
    expect(ran.status).toBe(0);
    expect(ran.stderr).toContain("2 paths under mounts left out");
    expect(machine.read("root", "/var/lib/seen")).toBeDefined();
    expect(machine.read("root", "/var/log/shadowed")).toBeUndefined();
    expect(machine.read("root", "/etc/nixos/listed")).toBeUndefined();
  });

  test("never follows a link of the old root or of the live one", () => {
    using machine = new RestoreMachine();
    machine.put("old", "/dir/file");
    machine.put("persist", "/precious", "precious");
    symlinkSync(machine.in("persist"), machine.in("root/dir"));
    expect(machine.restore("/dir/file").status).toBe(3);
    symlinkSync("dir", machine.in("old_roots", machine.name, "way"));
    expect(machine.restore("/way/file").status).toBe(3);
    symlinkSync("/persist/precious", machine.in("old_roots", machine.name, "link"));
    expect(machine.restore("/link").status).toBe(0);
    expect(readlinkSync(machine.in("root/link"))).toBe("/persist/precious");
    expect(existsSync(machine.in("persist/file"))).toBe(false);
    expect(machine.read("persist", "/precious")).toBe("precious");
  });

  test("reads paths from stdin, as bytes", () => {
    using machine = new RestoreMachine();
    const name = Buffer.from("a\nb\xff", "latin1");
    const dir = machine.in("old_roots", machine.name);
    writeFileSync(Buffer.concat([Buffer.from(`${dir}/`), name]), "bytes");
    const argv = [...machine.words("restore"), machine.name, "-0", "-"];
    const stdin = Buffer.concat([Buffer.from("/"), name, Buffer.from("\0")]);
    expect(Bun.spawnSync(argv, { stdin }).exitCode).toBe(0);
    const found = readdirSync(machine.in("root"), { encoding: "buffer" });
    expect(found.map((each) => each.toString("latin1"))).toEqual(["a\nb\xff"]);
  });

  test("ends with 4 and no success where something had to be left out", () => {
    using machine = new RestoreMachine();
    machine.put("old", "/srv/user/file");
    machine.put("old", "/zz/important");
    const obstacle = machine.in("root", "/srv/user/.blankroot-unfinished");
    mkdirSync(obstacle, { recursive: true });
    sh(["chown", "1000:1000", obstacle]);
    const ran = machine.restore("--json", "/srv/user", "/zz");
    expect(ran.status).toBe(4);
    expect(ran.stderr).not.toContain("[success]");
    expect(ran.stderr).toContain(
      "/srv/user/file: Cannot make .blankroot-unfinished beside /srv/user/file",
    );
    expect(ran.stdout).toContain('{"action":"left-out","path":"/srv/user/file"');
    expect(machine.read("root", "/zz/important")).toBe("old /zz/important");
  });

  test("reads back with --verify, and names what is not as in the old root", () => {
    using machine = new RestoreMachine();
    for (const path of ["/opt/a", "/opt/b", "/etc/machine-id"]) machine.put("old", path);
    const paths = ["/opt", "/etc/machine-id"];
    const words = ["old-roots", "restore", "--profile", machine.profile];
    // When all of the live root's is in place, and before it is read back.
    const shell = `printf spoiled >${machine.in("root", "/opt/b")}`;
    const strike = { call: "syncfs", nth: 2, when: "after", shell } as const;
    const argv = [...words, "--json", "--verify", machine.name, ...paths];
    const spoiled = struckRun(argv, strike);
    expect(spoiled.stderr).toContain(
      "Cannot trust 1 of 3 paths, read back from the disk:\n    /opt/b:",
    );
    expect(spoiled.status).toBe(4);
    expect(spoiled.stdout).toContain('"action":"not-verified","path":"/opt/b"');
    expect(spoiled.stdout.trim().split("\n").at(-1)).toStartWith('{"action":"failed"');
    const ran = machine.restore("--update", "--verify", ...paths);
    expect(ran.stderr).toContain("paths read back and right");
    expect(ran.status).toBe(0);
    expect(machine.read("root", "/opt/b")).toBe("old /opt/b");
  });

  test("tells as JSON what it does", () => {
    using machine = new RestoreMachine();
    machine.put("old", "/opt/a");
    const lines = machine.restore("--json", "/opt/a").stdout.trim().split("\n");
    const events = lines.map((line) => restoreLine.parse(JSON.parse(line)));
    expect(events[0]).toEqual({
      action: "restore",
      from: `old_roots/${machine.name}`,
      to: "root",
    });
    expect(events.map(({ action }) => action)).toEqual([
      "restore",
      "make-directory",
      "copy-file",
      "summary",
    ]);
  });

  test.each<[string, string[], number, RegExp]>([
    [
      "a path that the old root lacks",
      ["/none"],
      3,
      /what old_roots\/\S+ doesn't have:\n +\/none\n/,
    ],
    ["a relative path", ["etc/a"], 2, /expected an absolute path/],
    ["all of it", ["/"], 2, /expected a path below the root/],
    ["another place", ["--to=home", "/a"], 2, /--to is "home", expected root or persist/],
    ["no path", [], 2, /too few words, expected NAME PATH…/],
    [
      "what lies in the persist root",
      ["--to=persist", "/persist/x"],
      3,
      /in the persist root itself/,
    ],
  ])("refuses %s", (_, words, status, message) => {
    using machine = new RestoreMachine();
    machine.put("old", "/persist/x");
    const ran = machine.restore(...words);
    expect(ran).toMatchObject({ status, stdout: "" });
    expect(ran.stderr).toMatch(message);
    expect(readdirSync(machine.in("root"))).toEqual([]);
  });

  test("restores to the root that runs, and beneath what is mounted there", () => {
    using machine = new RestoreMachine();
    for (const path of ["/opt/a", "/etc/nixos/b", "/etc/machine-id", "/var/log/hidden"]) {
      machine.put("old", path);
    }
    machine.put("persist", "/etc/nixos/newer", "newer");
    machine.put("persist", "/etc/machine-id", "new");
    const host = machine.mount();
    const prepare = `mkdir -p "$HOST/etc/nixos"; : >"$HOST/etc/machine-id"
      for path in nixos machine-id; do
        mount --bind "$HOST/persist/etc/$path" "$HOST/etc/$path"
      done`;
    const run = (...words: string[]) => {
      const call = ["old-roots", "restore", "--profile", machine.profile, machine.name];
      return runWithin(host, [...call, ...words], prepare);
    };
    expect(run("/opt/a", "/etc/nixos")).toMatchObject({ status: 0, stdout: "" });
    expect(machine.read("root", "/opt/a")).toBe("old /opt/a");
    expect(machine.read("persist", "/etc/nixos/b")).toBe("old /etc/nixos/b");
    expect(machine.read("persist", "/etc/nixos/newer")).toBe("newer");
    expect(readdirSync(machine.in("root/etc/nixos"))).toEqual([]);
    // Its own file is what the root sees: another in its place would be seen by nobody.
    const cutOff = run("--update", "/etc/machine-id");
    expect(cutOff.status).toBe(3);
    expect(cutOff.stderr).toContain("mounted over the path now, and replacing it would cut that");
    expect(machine.read("persist", "/etc/machine-id")).toBe("new");
    expect(run("/var/log/hidden").stderr).toContain("/var/log is mounted over it");
  });

  test("shares the content with the old root", () => {
    using machine = new RestoreMachine();
    const file = machine.put("old", "/opt/large", "");
    sh(["sh", "-euc", 'head -c 40M /dev/urandom >"$1"; sync "$1"', "sh", file]);
    expect(machine.restore("/opt/large").status).toBe(0);
    const copy = machine.in("root/opt/large");
    expect(lstatSync(copy).size).toBe(statSync(file).size);
    expect(sh(["btrfs", "filesystem", "du", "--raw", "-s", copy])).toMatch(
      /\n +41943040 +0 +41943040 /,
    );
  });
});
