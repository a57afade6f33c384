# SPDX-License-Identifier: Apache-2.0
#: install [PREFIX]    copy the tree to PREFIX (default /usr/local; honours DESTDIR)

. tools/do/build.sh
dest=${DESTDIR:-}${1:-${PREFIX:-/usr/local}}
{ mkdir -p "$dest" && [ -w "$dest" ]; } 2>/dev/null ||
	die "cannot write to $dest: run as root or name another prefix"
build_all
build_tree "$dest"
for f in "$out"/lib/causeway/driver/*/virtio_cuda.ko; do
	[ ! -f "$f" ] || install_changed "$f" "$dest${f#"$out"}"
done
say "install: $dest/bin/causeway"
