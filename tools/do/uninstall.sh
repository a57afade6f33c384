# SPDX-License-Identifier: Apache-2.0
#: uninstall [PREFIX]  remove what install put there

dest=${DESTDIR:-}${1:-/usr/local}
rm -rf "${dest:?}/lib/causeway"
grep -v '^#' tools/do/tree | while read -r pattern dir; do
	[ "$dir" != bin ] || rm -f "$dest/bin/$(basename "$pattern")"
done
say "uninstall: $dest"
