# SPDX-License-Identifier: Apache-2.0
#: uninstall [PREFIX]  remove what install put there

dest=${DESTDIR:-}${1:-${PREFIX:-/usr/local}}
rm -rf "${dest:?}/lib/causeway"
grep -v '^#' tools/do/tree | while read -r pattern dir; do
	case $dir in
	lib/causeway*) continue ;;
	esac
	for f in "$root"/$pattern "$build"/$pattern; do
		rm -f "$dest/$dir/$(basename "$f")"
	done
done
say "uninstall: $dest"
