/**
 * The check in stage 2 that the wipe happened, as text, and its unit. It trusts no
 * unit of stage 1 to have failed where it should: the result of this boot must be there.
 */
import checkText from "./check.sh" with { type: "text" };
import { ROLLBACK_RESULT } from "./rollback.ts";
import { shellParameters } from "./shell-parameters.ts";
import { SKIP_IF_ASKED } from "./stage1.ts";
import type { ServiceUnit } from "./unit.ts";

/** The script for sh. @param result the file that the rollback left in stage 1 */
export function checkScript(result: string = ROLLBACK_RESULT): string {
  return `${shellParameters("the check", { result })}${SKIP_IF_ASKED}\n${checkText}`;
}

/** The unit that runs `checkScript()` at every boot, and is among the failed ones after a failed wipe. */
export function checkUnit(): ServiceUnit {
  return {
    name: "blankroot-check",
    description: "Check that the root was wiped at this boot",
    related: [
      {
        relation: "wantedBy",
        unit: "multi-user.target",
        why: "at every boot; nothing waits for it",
      },
    ],
    unit: [],
    service: [
      { key: "Type", value: "oneshot" },
      {
        key: "RemainAfterExit",
        value: true,
        why: "its state is the answer for as long as the boot lasts",
      },
    ],
  };
}
