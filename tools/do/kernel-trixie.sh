# SPDX-License-Identifier: Apache-2.0
#: kernel-trixie       on Debian 12, as root: fetch Debian 13's kernel, too (1 GB, in the cache)
#
# Its headers want Debian 13's libc and compiler, so the guest driver for it is
# built in a root of Debian 13:
#
#	$cache/root/trixie		that root, with kernel, headers and compiler
#	$cache/kernel/VERSION		vmlinuz and modules as of any other kernel;
#					root, a link to that root, instead of build
#
# What is there stays until `./do clean --cache`.

trixie=$cache/root/trixie

# The mirror that this machine's own apt uses.
trixie_mirror()
{
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Codename: bookworm' \
		'Component: main' 2>/dev/null | head -n 1
}

trixie_bootstrap()
{
	mirror=$(trixie_mirror)
	[ -n "$mirror" ] || die "kernel-trixie: apt knows no mirror of bookworm: run apt-get update"
	mkdir -p "$cache/root"
	new=$(mktemp -d "$cache/root/.new-XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -rf '$new'" EXIT
	say "kernel-trixie: making a root of Debian 13 in $trixie"
	{
		debootstrap --variant=minbase trixie "$new" "$mirror" &&
			chroot "$new" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y \
				--no-install-recommends linux-image-cloud-amd64 \
				linux-headers-cloud-amd64 make &&
			chroot "$new" apt-get clean
	} >"$new.log" 2>&1 </dev/null || {
		tail -n 5 "$new.log" >&2
		rm -f "$new.log"
		die "kernel-trixie: cannot make that root"
	}
	rm -f "$new.log"
	mv "$new" "$trixie"
	trap - EXIT
}

# Puts kernel and modules of that root where run and the tests look for them.
trixie_kernel()
{
	version=$(find "$trixie/usr/lib/modules" -mindepth 1 -maxdepth 1 -printf '%f\n' |
		sort -V | tail -n 1)
	[ ! -e "$cache/kernel/$version/root" ] || return 0
	mkdir -p "$cache/kernel"
	new=$(mktemp -d "$cache/kernel/.new-XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -rf '$new'" EXIT
	chmod 755 "$new"
	cp "$trixie/boot/vmlinuz-$version" "$new/vmlinuz"
	cp -R "$trixie/usr/lib/modules/$version" "$new/modules"
	rm -f "$new/modules/build" "$new/modules/source"
	find "$new/modules" -name '*.ko.xz' -exec xz -d {} +
	ln -s ../../root/trixie "$new/root"
	rm -rf "${cache:?}/kernel/$version"
	mv "$new" "$cache/kernel/$version"
	trap - EXIT
	say "kernel-trixie: $cache/kernel/$version"
}

[ "$(release)" = debian12 ] || die "kernel-trixie: only of use on Debian 12, this is $(release)"
[ "$(id -u)" = 0 ] || die "kernel-trixie: debootstrap and chroot want root"
command -v debootstrap >/dev/null || die "kernel-trixie: no debootstrap: ./do setup installs it"
[ -d "$trixie" ] || trixie_bootstrap
trixie_kernel
