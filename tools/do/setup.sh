# SPDX-License-Identifier: Apache-2.0
#: setup               install what is missing on this machine, and fetch the guest kernel

# Names of tools/do/packages for this release that are not installed, on one line.
setup_missing()
{
	awk -v rel="$1" '
		!/^#/ { print $(rel == "debian12" ? 1 : rel == "debian13" ? 2 : 3) }
	' tools/do/packages | grep -v '^-$' | {
		want=$(cat)
		# shellcheck disable=SC2086
		dpkg-query -W -f '${db:Status-Status} ${Package}\n' $want 2>/dev/null |
			sed -n 's/^installed //p' >"$2"
		printf '%s\n' "$want" | grep -vxF -f "$2"
	} | tr '\n' ' '
}

# Runs a command as root: directly, or through sudo where that works unasked
# or at a terminal.
setup_as_root()
{
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
		sudo "$@"
	else
		die "packages are missing and this is not root: run 'su -c \"./do setup\"' (missing: $missing)"
	fi
}

setup_install()
{
	apt_opts="-o DPkg::Lock::Timeout=120 -o APT::Install-Recommends=false"
	# shellcheck disable=SC2086
	set -- env DEBIAN_FRONTEND=noninteractive apt-get -q $apt_opts
	ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1 || setup_as_root "$@" update >"$log" 2>&1 ||
		die "apt-get update failed: $(tail -n 1 "$log")"
	# The lists may be older than the archive: then one more try with fresh ones.
	# shellcheck disable=SC2086
	setup_as_root "$@" install -y $missing >"$log" 2>&1 || {
		setup_as_root "$@" update >"$log" 2>&1 || :
		setup_as_root "$@" install -y $missing >"$log" 2>&1
	} || {
		tail -n 5 "$log" >&2
		die "apt-get install failed; tried: $missing"
	}
}

setup_packages()
{
	log=$(mktemp)
	trap 'rm -f "$log"' EXIT
	missing=$(setup_missing "$rel" "$log")
	if [ -n "$missing" ]; then
		say "setup: installing $missing"
		setup_install
		changed
	fi
	rm -f "$log"
	trap - EXIT
}

# Kernels belong to the person, not to the root that sudo makes of them.
setup_kernel()
{
	if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ]; then
		runuser -u "$SUDO_USER" -- env -u XDG_CACHE_HOME \
			HOME="$(getent passwd "$SUDO_USER" | cut -d: -f6)" ./do kernel
	else
		. tools/do/kernel.sh
	fi
}

rel=$(release)
known="Debian 12, Debian 13 and Ubuntu 24.04"
case $rel in
debian12 | debian13 | ubuntu24.04)
	[ "$rel" != ubuntu24.04 ] || say "setup: the package names for $rel are untested"
	setup_packages
	setup_kernel
	[ -n "$missing" ] || say "setup: nothing is missing"
	;;
*)
	[ "$cmd" != setup ] ||
		die "setup knows $known, this is '$rel': see tools/do/packages for what is needed"
	say "setup: knows $known, not '$rel'; going on with what is there"
	;;
esac
