/**
 * Whether somebody can log in after the next boot. A profile without users says
 * nothing of them: they are declared elsewhere, and are not judged.
 */
import type { Profile } from "../profile.ts";
import type { DoctorFacts, LoginFact, PasswordFact, Whereabouts } from "./facts.ts";
import { type Finding, failed, octal, ok, some } from "./finding.ts";

const WRITING = 0o022;
const STICKY = 0o1000;
const OTHERS = 0o077;

export function loginFindings(profile: Profile, facts: DoctorFacts): Finding[] {
  const ssh = profile.ssh.enable ? sshFindings(profile, facts) : [];
  if (facts.logins.length === 0) return ssh;
  return [...facts.logins.flatMap(passwordFindings), ...ssh, loginFinding(profile, facts.logins)];
}

function passwordFindings({ user, password }: LoginFact): Finding[] {
  if (password === undefined) return [];
  const { file, fault, isLocked } = password;
  const exposed = exposedFindings(user, password);
  if (fault !== undefined) {
    const text = `${file} ${fault}: ${user} can't log in with a password`;
    return [failed("password", text, `(umask 077; mkpasswd >${file}) makes it`), ...exposed];
  }
  if (exposed.length > 0) return exposed;
  const text = isLocked ? "locks the password of" : "has the password's hash of";
  return [ok("password", `${file} ${text} ${user}`)];
}

/** Whoever may read the hash can try passwords; whoever may replace it can log in. Neither locks out. */
function exposedFindings(user: string, { file, owner, above }: PasswordFact): Finding[] {
  const ways = above.filter(({ owner: { uid, mode } }) => uid !== 0 || isOpen(mode));
  const isReplaceable = owner !== undefined && (owner.uid !== 0 || (owner.mode & WRITING) !== 0);
  const writable = [...ways, ...(isReplaceable ? [{ path: file, owner }] : [])];
  if (writable.length > 0) {
    const paths = writable.map(
      ({ path, owner: { uid, mode } }) => `${path} (${uid}, ${octal(mode)})`,
    );
    return [
      failed(
        "password",
        `others than root may give ${user} another password, by the owner or the mode of ${some(paths)}`,
        `chown root and chmod go-w ${some(writable.map(({ path }) => path))}`,
      ),
    ];
  }
  if (owner === undefined || (owner.mode & OTHERS) === 0) return [];
  return [
    failed(
      "password",
      `${file} with the hash of ${user} may be read by others (mode ${octal(owner.mode)})`,
      `chmod 0600 ${file}`,
    ),
  ];
}

/** Whether others may take names out of a directory. */
function isOpen(mode: number): boolean {
  return (mode & WRITING) !== 0 && (mode & STICKY) === 0;
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
  const unsaved = keys.filter(({ where }) => where === "unsaved").map(({ path }) => path);
  if (unsaved.length > 0) {
    return failed(
      "host-keys",
      `${some(unsaved)} has no copy: the next boot makes another, and clients refuse to connect`,
      `persist-copy ${unsaved.join(" ")}`,
    );
  }
  const faults = keys.flatMap(({ path, where, fault }) => {
    if (where === "unlisted") return [`${path} is not there`];
    return fault === undefined ? [] : [`${path} ${fault}`];
  });
  if (faults.length > 0) {
    return failed(
      "host-keys",
      `of the host keys in ${persist.root}: ${some(faults)}`,
      "chown root and chmod 0600 them; sshd makes another for one that is removed",
    );
  }
  const paths = (wanted: Whereabouts) =>
    some(keys.filter(({ where }) => where === wanted).map(({ path }) => path));
  const made = paths("nowhere");
  const yet = made && `there is no ${made} yet: sshd makes and keeps it`;
  const kept = paths("kept") && `${paths("kept")} is kept`;
  return ok("host-keys", [kept, yet].filter(Boolean).join("; "));
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
