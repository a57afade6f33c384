# SPDX-License-Identifier: Apache-2.0
#: install [PREFIX]    copy the tree to PREFIX (default /usr/local; honours DESTDIR)

. tools/do/build.sh
build_all
dest=${DESTDIR:-}${1:-/usr/local}
mkdir -p "$dest" 2>/dev/null && [ -w "$dest" ] || die "cannot write to $dest: run as root or name another prefix"
build_tree "$dest"
cp -R "$out/lib/causeway/driver" "$dest/lib/causeway/" 2>/dev/null || :
say "install: $dest/bin/causeway"
