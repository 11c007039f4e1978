import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { machineIdScript, machineIdUnit } from "../../lib/boot/machine-id.ts";
import { deviceUnit, installLinks, mountUnit, unitFile } from "../../lib/boot/unit.ts";
import { Scratch } from "../support/disk.ts";
import { describeUnless, missingProgram } from "../support/privileged.ts";
import { SHELLS, type ShellName } from "../support/rollback-programs.ts";

const ID = "0123456789abcdef0123456789abcdef";
const OTHER = "fedcba9876543210fedcba9876543210";

/** A root below a folder with a space and quotes in its name, and what ran in it. */
class Root implements Disposable {
  readonly #scratch = new Scratch();
  readonly sysroot = this.#scratch.mkdir("the 'root'");
  readonly kept = `${this.sysroot}/persist $x/etc/machine-id`;
  readonly place = `${this.sysroot}/etc/machine-id`;

  keep(text: string): void {
    mkdirSync(`${this.sysroot}/persist $x/etc`, { recursive: true });
    writeFileSync(this.kept, text);
  }

  run(shell: ShellName): number {
    const script = machineIdScript({ sysroot: this.sysroot, persist: "/persist $x" });
    return Bun.spawnSync([...SHELLS[shell], "-c", script], { stderr: "ignore" }).exitCode;
  }

  [Symbol.dispose](): void {
    this.#scratch[Symbol.dispose]();
  }
}

for (const shell of Object.keys(SHELLS) as ShellName[]) {
  describeUnless(missingProgram([SHELLS[shell][0]]), `machine-id.sh under ${shell}`, () => {
    test.each([
      ["a kept id", `${ID}\n`],
      ["one without a newline", ID],
    ])("puts %s in its place", (_, text) => {
      using root = new Root();
      root.keep(text);
      expect(root.run(shell)).toBe(0);
      expect(readFileSync(root.place, "utf8")).toBe(`${ID}\n`);
      expect(statSync(root.place).mode & 0o777).toBe(0o444);
      expect(readFileSync(root.kept, "utf8")).toBe(text);
    });

    test.each([
      ["there is none", undefined],
      ["it is empty", ""],
      ["it was never set", "uninitialized\n"],
      ["it is all zeros", `${"0".repeat(32)}\n`],
      ["it is too long", `${ID}0\n`],
    ])("makes one and keeps it where %s", (_, text) => {
      using root = new Root();
      if (text !== undefined) root.keep(text);
      expect(root.run(shell)).toBe(0);
      const made = readFileSync(root.place, "utf8");
      // The version of a random UUID is 4, its variant 8 to b.
      expect(made).toMatch(/^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}\n$/);
      expect(readFileSync(root.kept, "utf8")).toBe(made);
      expect(root.run(shell)).toBe(0);
      expect(readFileSync(root.place, "utf8")).toBe(made);
    });

    test("replaces what a root that was kept has there, and writes through no link", () => {
      using root = new Root();
      root.keep(`${ID}\n`);
      mkdirSync(`${root.sysroot}/etc`);
      writeFileSync(`${root.sysroot}/other`, `${OTHER}\n`);
      symlinkSync("../other", root.place);
      expect(root.run(shell)).toBe(0);
      expect(readFileSync(root.place, "utf8")).toBe(`${ID}\n`);
      expect(readFileSync(`${root.sysroot}/other`, "utf8")).toBe(`${OTHER}\n`);
    });

    test("fails where it can't write", () => {
      using root = new Root();
      root.keep(`${ID}\n`);
      writeFileSync(`${root.sysroot}/etc`, "");
      expect(root.run(shell)).toBe(1);
      expect(existsSync(root.place)).toBe(false);
    });
  });
}

describe("machineIdUnit()", () => {
  test("runs once both file systems are there, and before the system", () => {
    const file = unitFile(machineIdUnit("/persist me"), "/bin/sh /machine-id.sh");
    const mount = "sysroot-persist\\x20me.mount";
    expect(file).toContain(`Requires=${mount}\n`);
    expect(file).toContain(`After=${mount} sysroot.mount sysroot-etc.mount\n`);
    expect(file).toContain("Before=initrd.target shutdown.target\n");
    expect(installLinks(machineIdUnit("/persist"))).toEqual([
      "initrd.target.wants/blankroot-machine-id.service",
    ]);
  });

  test("and mountUnit() escape as systemd-escape does", () => {
    expect(mountUnit("/")).toBe("-.mount");
    expect(mountUnit("/var//log/")).toBe("var-log.mount");
    expect(mountUnit("/.a-b")).toBe("\\x2ea\\x2db.mount");
    expect(deviceUnit("/dev/vda3")).toBe("dev-vda3.device");
  });

  test("refuses a persist root with control characters", () => {
    expect(() => machineIdScript({ sysroot: "/sysroot", persist: "/a\nb" })).toThrow(/control/);
  });
});
