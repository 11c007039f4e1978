/** An examination for people and for programs. */
import type { Finding } from "../doctor/finding.ts";
import { plural, visible } from "../text.ts";
import { toJson } from "./json.ts";

const STATE_COLUMNS = "unknown".length;

/** A line for a finding, in which no name can drive a terminal: what is, and what to do. */
export function findingLine({ state, text, advice }: Finding): string {
  const line = `${state.padEnd(STATE_COLUMNS)}  ${visible(text)}`;
  return advice === undefined ? line : `${line} (${visible(advice)})`;
}

/** Whether all is as it should be, and is known to be. */
export function isSound(findings: readonly Finding[]): boolean {
  return findings.every(({ state }) => state === "ok");
}

/** One sentence without a period. */
export function summaryOf(findings: readonly Finding[]): string {
  const count = (state: Finding["state"]) => findings.filter((each) => each.state === state).length;
  if (isSound(findings)) return `${plural(findings.length, "check")}, all in order`;
  return `${plural(findings.length, "check")}: ${count("failed")} failed, ${count("unknown")} can't be told`;
}

/** @param device undefined where the file system can't be looked at */
export function doctorJson(
  dir: string,
  device: string | undefined,
  findings: readonly Finding[],
): string {
  return toJson(
    {
      sound: isSound(findings),
      dir,
      device: device ?? null,
      checks: findings.map(({ name, state, text, advice }) => ({
        name,
        state,
        text,
        advice: advice ?? null,
      })),
    },
    2,
  );
}
