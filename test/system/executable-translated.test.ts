/** The executable for aarch64 where no kernel is booted: QEMU translates one process. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ARCHITECTURES } from "../../tools/build/architectures.ts";
import { makeInPlace } from "../../tools/build/executable.ts";
import { COMMAND } from "../support/blankroot.ts";
import { Scratch, sh } from "../support/disk.ts";
import { builtExecutable } from "../support/executable.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";
import { translator } from "../support/translator.ts";

const CHECK = join(import.meta.dir, "../support/decoder-check.ts");

function run(argv: readonly string[]) {
  const child = Bun.spawnSync([...argv], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const { stdout, stderr, exitCode } = child;
  return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}

describePrivileged("the executable for aarch64, translated,", () => {
  test("starts, and is of the same commit", () => {
    const { inPlace } = builtExecutable("aarch64");
    const own = run([builtExecutable().inPlace, "--version"]);
    expect(run([translator(), inPlace, "--version"])).toEqual(own);
    expect(run([translator(), inPlace, "--help"]).stdout).toContain("fs-diff");
  });

  test("decodes metadata as here", () => {
    using scratch = new Scratch();
    const architecture = ARCHITECTURES.find(({ name }) => name === "aarch64")!;
    const options = { folder: scratch.dir, commit: "check", entries: [CHECK] };
    const file = scratch.path("check");
    writeFileSync(file, makeInPlace(architecture, options).bytes, { mode: 0o755 });
    const here = run([process.execPath, CHECK]);
    expect(here.stdout.split("\n").length).toBeGreaterThan(100);
    expect(run([translator(), file])).toEqual(here);
  });

  test("walks files as here", () => {
    using machine = new Machine();
    machine.write("root", "/etc/a", "/var/lib/b", "/var/lib/c\nd", "/var/lib/e\u00ff");
    sh(["mkfifo", machine.in("root/etc/fifo")]);
    sh(["ln", "-s", "../a", machine.in("root/etc/link")]);
    sh(["ln", machine.in("root/etc/a"), machine.in("root/etc/hard")]);
    sh(["setfattr", "-n", "user.x", "-v", "y", machine.in("root/etc/a")]);
    const words = ["fs-diff", "--json", "--root", machine.in("root")];
    const all = [...words, "--base", machine.in("root-blank"), "--all"];
    const without = ["setpriv", "--bounding-set=-sys_admin"];
    const here = run([...without, ...COMMAND, ...all]);
    expect(here.stdout.trim().split("\n").length).toBeGreaterThan(8);
    const there = run([...without, translator(), builtExecutable("aarch64").inPlace, ...all]);
    expect(there).toEqual(here);
  });

  // What it unpacks, the emulator gives to the kernel, which executes nothing for aarch64.
  test("compressed, unpacks and verifies", () => {
    using scratch = new Scratch();
    const { compressed, inPlace } = builtExecutable("aarch64");
    const keep = scratch.mkdir("kept");
    const script = `mount -t tmpfs -o mode=755 t /run
${translator()} "$1" --version || status=$?
cp -r /run/blankroot-unpacked/. "$2"
exit "\${status:-0}"`;
    const ran = run(["unshare", "--mount", "sh", "-c", script, "sh", compressed, keep]);
    expect(ran).toMatchObject({ status: 4, stdout: "" });
    expect(ran.stderr).toContain("neither a file below /run nor a memory file can be executed");
    const [name, ...others] = readdirSync(keep);
    expect(others).toEqual([]);
    expect(readFileSync(join(keep, name!)).equals(readFileSync(inPlace))).toBe(true);

    const broken = scratch.path("broken");
    const bytes = readFileSync(compressed);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(broken, bytes, { mode: 0o755 });
    const damaged = run(["unshare", "--mount", "sh", "-c", script, "sh", broken, scratch.dir]);
    expect(damaged.stderr).toContain("this file is damaged, its checksum is wrong");
  });
});
