import { describe, expect, test } from "bun:test";
import { layOut, MIB } from "../../lib/layout.ts";
import { exampleProfile } from "../support/example.ts";

const GIB = 1024 * MIB;
const disk = { node: "/dev/vda", sizeBytes: 20 * GIB, sectorSizeBytes: 512 };

describe("layOut()", () => {
  test("puts ESP, swap and btrfs one after the other from 1 MiB", () => {
    const profile = exampleProfile({
      disk: { esp: GIB, swap: { kind: "partition", size: 2 * GIB } },
    });
    const { esp, swap, btrfs } = layOut(profile, disk);
    expect(esp).toEqual({ number: 1, startBytes: MIB, sizeBytes: GIB });
    expect(swap).toEqual({ number: 2, startBytes: GIB + MIB, sizeBytes: 2 * GIB });
    expect(btrfs).toEqual({ number: 3, startBytes: 3 * GIB + MIB, sizeBytes: 17 * GIB - 2 * MIB });
  });

  test("aligns what follows a size that is no whole MiB", () => {
    const profile = exampleProfile({ disk: { esp: 100 * MIB + 512, swap: undefined } });
    const { esp, swap, btrfs } = layOut(profile, disk);
    expect(esp.sizeBytes).toBe(100 * MIB + 512);
    expect(swap).toBeUndefined();
    expect(btrfs).toMatchObject({ number: 2, startBytes: 102 * MIB });
  });

  test.each([512, 4096])(
    "leaves the last sectors of %d bytes to the backup of the table",
    (sectorSizeBytes) => {
      const { btrfs } = layOut(exampleProfile({ disk: { esp: GIB } }), {
        ...disk,
        sectorSizeBytes,
      });
      const free = disk.sizeBytes - btrfs.startBytes - btrfs.sizeBytes;
      expect(free).toBeGreaterThanOrEqual(128 * 128 + sectorSizeBytes);
    },
  );

  test("refuses a disk too small for the profile, with what it needs", () => {
    const small = { ...disk, sizeBytes: GIB };
    expect(() => layOut(exampleProfile({ disk: { esp: GIB } }), small)).toThrow(
      /^Cannot format \/dev\/vda: it has 1 GiB, the profile needs at least /,
    );
  });

  test.each([
    ["too small for FAT32", 16 * MIB, 512, /needs at least 3\d MiB$/],
    ["too small for FAT32 on large sectors", 128 * MIB, 4096, /needs at least 25\d MiB$/],
    ["no whole sectors", 512 * MIB + 512, 4096, /multiple of the sector size, 4096 bytes$/],
  ])("refuses an ESP that is %s", (_, esp, sectorSizeBytes, message) => {
    const profile = exampleProfile({ disk: { esp } });
    expect(() => layOut(profile, { ...disk, sectorSizeBytes })).toThrow(message);
  });
});
