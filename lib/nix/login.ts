/** Where logins show what the next boot would take: pam_motd, for every shell and for none. */
import { LOGIN_FILE } from "../boot/login.ts";
import type { Profile } from "../profile.ts";
import { byDefault } from "./file-systems.ts";
import { type Attribute, attribute } from "./text.ts";

export function loginAttributes({ rollback }: Pick<Profile, "rollback">): Attribute[] {
  if (!rollback.login) return [];
  const comment =
    "The line that blankroot-login writes; there is none where nothing would be lost.\n" +
    "Beside users.motd NixOS takes none: of both only one can be set.";
  return [attribute("users.motdFile", byDefault(LOGIN_FILE), comment)];
}
