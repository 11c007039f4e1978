/** Who a disk is, by the sysfs files of its driver; values as kernels write them. */
import { expect, test } from "bun:test";
import { identify } from "../../lib/host/probe/identity.ts";

type Files = Record<string, string>;

const nvme = (nsid: string): Files => ({
  wwid: `nvme.144d-533632324e4630523130313233344100-53616d73756e67-${nsid}`,
  "device/serial": "S622NF0R101234A",
  "device/model": "Samsung SSD 980 500GB",
});

test.each<[string, Files, object]>([
  [
    "an NVMe namespace with an EUI",
    { ...nvme("00000001"), wwid: "eui.002538d91101f9fc" },
    { wwn: "eui.002538d91101f9fc", serial: "S622NF0R101234A", toldBy: "wwid" },
  ],
  [
    "an NVMe namespace without one, by controller and namespace",
    nvme("00000001"),
    { wwn: undefined, serial: "S622NF0R101234A", namespace: 1, toldBy: "wwid" },
  ],
  ["another namespace of that controller", nvme("0000000a"), { namespace: 10, toldBy: "wwid" }],
  [
    "a SCSI disk",
    { "device/wwid": "naa.5000c500a1b2c3d4", "device/vpd_pg80": "\x80 \x14WD-1234" },
    { wwn: "naa.5000c500a1b2c3d4", serial: "WD-1234", toldBy: "device/wwid" },
  ],
  [
    "a SCSI disk whose name is no name of the world's",
    { "device/wwid": "t10.ATA     QEMU HARDDISK   QM00001" },
    { wwn: undefined, serial: undefined, toldBy: undefined },
  ],
  ["a virtio disk", { serial: "S1" }, { wwn: undefined, serial: "S1", toldBy: "serial" }],
  ["a disk with nothing", {}, { wwn: undefined, serial: undefined, toldBy: undefined }],
])("identify() knows %s", (_, files, expected) => {
  expect(identify((file) => files[file])).toMatchObject(expected);
});
