/**
 * Whether somebody can log in after the next boot. A profile without users says
 * nothing of them: they are declared elsewhere, and are not judged.
 */
import type { Profile } from "../profile.ts";
import type { DoctorFacts, LoginFact } from "./facts.ts";
import { type Finding, failed, ok, some } from "./finding.ts";

export function loginFindings(profile: Profile, facts: DoctorFacts): Finding[] {
  const ssh = profile.ssh.enable ? sshFindings(profile, facts) : [];
  if (facts.logins.length === 0) return ssh;
  return [...facts.logins.flatMap(passwordFindings), ...ssh, loginFinding(profile, facts.logins)];
}

function passwordFindings({ user, password }: LoginFact): Finding[] {
  if (password === undefined) return [];
  const { file, fault, isLocked } = password;
  if (fault !== undefined) {
    return [
      failed(
        "password",
        `${file} ${fault}: ${user} can't log in with a password`,
        `(umask 077; mkpasswd >${file}) makes it`,
      ),
    ];
  }
  const text = isLocked ? "locks the password of" : "has the password's hash of";
  return [ok("password", `${file} ${text} ${user}`)];
}

function sshFindings(profile: Profile, { hostKeys, logins }: DoctorFacts): Finding[] {
  const findings = [hostKeysFinding(profile, hostKeys)];
  if (logins.length === 0) return findings;
  const faults = logins.flatMap(({ authorizedKeys }) => authorizedKeys?.fault ?? []);
  if (faults.length > 0) {
    const advice = "chown and chmod them: sshd takes no keys that others could have put there";
    return [...findings, failed("ssh", `not strict enough for sshd: ${some(faults)}`, advice)];
  }
  const users = logins.filter(canUseSsh).map(({ user }) => user);
  if (users.length > 0) return [...findings, ok("ssh", `${some(users)} can log in by a key`)];
  const advice = "give users.NAME.keys of the profile a public key";
  return [...findings, failed("ssh", "the server takes keys only, and no user has one", advice)];
}

function hostKeysFinding({ persist }: Profile, keys: DoctorFacts["hostKeys"]): Finding {
  if (keys.length === 0) {
    return failed(
      "host-keys",
      "no host key of SSH is kept: each boot makes another, and clients refuse to connect",
      "list /etc/ssh/ssh_host_ed25519_key and its .pub in persist.files, and persist-copy them",
    );
  }
  const faults = keys.flatMap(({ path, fault }) =>
    fault === undefined ? [] : [`${path} ${fault}`],
  );
  if (faults.length === 0) return ok("host-keys", `${some(keys.map(({ path }) => path))} is kept`);
  return failed(
    "host-keys",
    `of the host keys in ${persist.root}: ${some(faults)}`,
    "persist-copy copies a missing one; chown root and chmod 0600 the others",
  );
}

function loginFinding({ ssh }: Profile, logins: readonly LoginFact[]): Finding {
  const able = logins.filter(
    (login) => login.wheel && (canUsePassword(login) || (ssh.enable && canUseSsh(login))),
  );
  if (able.length > 0) {
    return ok("login", `${some(able.map(({ user }) => user))} can log in and become root`);
  }
  return failed(
    "login",
    "nobody who may become root can log in after the next boot",
    "a user with wheel needs a password file, or keys where ssh is enabled",
  );
}

function canUsePassword({ password }: LoginFact): boolean {
  return password !== undefined && password.fault === undefined && !password.isLocked;
}

function canUseSsh({ hasKeys, authorizedKeys }: LoginFact): boolean {
  return hasKeys || (authorizedKeys !== undefined && authorizedKeys.fault === undefined);
}
