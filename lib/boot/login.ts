/**
 * The line that logins show, as text that writes it into a file, and the unit and the
 * timer that run that: a search of metadata is root's, and a login must not wait for it.
 */
import loginText from "./login.sh" with { type: "text" };
import { shellParameters } from "./shell-parameters.ts";
import type { ServiceUnit, TimerUnit } from "./unit.ts";

/** What PAM shows: see pam_motd(8), which reads it with the rights of whoever logs in. */
export const LOGIN_FILE = "/run/blankroot/login";
/** Where NixOS has the executable and the profile, once they went along. */
const PROGRAM = "/run/current-system/sw/bin/blankroot";
const PROFILE = "/etc/blankroot/config.toml";

export interface LoginParameters {
  readonly program?: string;
  readonly profile?: string;
  /** The file that is written. */
  readonly login?: string;
}

/** The script for sh. @throws Refusal for a value with control characters */
export function loginScript(parameters: LoginParameters = {}): string {
  const assignments = shellParameters("the login message", {
    program: parameters.program ?? PROGRAM,
    profile: parameters.profile ?? PROFILE,
    login: parameters.login ?? LOGIN_FILE,
  });
  return `${assignments}\n${loginText}`;
}

/** The unit that runs `loginScript()`, started by `loginTimer()`. */
export function loginUnit(): ServiceUnit {
  return {
    name: "blankroot-login",
    description: "Write what logins show of the next boot",
    related: [],
    unit: [],
    service: [
      { key: "Type", value: "oneshot" },
      {
        key: "TimeoutStartSec",
        value: "1min",
        why: "as a bound: it counts for two seconds at the most",
      },
      { key: "IOSchedulingClass", value: "idle", why: "it is in no hurry" },
    ],
  };
}

/** Often: where nothing was written since the last time, it takes no longer than a start. */
export function loginTimer(): TimerUnit {
  return {
    name: "blankroot-login",
    description: "Keep up to date what logins show of the next boot",
    related: [{ relation: "wantedBy", unit: "timers.target", why: "it begins with the boot" }],
    timer: [
      { key: "OnBootSec", value: "30s", why: "the first logins are soon" },
      { key: "OnUnitActiveSec", value: "5min", why: "so old is the line at the most" },
      { key: "AccuracySec", value: "10s" },
    ],
  };
}
