# SPDX-License-Identifier: Apache-2.0
#: install [PREFIX]    copy the tree to PREFIX (default /usr/local; honours DESTDIR)
#
# What it puts there is written to lib/causeway/installed, for uninstall.

. tools/do/build.sh
prefix=$(from_caller "${1:-${PREFIX:-/usr/local}}")
dest=${DESTDIR:-}$prefix
[ $# -le 1 ] || die "install: one prefix, not $#"
case ${1:-} in
-*) die "install: unknown option '$1'; ./do help lists them" ;;
esac
{ mkdir -p "$dest" && [ -w "$dest" ]; } 2>/dev/null ||
	die "cannot write to $dest: run as root or name another prefix"
build_all

# The files of the tree, as paths below the prefix; what is only of out/ is not.
install_list()
{
	(
		cd "$out" || exit
		find bin lib share -type f | LC_ALL=C sort
	)
}

# Tells management tools (libvirt) of the daemon. The number puts it behind the
# back ends for pictures, which have the same type.
install_descriptor()
{
	json=$dest/share/qemu/vhost-user/90-causeway-cuda.json
	mkdir -p "${json%/*}"
	binary=$(printf '%s' "$prefix/bin/vhost-user-cuda" | sed 's/[\\"]/\\&/g')
	cat >"$json" <<-J
		{
		  "description": "CUDA for virtual machines (Causeway)",
		  "type": "gpu",
		  "binary": "$binary"
		}
	J
}

install_list >"$build/installed" || die "install: $out is not complete: ./do build"
while read -r f; do
	install_changed "$out/$f" "$dest/$f" || die "install: cannot write $dest/$f"
done <"$build/installed"
install_descriptor || die "install: cannot write below $dest/share"
{
	cat "$build/installed"
	echo share/qemu/vhost-user/90-causeway-cuda.json
	echo lib/causeway/installed
} >"$dest/lib/causeway/installed"
say "install: $dest/bin/causeway"
