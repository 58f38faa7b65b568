#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# packages.sh DIRECTORY: fetches Debian's packages for arm64 that tests/matrix/booted.py needs, and unpacks them into
# DIRECTORY: a kernel, and in `root` busybox, libc and what the commands are linked with. Nothing is installed, and apt's
# own state stays as it is: it gets another one for the other machine. What is there already is not fetched again. Where
# the packages can't be had, it says so, and the other cells can be tried all the same.
set -euo pipefail

packages=(busybox-static libc6-dev libstdc++6 libdw-dev libelf-dev libiberty-dev libjansson-dev libncurses-dev
	libprotobuf-c-dev libzstd-dev zlib1g-dev)
kernel=linux-image-cloud-arm64

directory=$1
echo "${packages[*]} $kernel" | cmp -s - "$directory/complete" && exit

give_up() {
	echo "$1: make matrix can't try its cell aarch64-booted" >&2
	rm -rf "$directory"
	exit 0
}

command -v apt-get >/dev/null || give_up "there is no apt-get here"
echo "fetching $kernel and libraries for arm64"
rm -rf "$directory"
mkdir -p "$directory"/{lists,archives}/partial "$directory"/root
directory=$(realpath "$directory")

options=(-q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root
	-o Dir::State="$directory" -o Dir::State::lists="$directory/lists" -o Dir::State::status=/dev/null
	-o Dir::Cache="$directory" -o Dir::Cache::archives="$directory/archives")

# Sources that have nothing for arm64 do no harm.
apt-get "${options[@]}" update >"$directory/log" 2>&1 || true
image=$(apt-cache "${options[@]}" depends $kernel 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p') || true
[ -n "$image" ] || give_up "there is no package $kernel here"
apt-get "${options[@]}" install --download-only -y --no-install-recommends "${packages[@]}" >>"$directory/log" 2>&1 ||
	give_up "packages for arm64 can't be fetched ($(tail -n 1 "$directory/log"))"
for package in "$directory"/archives/*.deb; do
	dpkg-deb -x "$package" "$directory/root"
done
# The kernel's dependencies would make a file system for its start, and ours has no modules.
(cd "$directory/archives" && apt-get "${options[@]}" download "$image") >>"$directory/log" 2>&1 ||
	give_up "$image can't be fetched ($(tail -n 1 "$directory/log"))"
dpkg-deb --fsys-tarfile "$directory/archives/$image"_*.deb | tar -xO --wildcards './boot/vmlinuz-*' >"$directory/kernel"

# Links that begin at the root would lead to the libraries of the machine that this runs on.
find "$directory/root" -type l -lname '/*' | while read -r link; do
	ln -srfn "$directory/root$(readlink "$link")" "$link"
done
rm -rf "$directory"/{lists,archives} "$directory"/*.bin "$directory/log"
echo "${packages[*]} $kernel" >"$directory/complete"
