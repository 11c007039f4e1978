/** What the profile says of the machine itself: its name, network, users and SSH server. */

import { isWithin } from "../profile/paths.ts";
import type { Profile } from "../profile.ts";
import { byDefault } from "./file-systems.ts";
import { type Attribute, attribute, NixSet, type NixValue, set } from "./text.ts";

type User = Profile["users"][string];

/** The rest of a configuration may say otherwise. */
export function hostAttributes({ host }: Profile): Attribute[] {
  const settings: [path: string, value: string | undefined][] = [
    ["networking.hostName", host.name],
    ["time.timeZone", host.time_zone],
    ["i18n.defaultLocale", host.locale],
    ["console.keyMap", host.keymap],
  ];
  return [
    ...settings.flatMap(([path, value]) =>
      value === undefined ? [] : [attribute(path, byDefault(value))],
    ),
    ...NETWORKS[host.network].map((path) => attribute(path, true)),
    attribute(
      "system.stateVersion",
      byDefault(host.state_version),
      "The release that was first installed, whatever it was upgraded to since.",
    ),
  ];
}

const NETWORKS: Readonly<Record<Profile["host"]["network"], readonly string[]>> = {
  networkmanager: ["networking.networkmanager.enable"],
  networkd: ["networking.useNetworkd"],
  none: [],
};

export function userAttributes({ users, host }: Profile): Attribute[] {
  const entries = Object.entries(users);
  if (entries.length === 0) return [];
  return [
    attribute(
      "users.mutableUsers",
      false,
      "A password that passwd(1) sets is gone with the next boot.",
    ),
    attribute(
      "users.users",
      new NixSet(
        entries.map(([name, user]) => ({
          path: [name],
          value: userValue(name, user, host.network),
        })),
      ),
    ),
  ];
}

function userValue(name: string, user: User, network: Profile["host"]["network"]): NixSet {
  const groups = network === "networkmanager" ? ["wheel", "networkmanager"] : ["wheel"];
  const values: Record<string, NixValue> = {};
  if (name !== "root") {
    values.isNormalUser = true;
    if (user.wheel) values.extraGroups = groups;
  }
  if (user.password_file !== undefined) values.hashedPasswordFile = user.password_file;
  const attributes = [
    ...set(values).attributes,
    ...(user.keys.length === 0 ? [] : [attribute("openssh.authorizedKeys.keys", user.keys)]),
  ];
  return new NixSet(attributes);
}

export function sudoAttributes(): Attribute[] {
  const comment = "It forgets at every boot that it has been given.";
  return [attribute("security.sudo.extraConfig", "Defaults lecture = never", comment)];
}

export function sshAttributes(profile: Profile): Attribute[] {
  if (!profile.ssh.enable) return [];
  const rootMayLogIn = (profile.users.root?.keys.length ?? 0) > 0;
  const settings = new NixSet([
    attribute("AuthenticationMethods", "publickey"),
    attribute("PasswordAuthentication", false),
    attribute("KbdInteractiveAuthentication", false),
    attribute("PermitRootLogin", rootMayLogIn ? "prohibit-password" : "no"),
    attribute("X11Forwarding", false),
    attribute("AllowAgentForwarding", false),
    attribute("AllowStreamLocalForwarding", false),
    attribute("AllowTcpForwarding", true),
  ]);
  return [
    attribute(
      "services.openssh",
      new NixSet([
        attribute("enable", true),
        attribute("allowSFTP", false, "Which scp needs as well."),
        ...hostKeyAttributes(profile),
        attribute("settings", settings),
      ]),
    ),
  ];
}

/** Only those that are kept, as another would be made anew at every boot, and clients would warn. */
function hostKeyAttributes({ persist, btrfs }: Profile): Attribute[] {
  const wholes = [
    ...persist.directories.map(({ path }) => path),
    ...Object.values(btrfs.subvolumes).map(({ mount }) => mount),
  ];
  if (wholes.some((path) => isWithin("/etc/ssh", path))) return [];
  const keys = persist.files.flatMap(({ path }) => {
    const type = HOST_KEY.exec(path)?.[1];
    return type === undefined
      ? []
      : [set({ path, type, ...(type === "rsa" ? { bits: 4096 } : {}) })];
  });
  if (keys.length === 0) return [];
  const comment = "Another one than these, which are kept, would be made anew at every boot.";
  return [attribute("hostKeys", keys, comment)];
}

const HOST_KEY = /^\/etc\/ssh\/ssh_host_(ed25519|rsa|ecdsa)_key$/;
