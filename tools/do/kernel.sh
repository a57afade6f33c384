# SPDX-License-Identifier: Apache-2.0
#: kernel              fetch and unpack the guest kernel (setup does this too)
#
# The guest kernel is what the release's own cloud kernel package depends on,
# downloaded and unpacked, never installed:
#
#	$cache/kernel/VERSION/vmlinuz	the kernel
#	$cache/kernel/VERSION/modules	its modules, uncompressed
#	$cache/kernel/VERSION/build	headers, to build modules against
#	$cache/kernel/default		link to the VERSION that tests and run use

kernel_depends()
{
	apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *|\{0,1\}Depends: *//p'
}

# Package names of image, modules and headers of the release's kernel.
kernel_packages()
{
	case $(release) in
	ubuntu*) meta=linux-image-virtual ;;
	*) meta=linux-image-cloud-amd64 ;;
	esac
	image=$(kernel_depends "$meta" | grep '^linux-image-[0-9]' | head -n 1)
	[ -n "$image" ] || return 1
	version=${image#linux-image-}
	packages="$image linux-headers-$version"
	packages="$packages $(kernel_depends "$image" | grep '^linux-modules-[0-9]' || :)"
	packages="$packages $(kernel_depends "linux-headers-$version" |
		grep -E '^linux-(headers|kbuild)-[0-9]' || :)"
}

# Makes the unpacked packages in $1 usable where they lie: Debian's headers and
# links name absolute paths.
kernel_relocate()
{
	top=$1
	for d in "$top/lib/modules" "$top/usr/lib/modules"; do
		[ -d "$d/$version" ] && ln -s "${d#"$top"/}/$version" "$top/modules"
	done
	ln -s "boot/vmlinuz-$version" "$top/vmlinuz"
	ln -s "usr/src/linux-headers-$version" "$top/build"
	rm -f "$top/modules/build" "$top/modules/source"
	sed -i "s,/usr/src/,$2/usr/src/,g" "$top/build/Makefile"
	find "$top/modules/" -name '*.ko.xz' -exec xz -d {} +
	find "$top/modules/" -name '*.ko.zst' -exec zstd -q -d --rm {} +
}

kernel_fetch()
{
	tmp=$(mktemp -d "$cache/kernel/.new-XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -rf '$tmp'" EXIT
	# shellcheck disable=SC2086
	(cd "$tmp" && apt-get download -q $packages >log 2>&1) || {
		tail -n 3 "$tmp/log" >&2
		die "cannot download the guest kernel ($packages): is apt-get update due?"
	}
	mkdir "$tmp/root"
	for deb in "$tmp"/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$tmp/root" --keep-directory-symlink
	done
	kernel_relocate "$tmp/root" "$cache/kernel/$version"
	rm -rf "${cache:?}/kernel/$version"
	mv "$tmp/root" "$cache/kernel/$version"
	rm -rf "$tmp"
	trap - EXIT
}

# A kernel that is there stays in use until `./do clean --cache`, or it would
# change under a running test; so nothing is asked of apt here.
if [ ! -e "$cache/kernel/default/vmlinuz" ] || [ ! -e "$cache/kernel/default/build/Makefile" ]; then
	mkdir -p "$cache/kernel"
	kernel_packages || die "apt knows no cloud kernel package: run apt-get update"
	say "setup: fetching guest kernel $version"
	[ -e "$cache/kernel/$version/vmlinuz" ] && [ -e "$cache/kernel/$version/build/Makefile" ] ||
		kernel_fetch
	ln -sfn "$version" "$cache/kernel/default"
	changed
fi
