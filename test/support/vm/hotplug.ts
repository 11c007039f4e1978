/** A disk that comes late: plugged in while the guest runs, by QEMU's machine protocol (QMP). */
import type { Step } from "./qemu.ts";

const LATE_MS = 4_000;
const ANSWER_TIMEOUT_MS = 10_000;

/** Arguments of QEMU for a disk that is not there yet, and the step that plugs it in. */
export function lateDisk(image: string, socket: string, after: RegExp) {
  const devices = [
    ...["-drive", `file=${image},format=raw,if=none,id=late,cache=unsafe`],
    ...["-device", "pcie-root-port,id=late-port", "-qmp", `unix:${socket},server=on,wait=off`],
  ];
  const step: Step = {
    when: after,
    async act() {
      await Bun.sleep(LATE_MS);
      await execute(socket, {
        execute: "device_add",
        arguments: { driver: "virtio-blk-pci", drive: "late", bus: "late-port" },
      });
    },
  };
  return { devices, steps: [step] };
}

/** @throws where QEMU refuses, or says nothing */
export async function execute(socket: string, command: object): Promise<void> {
  const commands = [{ execute: "qmp_capabilities" }, command];
  let said = "";
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const connection = await Bun.connect({
    unix: socket,
    socket: {
      data(_, bytes) {
        said += bytes.toString();
        if (said.includes('"error"')) reject(new Error(`QEMU: ${said}`));
        if (said.split('"return"').length > commands.length) resolve();
      },
    },
  });
  const timer = setTimeout(
    () => reject(new Error(`QEMU: no answer, but ${said}`)),
    ANSWER_TIMEOUT_MS,
  );
  try {
    for (const each of commands) connection.write(`${JSON.stringify(each)}\n`);
    await promise;
  } finally {
    clearTimeout(timer);
    connection.end();
  }
}
