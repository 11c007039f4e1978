import { expect, test } from "bun:test";
import { type Identified, tokenOf } from "../../lib/token.ts";

const bare: Identified = {
  kernelName: "vda",
  sizeBytes: 53687091200,
  wwn: undefined,
  serial: undefined,
};
const other: Identified = { ...bare, kernelName: "vdb" };

test.each<[string, Partial<Identified>, Partial<Identified>, string]>([
  ["the WWN first", { wwn: "naa.5000c500a1b2c3d4", serial: "S1" }, {}, "naa.5000c500a1b2c3d4"],
  ["else the serial", { serial: "S1" }, {}, "S1"],
  ["else name and bytes", {}, {}, "vda-53687091200"],
  ["the controller's serial and the namespace", { serial: "S1", namespace: 2 }, {}, "S1-ns2"],
  [
    "the same where another namespace of the controller is there",
    { serial: "S1", namespace: 2 },
    { serial: "S1", namespace: 1 },
    "S1-ns2",
  ],
  ["a WWN alone, whatever the namespace", { wwn: "eui.1", namespace: 2 }, {}, "eui.1"],
  ["a serial padded with spaces as one word", { serial: "  WD  1 23 " }, {}, "WD_1_23"],
  ["a serial of nothing readable as none", { serial: "\x00 \x1b" }, {}, "vda-53687091200"],
  ["more where another disk shares it", { serial: "S1" }, { serial: "S1" }, "S1-vda-53687091200"],
  ["no more where the others differ", { serial: "S1" }, { serial: "S2" }, "S1"],
])("tokenOf() is %s", (_, own, others, token) => {
  expect(tokenOf({ ...bare, ...own }, [{ ...other, ...others }])).toBe(token);
});
