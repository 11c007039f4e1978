/**
 * A system's worth of state: what a NixOS machine leaves in its root after some
 * weeks. Links into the store are what the configuration made again; the rest is
 * what people lose.
 */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const STORE = "/nix/store/0c9xm2l7k5h1vq3d8r4j6w2p0z9y1b3f";

const LINKS: Record<string, string> = {
  "etc/static": `${STORE}-etc/etc`,
  "etc/ssh/sshd_config": "/etc/static/ssh/sshd_config",
  "etc/fstab": "/etc/static/fstab",
  "etc/hosts": "/etc/static/hosts",
  "bin/sh": `${STORE}-bash-5.3/bin/sh`,
  "usr/bin/env": `${STORE}-coreutils-9.8/bin/env`,
};

const FILES: Record<string, string> = {
  "etc/machine-id": "8f3b1d0c5a7e4296b1c0d9e8f7a6b5c4\n",
  "etc/nixos/configuration.nix": "{ ... }: { imports = [ ./hardware-configuration.nix ]; }\n",
  "etc/nixos/hardware-configuration.nix": "{ ... }: { }\n",
  "etc/ssh/ssh_host_ed25519_key": "a private key\n",
  "etc/ssh/ssh_host_ed25519_key.pub": "ssh-ed25519 AAAA root@demo\n",
  "etc/.clean": "",
  "etc/resolv.conf": "nameserver 192.0.2.1\n",
  "var/lib/nixos/uid-map": '{"user":1000}\n',
  "var/lib/postgresql/16/base/1/1259": "rows\n".repeat(20_000),
  "var/lib/postgresql/16/PG_VERSION": "16\n",
  "var/lib/systemd/random-seed": "r".repeat(512),
  "var/lib/systemd/catalog/database": "c".repeat(4096),
  "root/notes from\nthe rescue.txt": "a name with a newline in it\n",
  "root/.bash_history": "nixos-rebuild switch\n",
};

const SECRET = ["etc/ssh/ssh_host_ed25519_key", "var/lib/systemd/random-seed"];

/** Writes it below the root of the mounted host. */
export function makeState(root: string): void {
  for (const [path, text] of Object.entries(FILES)) {
    const file = parentMade(root, path);
    writeFileSync(file, text);
  }
  for (const [path, target] of Object.entries(LINKS)) symlinkSync(target, parentMade(root, path));
  for (const path of SECRET) chmodSync(join(root, path), 0o600);
}

function parentMade(root: string, path: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  return file;
}
