/** Facts of a disk that is blank, idle and large enough: what a test makes worse. */
import type { Disk } from "../../lib/facts.ts";
import { MIB } from "../../lib/layout.ts";

export const idleDisk: Disk = {
  device: "/dev/vda",
  node: "/dev/vda",
  kernelName: "vda",
  kind: "disk",
  sizeBytes: 20 * 1024 * MIB,
  sectorSizeBytes: 512,
  readOnly: false,
  model: undefined,
  serial: "S123",
  wwn: undefined,
  token: "S123",
  contents: { table: undefined, isReadable: false, partitions: [], whole: undefined },
  uses: [],
  checks: [
    {
      what: "the size of /dev/vda in bytes",
      argv: ["blockdev", "--getsize64", "/dev/vda"],
      expected: "21474836480",
    },
  ],
};
