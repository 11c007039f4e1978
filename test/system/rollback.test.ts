/** The command: who may roll back which disk, and what a killed or failed run leaves. */
import { expect, test } from "bun:test";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { plan as planSchema } from "../../tools/plan-schema.ts";
import { blankroot } from "../support/blankroot.ts";
import { attachLoop, mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { writeProfile } from "../support/profile.ts";
import { Machine } from "../support/rollback.ts";

const BOOT_RESULT = "/run/blankroot/rollback";

/** A machine with its disk in, and the profile of it. */
function prepared(scratch: Scratch, more = "") {
  const machine = new Machine(scratch);
  machine.insert();
  const { device } = machine;
  const btrfs = `device = "${device}"\n${more}`;
  const profile = writeProfile(scratch, { device: "/dev/nonexistent", btrfs });
  const token = `${basename(device)}-${sh(["blockdev", "--getsize64", device]).trim()}`;
  const rollback = (...words: string[]) => blankroot(["rollback", "--profile", profile, ...words]);
  return { machine, device, profile, token, rollback };
}

function mounts(): string {
  return readFileSync("/proc/self/mountinfo", "latin1");
}

/** Runs the command with one program replaced; everything it started is in a session of its own. */
function withProgram(scratch: Scratch, name: string, text: string, words: readonly string[]) {
  const bin = scratch.mkdir("bin");
  writeFileSync(`${bin}/${name}`, `#!/bin/sh\n${text}`);
  chmodSync(`${bin}/${name}`, 0o755);
  const main = join(import.meta.dir, "../../scripts/main.ts");
  const child = Bun.spawnSync(["setsid", "--wait", process.execPath, main, ...words], {
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    stdout: "pipe",
    stderr: "pipe",
  });
  const { exitCode, signalCode, stdout, stderr } = child;
  return { status: signalCode ?? exitCode, stdout: `${stdout}`, stderr: `${stderr}` };
}

describePrivileged("rollback", () => {
  test("swaps the root for whoever gives the token, and leaves its result and no mount", () => {
    using scratch = new Scratch();
    const { machine, device, token, rollback } = prepared(scratch);
    const before = mounts();
    const ran = rollback(`--apply=${token}`);
    expect(ran).toMatchObject({ status: 0, stdout: "" });
    expect(ran.stderr).toMatch(/the root on \/dev\/loop\d+ is blank, the old one is old_roots\/2/);
    expect(machine.faults()).toEqual([]);
    expect(mounts()).toBe(before);
    expect(existsSync(`/run/blankroot/top-${basename(machine.device)}`)).toBe(false);
    expect(readFileSync(`${BOOT_RESULT}-${basename(machine.device)}`, "utf8")).toMatch(
      /^outcome=done\n(.*\n)*old_root=2\d{7}T\d{6}Z-.+\n$/,
    );
    const again = rollback(`--apply=${token}`, "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({ outcome: "done", device, old_root: "" });
    machine.eject();
  });

  test("does the same by the script that --dry-run prints, which no other disk takes", () => {
    using scratch = new Scratch();
    const { machine, device, rollback } = prepared(scratch);
    const { status, stdout: script } = rollback("--dry-run");
    expect(status).toBe(0);
    expect(machine.changes()).toEqual([]);
    sh(["sh"], { stdin: script });
    expect(machine.faults()).toEqual([]);
    machine.eject();
    attachLoop(scratch, "another", { sizeBytes: 64 * 1024 ** 2 });
    const child = Bun.spawnSync(["sh"], { stdin: Buffer.from(script), stderr: "pipe" });
    expect([device, child.exitCode, `${child.stderr}`]).toEqual([
      device,
      3,
      expect.stringContaining("refused, nothing was touched"),
    ]);
  });

  test("prints its plan as JSON with --dry-run", () => {
    using scratch = new Scratch();
    const { machine, rollback } = prepared(scratch);
    const plan = planSchema.parse(JSON.parse(rollback("--dry-run", "--json").stdout));
    expect(plan.steps).toMatchObject([
      { stdin: expect.stringMatching(/^blankroot_device=\/dev\/loop/) },
    ]);
    machine.eject();
  });

  test("wants a profile that was named, and the token", () => {
    using scratch = new Scratch();
    const { machine, profile, rollback } = prepared(scratch);
    sh(["cp", profile, scratch.path("config.toml")]);
    expect(blankroot(["rollback"], { cwd: scratch.dir }).status).toBe(2);
    for (const words of [[], ["--apply=loop-1"]]) {
      const { status, stderr } = rollback(...words);
      expect(status).toBe(3);
      expect(stderr).toMatch(/its token is loop\d+-\d+|add --apply=loop\d+-\d+/);
    }
    expect(machine.changes()).toEqual([]);
    machine.eject();
  });

  test("refuses a root that is mounted, in another mount namespace too", async () => {
    using scratch = new Scratch();
    const { machine, device, token, rollback } = prepared(scratch);
    const dir = mountAt(scratch, "here", device, "subvol=root");
    const here = rollback(`--apply=${token}`);
    expect(here.status).toBe(3);
    expect(here.stderr).toContain(`mounted at ${dir}, expected it to be mounted nowhere`);
    sh(["umount", dir]);
    const text = `mount -o subvol=root/var/lib/machines ${device} ${dir} && echo ready && read -r line`;
    const holder = Bun.spawn(["unshare", "--mount", "--propagation", "private", "sh", "-c", text], {
      stdin: "pipe",
      stdout: "pipe",
    });
    await holder.stdout.getReader().read();
    const there = rollback(`--apply=${token}`);
    holder.stdin.write("go\n");
    holder.stdin.end();
    await holder.exited;
    expect(there.status).toBe(3);
    expect(there.stderr).toContain(`mounted at ${dir}, expected`);
    expect(machine.changes()).toEqual([]);
    machine.eject();
  });

  test("refuses while another one is at work on the disk", async () => {
    using scratch = new Scratch();
    const { machine, device, token, rollback } = prepared(scratch);
    const holder = Bun.spawn(["flock", device, "sh", "-c", "echo ready; read -r line"], {
      stdin: "pipe",
      stdout: "pipe",
    });
    await holder.stdout.getReader().read();
    const { status, stderr } = rollback(`--apply=${token}`);
    holder.stdin.write("go\n");
    holder.stdin.end();
    await holder.exited;
    expect(stderr).toContain("which another rollback may have");
    expect(status).toBe(3);
    expect(machine.changes()).toEqual([]);
    machine.eject();
  });

  test("refuses a disk whose swap holds a hibernated system", () => {
    using scratch = new Scratch();
    const device = attachLoop(scratch, "hibernated", { sizeBytes: 300 * 1024 ** 2 });
    sh(["sfdisk", "--quiet", device], { stdin: "label: gpt\nsize=64MiB, type=S\ntype=L\n" });
    sh(["partx", "--update", device]);
    sh(["mkswap", `${device}p1`]);
    sh(["mkfs.btrfs", "--quiet", "--label", "Butter", `${device}p2`]);
    const profile = writeProfile(scratch, { device });
    const rollback = () => blankroot(["rollback", "--profile", profile]).stderr;
    expect(rollback()).toContain("there is no root-blank");
    // The signature that swsusp puts at the end of the first page, in place of mkswap's.
    sh(["dd", `of=${device}p1`, "bs=1", "seek=4086", "conv=notrunc", "status=none"], {
      stdin: "S1SUSPEND\0",
    });
    expect(rollback()).toContain("it holds the image of a hibernated system");
  });

  test.each([
    ["taken the snapshot", "btrfs", "*snapshot*", /is blank, the old one is old_roots/],
    ["set the old root aside", "mv", "-T*", /an interrupted run had set the old root aside/],
  ])("killed when it has %s it leaves no mount, and finishes when run again", (...row) => {
    const [, name, wanted, message] = row;
    using scratch = new Scratch();
    const { machine, profile, token, rollback } = prepared(scratch);
    const before = mounts();
    const text = `${Bun.which(name)} "$@" || exit\ncase "$*" in ${wanted}) kill -9 0 ;; esac\n`;
    const words = ["rollback", "--profile", profile, `--apply=${token}`];
    const killed = withProgram(scratch, name, text, words);
    expect(killed).toMatchObject({ status: "SIGKILL", stdout: "" });
    expect(mounts()).toBe(before);
    expect(machine.faults()).not.toEqual([]);
    const { status, stderr } = rollback(`--apply=${token}`);
    expect(stderr).toMatch(message);
    expect(status).toBe(0);
    expect(machine.faults()).toEqual([]);
    machine.eject();
  });

  test("fails with the reason and what it leaves, and with the result as JSON", () => {
    using scratch = new Scratch();
    const { machine, profile, token } = prepared(scratch);
    const words = ["rollback", "--profile", profile, `--apply=${token}`, "--json"];
    const full = `[ "$1" != -T ] || { echo "mv: No space left" >&2; exit 1; }\n${Bun.which("mv")} "$@"\n`;
    const { status, stdout, stderr } = withProgram(scratch, "mv", full, words);
    expect(status).toBe(4);
    expect(stderr).toMatch(/Cannot roll back: the rollback on \S+ failed: .*nothing was changed/);
    expect(JSON.parse(stdout)).toMatchObject({
      outcome: "failed",
      reason: "can't move the old root: mv: No space left: nothing was changed",
    });
    expect(machine.changes()).toEqual([]);
    machine.eject();
  });

  test("deletes old roots where the profile keeps none", () => {
    using scratch = new Scratch();
    const { machine, device, token } = prepared(scratch);
    const more = `[rollback]\nkeep = { days = 0, at_least = 0 }\n[persist]\nroot = "/persist"\n`;
    const btrfs = `device = "${device}"\n`;
    const profile = writeProfile(scratch, { device: "/dev/nonexistent", btrfs, more }, "none.toml");
    const ran = blankroot(["rollback", "--profile", profile, `--apply=${token}`]);
    expect(ran).toMatchObject({ status: 0 });
    expect(machine.faults("deleted")).toEqual([]);
    machine.eject();
  });
});
