import { describe, expect, test } from "bun:test";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { RollbackParameters } from "../../lib/boot/rollback.ts";
import { type Initrd, probeInitrd } from "../../lib/host/probe/initrd.ts";
import { Scratch, sh } from "../support/disk.ts";
import {
  archive,
  type File,
  microcode,
  plainSystemdInitrd,
  scriptedInitrd,
  systemdInitrd,
} from "../support/initrd.ts";

const PARAMETERS: RollbackParameters = {
  device: "/dev/vda3",
  root: "root",
  blank: "root-blank",
  oldRoots: "old 'roots'",
  keepOld: true,
};
const SYSTEMD_FILES = systemdInitrd(PARAMETERS);
const SYSTEMD = archive(SYSTEMD_FILES);
const FOUND = { kind: "systemd", hasUnit: true, startedBy: ["initrd.target.wants"] };

function probe(bytes: Uint8Array): Initrd {
  using scratch = new Scratch();
  const file = scratch.path("initrd");
  writeFileSync(file, bytes);
  const fd = openSync(file, "r");
  try {
    return probeInitrd(fd);
  } finally {
    closeSync(fd);
  }
}

function zstd(bytes: Uint8Array): Uint8Array {
  return Bun.zstdCompressSync(bytes, { level: 3 });
}

/** A frame that is to be passed over, as pzstd writes them ahead of each of its own. */
const SKIPPABLE = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 9, 9, 9, 9]);
const SECRETS = archive([{ path: "etc/secret", text: "hush" }]);

describe("probeInitrd() finds the rollback", () => {
  test.each<[string, Uint8Array]>([
    ["uncompressed", SYSTEMD],
    ["compressed by zstd", zstd(SYSTEMD)],
    ["compressed by gzip", gzipSync(SYSTEMD)],
    ["behind microcode", Buffer.concat([microcode(), zstd(SYSTEMD)])],
    ["in two frames", Buffer.concat([SYSTEMD.subarray(0, 999), SYSTEMD.subarray(999)].map(zstd))],
    ["behind a frame to pass over", Buffer.concat([SKIPPABLE, zstd(SYSTEMD), SKIPPABLE])],
    ["ahead of secrets", Buffer.concat([microcode(), zstd(SYSTEMD), gzipSync(SECRETS)])],
    ["behind secrets", Buffer.concat([gzipSync(SECRETS), Buffer.alloc(512), gzipSync(SYSTEMD)])],
    ["in the second of two archives", zstd(Buffer.concat([SECRETS, Buffer.alloc(8), SYSTEMD]))],
  ])("%s", (_, bytes) => {
    expect(probe(bytes)).toMatchObject(FOUND);
  });

  for (const format of ["gzip", "zstd", "xz", "lzma", "bzip2", "lz4"]) {
    const program = format === "lzma" ? ["xz", "--format=lzma"] : [format];
    test.skipIf(Bun.which(program[0]!) === null)(`as ${format} itself makes it`, () => {
      const options = format === "zstd" ? ["-10", "--check"] : [];
      if (format === "lz4") options.push("-l");
      const child = Bun.spawnSync([...program, ...options, "--stdout"], { stdin: SYSTEMD });
      expect(probe(child.stdout)).toMatchObject(FOUND);
    });
  }

  test.skipIf(Bun.which("cpio") === null)("as cpio itself makes it", () => {
    using scratch = new Scratch();
    const dir = scratch.mkdir("tree", "etc/systemd/system/sysroot.mount.requires");
    for (const file of [
      "blankroot-rollback.service",
      "sysroot.mount.requires/blankroot-rollback.service",
    ]) {
      writeFileSync(`${scratch.path("tree")}/etc/systemd/system/${file}`, "");
    }
    expect(dir).toEndWith("requires");
    const made = sh([
      "sh",
      "-c",
      `cd ${scratch.path("tree")} && find . | cpio -o -H newc 2>/dev/null | base64`,
    ]);
    expect(probe(Buffer.from(made, "base64"))).toMatchObject({
      hasUnit: true,
      startedBy: ["sysroot.mount.requires"],
    });
  });
});

