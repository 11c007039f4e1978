# Puts qemu-aarch64 of Debian 13 into the empty folder $1: Debian 12's knows neither
# openat2(2) nor open_tree(2). apt works on a list of its own, of the machine's mirror,
# and installs nothing.
set -eu
cd "$1"
mkdir -p apt/lists/partial apt/archives/partial
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' |
  grep '/debian/$' | head -n 1)
keys=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$keys] $mirror trixie main" >apt/sources.list
cat >apt/conf <<END
APT::Sandbox::User "root";
Dir::Etc::SourceList "$PWD/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::State::Lists "$PWD/apt/lists";
Dir::Cache "$PWD/apt";
END
export APT_CONFIG="$PWD/apt/conf"
apt-get update -qq
cd apt
apt-get download -qq qemu-user
cd ..
dpkg-deb --fsys-tarfile apt/qemu-user_*.deb | tar -x --to-stdout ./usr/bin/qemu-aarch64 >qemu-aarch64
chmod 755 qemu-aarch64
rm -r apt
