/** A walk that several threads share says, to the byte, what one says. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { judgesOf } from "../../lib/host/comparison.ts";
import { diffSubvolumes } from "../../lib/host/diff.ts";
import { openRoots } from "../../lib/host/roots.ts";
import { SharedWalk } from "../../lib/host/sharing/shared-walk.ts";
import { type ReportFlags, readReportFlags } from "../../lib/report/diff-options.ts";
import { Listing } from "../../lib/report/diff-report.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";

const HELPER = new URL("../../scripts/fs-diff-helper.ts", import.meta.url);
const DIRECTORIES = 400;
const NAMES = 30;

describePrivileged("SharedWalk", () => {
  let machine: Machine;
  beforeAll(() => {
    machine = new Machine();
    const long = "n".repeat(200);
    for (let index = 0; index < DIRECTORIES; index++) {
      const directory = machine.in("root", `d${index % 7}`, String(index), "deep");
      mkdirSync(directory, { recursive: true });
      for (let name = 0; name < NAMES; name++) writeFileSync(`${directory}/${name}-${long}`, "");
      writeFileSync(`${directory}/two\nlines`, "");
    }
  });
  afterAll(() => machine[Symbol.dispose]());

  async function list(
    flags: ReportFlags,
    threads: "one" | "several",
    more: { isBroken?: boolean; helper?: URL; helpers?: number; patienceMs?: number } = {},
  ) {
    const { isBroken = false, helper = HELPER, helpers, patienceMs = 60_000 } = more;
    using roots = await openRoots({ root: machine.in("root"), base: machine.in("root-blank") });
    const { root, persist, live } = roots;
    const options = readReportFlags(flags, false);
    const { format, selection } = options;
    const explain = format.kind === "json";
    const evidence = { root, persist, live, profile: undefined, ignore: true, explain };
    const pieces: Uint8Array[] = [];
    const report = new Listing(judgesOf(evidence), selection, options, (record) =>
      pieces.push(record.slice()),
    );
    let taken = 0;
    const take = (records: Parameters<typeof report.addRecords>[0]) => {
      taken++;
      report.addRecords(records);
    };
    const work = { evidence: isBroken ? { ...evidence, root: -1 } : evidence, format, selection };
    const share =
      threads === "one"
        ? undefined
        : new SharedWalk({ helper, helpers, work, take, isEager: true, patienceMs });
    const visitFiles = report.addFiles.bind(report);
    // Slow, so that the other thread is in time however few there are.
    const visit = (change: Parameters<typeof report.add>[0]) => {
      if (share !== undefined && change.type === "directory") Bun.sleepSync(1);
      report.add(change);
    };
    diffSubvolumes({ root, base: roots.base, visitFiles, share }, visit);
    report.finish();
    const text = Buffer.concat(pieces).toString("latin1");
    return { text, count: report.count, withheld: report.withheld, taken };
  }

  describe.each<[ReportFlags]>([
    [{}],
    [{ null: true }],
    [{ json: true }],
    [{ all: true, status: true }],
  ])("with %p", (flags) => {
    test("gives the same output and counts", async () => {
      const alone = await list(flags, "one");
      const shared = await list(flags, "several");
      expect(shared.taken).toBeGreaterThan(0);
      expect(shared).toEqual({ ...alone, taken: shared.taken });
      expect(alone.count).toBeGreaterThan(DIRECTORIES * NAMES);
    });
  });

  test("gives the same output where three more share it", async () => {
    const alone = await list({}, "one");
    const shared = await list({}, "several", { helpers: 3 });
    expect(shared.taken).toBeGreaterThan(0);
    expect(shared).toEqual({ ...alone, taken: shared.taken });
  });

  test("fails, and waits not for ever, where the other thread ended in the middle", async () => {
    const dying = new URL("../support/dying-helper.ts", import.meta.url);
    const listing = list({}, "several", { helper: dying, patienceMs: 300 });
    await expect(listing).rejects.toThrow("shows no sign of life");
  });

  test("does all in this thread where the other one can't start", async () => {
    const alone = await list({}, "one");
    const helper = new URL("file:///no/such/file.ts");
    expect(await list({}, "several", { helper })).toEqual({ ...alone, taken: 0 });
  });

  test("leaves to this thread what the other one can't do", async () => {
    const alone = await list({}, "one");
    expect(await list({}, "several", { isBroken: true })).toEqual({ ...alone, taken: 0 });
  });
});