describe("probeInitrd()", () => {
  const unit = "x/blankroot-rollback.service";
  test.each<[string, readonly File[], object]>([
    ["of systemd alone", plainSystemdInitrd(), { kind: "systemd", hasUnit: false, startedBy: [] }],
    [
      "that stops at a failure",
      systemdInitrd(PARAMETERS, "requiredBy"),
      { startedBy: ["sysroot.mount.requires"] },
    ],
    ["of scripts", scriptedInitrd(PARAMETERS), { kind: "scripted", hasUnit: false }],
    ["of scripts alone", scriptedInitrd(), { kind: "scripted", parameters: undefined }],
    [
      "with a unit that nothing starts",
      [{ path: unit, text: "" }],
      { hasUnit: true, startedBy: [] },
    ],
    [
      "with a unit that is masked",
      [{ path: unit, text: "/dev/null", isLink: true }],
      { hasUnit: false },
    ],
    ["of systemd with the machine id", SYSTEMD_FILES, { placesMachineId: true }],
    [
      "of systemd with it, which nothing starts",
      SYSTEMD_FILES.filter(({ path }) => !path.endsWith(".wants/blankroot-machine-id.service")),
      { placesMachineId: false },
    ],
    [
      "of systemd without what it runs",
      SYSTEMD_FILES.filter(({ path }) => path !== "bin/id"),
      { placesMachineId: false },
    ],
    [
      "of scripts, which goes on after a failure",
      scriptedInitrd(PARAMETERS, "boot"),
      { hookGoesOn: true, placesMachineId: true },
    ],
    [
      "of scripts, which stops at a failure",
      scriptedInitrd(PARAMETERS, "stop"),
      { hookGoesOn: false },
    ],
    ["of neither kind", [{ path: "linuxrc", text: "" }], { kind: undefined }],
    [
      "of a distribution",
      [{ path: "init", text: "usr/lib/systemd/systemd", isLink: true }],
      { kind: "systemd" },
    ],
  ])("of one %s", (_, files, found) => {
    expect(probe(archive(files))).toMatchObject(found);
  });

  test("reads the parameters of the rollback, from units and hooks alike", () => {
    for (const files of [systemdInitrd(PARAMETERS), scriptedInitrd(PARAMETERS)]) {
      const found = probe(archive(files));
      const parameters = "parameters" in found ? found.parameters : undefined;
      expect(parameters?.get("root")).toBe("root");
      expect(parameters?.get("old_roots")).toBe("'old '\\''roots'\\'''");
      expect(parameters?.get("keep_old")).toBe("yes");
    }
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["is empty", Buffer.alloc(0), /^it is empty$/],
    ["is all zeros", Buffer.alloc(99), /^it is empty$/],
    ["is something else", Buffer.from("#!/bin/sh\n"), /^no archive at byte 0$/],
    ["is followed by something else", Buffer.concat([SYSTEMD, Buffer.from("x")]), /no archive at/],
    ["is cut off", SYSTEMD.subarray(0, 700), /^(the archive is cut off|no entry of an archive at)/],
    ["has no trailer", SYSTEMD.subarray(0, -124), /^no entry of an archive at byte \d+$/],
    ["is a cut off frame", zstd(SYSTEMD).subarray(0, 99), /^it is cut off$/],
    ["is a damaged frame", zstd(SYSTEMD).fill(0xff, 20, 60), /./],
    ["is a cut off member", gzipSync(SYSTEMD).subarray(0, 99), /unexpected end of file/],
    [
      "is compressed twice",
      zstd(gzipSync(SYSTEMD)),
      /^what was compressed is compressed at byte 0/,
    ],
    ["has a length of its own", Buffer.from(SYSTEMD).fill("z", 54, 62), /^no number at byte 54$/],
    ["has a name without end", Buffer.from(SYSTEMD).fill("f", 94, 102), /^no name at byte 0$/],
    ["is of a program that isn't there", Buffer.from([0x89, 0x4c, 0x5a, 0x4f]), /lzop/],
  ])("says so where it %s", (_, bytes, reason) => {
    const found = probe(bytes);
    expect("unreadable" in found ? found.unreadable : "nothing").toMatch(reason);
  });

  test("survives damage anywhere in an archive's front", () => {
    for (let at = 0; at < 400; at += 7) {
      const bytes = Buffer.from(SYSTEMD);
      bytes[at]! ^= 0x55;
      expect(Object.keys(probe(bytes)).length).toBeGreaterThan(0);
    }
  });
});
