/** fs-diff where metadata can't be read: without CAP_SYS_ADMIN, and where the root is no btrfs. */
import { expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { diffLine } from "../../tools/diff-schema.ts";
import { blankroot, COMMAND } from "../support/blankroot.ts";
import { Scratch, sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";

const PERSIST = `[persist]\ndirectories = ["/etc/listed"]\n`;

/** Runs it without some of root's capabilities. */
function without(capabilities: string, words: string[]) {
  const drop = capabilities.split(",").map((name) => `-${name}`);
  const argv = ["setpriv", `--bounding-set=${drop.join(",")}`, ...COMMAND, ...words];
  const child = Bun.spawnSync(argv, { stdout: "pipe", stderr: "pipe" });
  return {
    status: child.exitCode,
    stdout: child.stdout.toString(),
    stderr: child.stderr.toString(),
  };
}

describePrivileged("fs-diff without CAP_SYS_ADMIN", () => {
  test("walks to the same answer, and says once what it can't see", () => {
    using machine = new Machine();
    machine.write("root", "/etc/a", "/var/lib/b", "/var/lib/c d");
    const words = ["fs-diff", "--root", machine.in("root"), "--base", machine.in("root-blank")];
    const walked = without("sys_admin", words);
    expect(walked.stderr.match(/not everything was seen/g)).toHaveLength(1);
    expect(walked.stderr).toContain("named trusted.* are seen by root alone");
    expect(walked.stdout).toBe(blankroot(words).stdout);
    expect(walked.status).toBe(1);
    const lines = without("sys_admin", [...words, "--json"])
      .stdout.trim()
      .split("\n");
    const records = lines.map((line) => JSON.parse(line));
    for (const record of records) expect(diffLine.parse(record)).toEqual(record);
    expect(records.at(-1)).toMatchObject({
      kind: "walk",
      blind: [expect.stringContaining("trusted")],
    });
    expect(without("sys_admin", [...words, "--since", "5"]).status).toBe(3);
  });

  test("says that the blank one was taken for empty, where none is named", () => {
    using machine = new Machine();
    machine.write("root", "/etc/a");
    const words = ["fs-diff", "--root", machine.in("root"), "--profile", machine.profile];
    const ran = without("sys_admin", words);
    expect(ran.stdout).toBe("/etc/a\n");
    expect(ran.stderr).toContain("can be opened by root alone, and was taken for empty");
  });

  test("keeps nothing whose copy it may not read", () => {
    using machine = new Machine(PERSIST);
    machine.write("root", "/etc/listed/secret");
    machine.persist("/etc/listed");
    const copy = machine.in("persist/etc/listed/secret");
    const words = ["fs-diff", "--root", machine.in("root"), "--profile", machine.profile];
    const persist = ["--persist", machine.in("persist"), "--json"];
    expect(without("sys_admin", [...words, ...persist]).stdout).not.toContain("secret");
    for (const path of [copy, machine.in("root/etc/listed/secret")]) {
      chownSync(path, 1000, 1000);
      chmodSync(path, 0o600);
    }
    chownSync(machine.in("persist/etc/listed"), 1000, 1000);
    chmodSync(machine.in("persist/etc/listed"), 0o700);
    const caps = "sys_admin,dac_override,dac_read_search";
    const [line] = without(caps, [...words, ...persist]).stdout.split("\n");
    expect(JSON.parse(line!)).toMatchObject({ fate: "lost", reason: "copy not readable" });
  });

  test("counts what it may not read", () => {
    using machine = new Machine();
    machine.write("root", "/home/user/a", "/b");
    chownSync(machine.in("root/home/user"), 1000, 1000);
    chmodSync(machine.in("root/home/user"), 0o700);
    const words = ["fs-diff", "--root", machine.in("root"), "--base", machine.in("root-blank")];
    const ran = without("sys_admin,dac_override,dac_read_search", words);
    expect(ran.stdout).toBe("/b\n");
    expect(ran.stderr).toContain("1 directory could not be read");
  });
});

describePrivileged("fs-diff of a root that is no btrfs", () => {
  test("lists everything on it as added, and leaves out what is mounted there", () => {
    using scratch = new Scratch();
    const root = scratch.mkdir("root");
    sh(["mount", "-t", "tmpfs", "none", root]);
    mkdirSync(`${root}/etc`);
    writeFileSync(`${root}/etc/new`, "x");
    mkdirSync(`${root}/persist`);
    sh(["mount", "-t", "tmpfs", "none", `${root}/persist`]);
    writeFileSync(`${root}/persist/saved`, "x");
    const ran = blankroot(["fs-diff", "--root", root]);
    expect(ran.stdout).toBe("/etc/new\n");
    expect(ran.stderr).toContain("(tmpfs, /, no blank one)");
    expect(ran.stderr).not.toContain("not everything");
    expect(ran.status).toBe(1);
    const all = blankroot(["fs-diff", "--root", root, "--all", "--json"]).stdout;
    expect(all).toContain('"path":"/persist","status":"A","type":"directory","fate":"kept"');
  });
});
