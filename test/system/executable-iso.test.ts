/** The whole life cycle in a root like the installer's, by the executable alone. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { attachLoop, Scratch, sh } from "../support/disk.ts";
import { builtExecutable } from "../support/executable.ts";
import { type IsoRoot, makeIsoRoot } from "../support/iso-root.ts";
import { describePrivileged } from "../support/privileged.ts";
import { profileText } from "../support/profile.ts";

const SIZE = 4 * 1024 ** 3;

/** Run by the root's own sh. $TOKEN agrees to erasing the disk. */
const LIFE = `set -u
step() { # expected status, command…
  expected=$1
  shift
  status=0
  "$@" >/tmp/out 2>/tmp/err || status=$?
  echo "== $* -> $status"
  cat /tmp/out
  [ "$status" -eq "$expected" ] && return
  cat /tmp/err
  echo "expected $expected"
  exit 99
}
step 0 blankroot --version
step 0 blankroot install-links /tmp/links
step 0 blankroot format-disk --dry-run
step 3 blankroot format-disk
step 0 blankroot format-disk --apply="$TOKEN"
step 0 blankroot make-subvols
step 0 blankroot mount-subvols --without-esp
step 0 blankroot render-nix --full --with-binary --out /mnt/etc/nixos
step 0 blankroot render-nix --full --with-binary --out /mnt/etc/nixos
step 0 test -x /mnt/etc/nixos/blankroot
mkdir -p /mnt/var/lib/app
echo 0123456789abcdef0123456789abcdef >/mnt/etc/machine-id
echo rows >/mnt/var/lib/app/rows
step 1 blankroot fs-diff
step 1 /tmp/links/fs-diff --json
step 1 blankroot rollback-preview
step 1 blankroot doctor --target /mnt
step 0 blankroot persist-copy
step 0 blankroot persist-copy --add --verify /var/lib/app
step 0 grep -q /var/lib/app /etc/host.toml
step 0 blankroot rollback-preview --script
step 0 blankroot fs-diff
step 0 blankroot mount-subvols --without-esp --unmount
step 0 blankroot rollback --apply="$TOKEN"
step 0 blankroot mount-subvols --without-esp
step 0 blankroot fs-diff
step 0 cat /mnt/persist/var/lib/app/rows /mnt/persist/etc/machine-id
step 0 blankroot old-roots list
step 0 blankroot old-roots find rows
rm /mnt/persist/var/lib/app/rows
step 0 blankroot old-roots restore 2 /var/lib/app/rows
step 0 cat /mnt/persist/var/lib/app/rows
step 0 blankroot mount-subvols --without-esp --unmount
echo finished
`;

/** What the executable printed as a plan, run as a script by that sh. */
const SCRIPT = `set -eu
blankroot format-disk --dry-run >/tmp/plan.sh
/bin/sh /tmp/plan.sh
echo finished
`;

describePrivileged("in a root like the installer's, the executable", () => {
  const scratch = new Scratch();
  let iso: IsoRoot;

  afterAll(() => scratch[Symbol.dispose]());

  beforeAll(() => {
    iso = makeIsoRoot(scratch.mkdir("iso"));
    copyFileSync(builtExecutable().compressed, scratch.path("iso/root/blankroot"));
  });

  function enter(script: string, env: Record<string, string> = {}) {
    writeFileSync(scratch.path("iso/root/script"), script);
    const mounts = [
      // As anywhere, / is a mount.
      'mount --bind "$R" "$R"',
      'mount -t proc proc "$R/proc"',
      'mount --rbind /sys "$R/sys"',
      'mount --rbind /dev "$R/dev"',
      'mount -t tmpfs -o nosuid,nodev,mode=755 run "$R/run"',
      'mount -t tmpfs -o mode=1777 tmp "$R/tmp"',
      'mkdir "$R/tmp/links"',
      'exec chroot "$R" /bin/sh /root/script',
    ].join("\n");
    const child = Bun.spawnSync(
      ["unshare", "--mount", "sh", "-ec", mounts.replaceAll("\\\n", "\n")],
      {
        env: { ...env, R: iso.dir, PATH: process.env.PATH },
        stdin: "ignore",
        stdout: "pipe",
        stderr: "pipe",
      },
    );
    const { stdout, stderr, exitCode } = child;
    return { status: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  }

  function disk(name: string, label: string): Record<string, string> {
    const device = attachLoop(scratch, name, { sizeBytes: SIZE });
    writeFileSync(scratch.path("iso/etc/host.toml"), profileText({ device, label }), {
      mode: 0o644,
    });
    return { TOKEN: `${basename(device)}-${SIZE}` };
  }

  const HEAD = `export PATH=/root:$ISO_PATH BLANKROOT_PROFILE=/etc/host.toml\n`;

  test("is alone: what is linked to a loader does not start there", () => {
    copyFileSync("/bin/true", scratch.path("iso/root/true"));
    const ran = enter(`${HEAD}/root/true\n`, { ISO_PATH: iso.path });
    expect(ran.status).toBe(127);
    const bare = scratch.path("iso/root/bun");
    copyFileSync(process.execPath, bare);
    expect(enter(`${HEAD}/root/bun --version\n`, { ISO_PATH: iso.path }).status).toBe(127);
    sh(["rm", bare]);
    const tools = enter(`${HEAD}ls / && sfdisk --version && btrfs --version\n`, {
      ISO_PATH: iso.path,
    });
    expect(tools).toMatchObject({ status: 0 });
    expect(tools.stdout.split("\n")).not.toContain("lib64");
  });

  test("takes a blank disk through its whole life", () => {
    const token = disk("life.img", "IsoLife");
    const ran = enter(HEAD + LIFE, { ...token, ISO_PATH: iso.path });
    expect(ran.stdout).toEndWith("finished\n");
    expect(ran.status).toBe(0);
    expect(ran.stdout).toContain("/var/lib/app/rows");
    expect(ran.stdout).toContain("rows\n0123456789abcdef0123456789abcdef\n");
  });

  test("prints a script that its sh runs", () => {
    const token = disk("script.img", "IsoScript");
    const ran = enter(HEAD + SCRIPT, { ...token, ISO_PATH: iso.path });
    expect(ran).toMatchObject({ status: 0 });
    expect(ran.stdout).toEndWith("finished\n");
  });
});
