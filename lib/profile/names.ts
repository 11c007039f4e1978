/**
 * Names as a profile writes them: of subvolumes, hosts, users, labels, keys.
 *
 * Each check returns what is wrong, or undefined. Beyond what the kernel would
 * refuse, a subvolume's name may hold no comma, quote or backslash: it stands in
 * `subvol=NAME` of mount(8), whose option list splits at commas and reads quotes,
 * and in fstab(5), which reads backslashes as octal escapes.
 */
import { byteLength, hasControls } from "./paths.ts";

/** A name of one subvolume directly below the top of the file system. */
export function subvolumeNameFault(name: string): string | undefined {
  if (name === "") return "expected a name";
  if (name === "." || name === "..") return "expected a name other than . and ..";
  if (name.includes("/")) return "expected a name without /, directly below the top";
  if (hasControls(name)) return "expected no control characters";
  if (/[,"\\]/.test(name)) return 'expected no comma, no " and no backslash';
  if (!name.isWellFormed()) return "expected whole characters";
  return byteLength(name) > 255 ? "expected at most 255 bytes" : undefined;
}

/** As NixOS checks networking.hostName. */
export function hostNameFault(name: string): string | undefined {
  if (/^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?$/.test(name)) return undefined;
  return "expected 1 to 63 letters, digits, - and _, with a letter or digit at both ends";
}

/** A name for login, as shadow(5) and NixOS take it. */
export function userNameFault(name: string): string | undefined {
  if (/^[a-z_][a-z0-9_-]{0,30}$/.test(name)) return undefined;
  return "expected up to 31 lower-case letters, digits, - and _, not a digit or - first";
}

/** A label of btrfs: BTRFS_LABEL_SIZE is 256 with the final NUL; a slash is lost in by-label. */
export function labelFault(label: string): string | undefined {
  if (label === "") return "expected a label";
  if (hasControls(label)) return "expected no control characters";
  if (label.includes("/") || label.includes("\\")) return "expected no / and no backslash";
  if (!label.isWellFormed()) return "expected whole characters";
  if (label !== label.trim()) return "expected no blank at its ends, which libblkid leaves out";
  if (label === "BOOT") return "BOOT is the label of the ESP, expected another";
  return byteLength(label) > 255 ? "expected at most 255 bytes" : undefined;
}

/** A name below /dev/mapper: DM_NAME_LEN is 128 with the final NUL. */
export function mapperNameFault(name: string): string | undefined {
  if (name === "control" || name === "." || name === "..") return "expected another name";
  if (/^[A-Za-z0-9_.+-]{1,127}$/.test(name)) return undefined;
  return "expected 1 to 127 letters, digits and _ . + -";
}

/** A public key as authorized_keys has it. Never says what was given: it may be a private one. */
export function sshKeyFault(key: string): string | undefined {
  if (/PRIVATE KEY/.test(key)) return "this is a private key, expected the public one";
  if (hasControls(key)) return "expected one line without control characters";
  const type = "(?:sk-)?(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521))(?:@openssh\\.com)?";
  const line = new RegExp(`^(?:\\S.* )?${type} AAAA[A-Za-z0-9+/]+={0,2}(?: .*)?$`);
  return line.test(key) ? undefined : "expected a public key such as ssh-ed25519 AAAA… name";
}
