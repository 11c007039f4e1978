# Makes the parts of real boots (parts.ts) in the empty folder $1: kernel, busybox and
# initrd.cpio, which has systemd, udev, btrfs and cryptsetup, and no unit of ours. $2 is
# the release of Debian to take them from. Packages are unpacked to a root of their own
# and dracut runs in there: installed on this machine, it would bring udev along.
set -eu
cd "$1"
release=$2
mkdir -p apt/lists/partial apt/archives/partial root/usr
mirrors=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | sort -u)
mirror=$(printf '%s\n' "$mirrors" | sed -n 's,\(/debian/\) .*,\1,p' | head -n 1)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $mirror $release main" >apt/sources.list
cat >apt/conf <<END
APT::Sandbox::User "root";
APT::Install-Recommends "false";
Dir::Etc::SourceList "$PWD/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$PWD/apt/lists";
Dir::State::Status "/dev/null";
Dir::Cache "$PWD/apt";
END
export APT_CONFIG="$PWD/apt/conf"
apt-get update -qq
apt-get install -qq --yes --download-only bash btrfs-progs busybox-static coreutils cpio \
  cryptsetup-bin dash dmsetup dracut-core findutils grep gzip kmod libc-bin linux-image-amd64 \
  mount sed systemd tar udev util-linux >apt/log 2>&1 || { cat apt/log >&2 && exit 1; }

for name in bin sbin lib lib64; do
  mkdir "root/usr/$name"
  ln -s "usr/$name" "root/$name"
done
for package in apt/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" | tar -x -C root --keep-directory-symlink \
    --exclude './usr/share/doc/*' --exclude './usr/share/man/*' --exclude './usr/share/locale/*'
done
ln -sf mawk root/usr/bin/awk
mkdir -p root/empty root/tmp
: >root/empty.conf
mknod -m 666 root/dev/null c 1 3
printf '%s\n' root:x:0:0::/root:/bin/bash >root/etc/passwd
printf '%s\n' root:x:0: >root/etc/group
version=$(ls root/lib/modules)
in_root() {
  chroot root /usr/bin/env -i PATH=/usr/sbin:/usr/bin HOME=/ "$@"
}
in_root ldconfig
in_root depmod "$version"
# crc32c_generic: the emulated processor has no SSE4.2, and btrfs needs one of its kinds.
in_root dracut --quiet --force --kver "$version" --tmpdir /tmp --conf /empty.conf --confdir /empty \
  --no-early-microcode --no-hostonly --no-hostonly-cmdline --nofscks --reproducible --no-compress \
  --modules "bash systemd systemd-initrd systemd-udevd systemd-journald systemd-modules-load systemd-sysctl systemd-tmpfiles systemd-ask-password udev-rules btrfs crypt resume" \
  --drivers "virtio_pci virtio_blk crc32c_generic btrfs dm_crypt xts ecb" \
  --install "btrfs cat date ls mkdir mount mv rmdir sync touch umount" /initrd.cpio
mv "root/boot/vmlinuz-$version" kernel
mv root/initrd.cpio root/bin/busybox .
rm -r apt root
