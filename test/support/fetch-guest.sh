# Makes the parts of a guest (guest.ts) in the empty folder $1: kernel, busybox and
# modules/, numbered in the order of loading. $2 is Debian's name of the architecture,
# the rest are modules. apt works on lists of its own, for any architecture.
set -eu
cd "$1"
debian=$2
shift 2
mkdir -p apt/lists/partial apt/archives/partial unpacked modules
cat >apt/conf <<END
APT::Architecture "$debian";
APT::Architectures { "$debian"; };
APT::Sandbox::User "root";
Dir::State::Lists "$PWD/apt/lists";
Dir::Cache "$PWD/apt";
END
export APT_CONFIG="$PWD/apt/conf"
apt-get update -qq
image=$(apt-cache depends "linux-image-$debian" | sed -n 's/^ *Depends: //p' | head -n 1)
version=${image#linux-image-}
cd apt
apt-get download -qq "$image" busybox-static
cd ..
dpkg-deb --fsys-tarfile apt/busybox-static_*.deb | tar -x --to-stdout ./bin/busybox >busybox

# Where the modules and what they depend on are; all of them would be 400 MB.
lib=./lib/modules/$version
dpkg-deb --fsys-tarfile apt/"$image"_*.deb | tar -x --wildcards -C unpacked \
  "./boot/vmlinuz-$version" "$lib/modules.*" "$lib/kernel/arch/*" "$lib/kernel/crypto/*" \
  "$lib/kernel/drivers/block/*" "$lib/kernel/drivers/virtio/*" "$lib/kernel/fs/btrfs/*" \
  "$lib/kernel/lib/*"
mv "unpacked/boot/vmlinuz-$version" kernel
depmod --basedir unpacked "$version"
count=10
for module; do
  modprobe --dirname unpacked --set-version "$version" --show-depends "$module" >apt/depends
  while read -r how file _; do
    name=${file##*/}
    if [ "$how" != insmod ] || [ -e "unpacked/$name" ]; then continue; fi
    count=$((count + 1))
    cp "$file" "modules/$count-$name"
    : >"unpacked/$name"
  done <apt/depends
done
rm -r apt unpacked
