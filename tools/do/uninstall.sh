# SPDX-License-Identifier: Apache-2.0
#: uninstall [PREFIX]  remove what install put there

[ $# -le 1 ] || die "uninstall: one prefix, not $#"
dest=${DESTDIR:-}$(from_caller "${1:-${PREFIX:-/usr/local}}")
list=$dest/lib/causeway/installed
[ -f "$list" ] || die "uninstall: nothing of Causeway's is installed in $dest"
[ -w "$dest/bin" ] || die "cannot write to $dest: run as root"
files=$(mktemp)
trap 'rm -f "$files"' EXIT
cp "$list" "$files"
while read -r f; do
	case $f in
	/* | *..*) die "uninstall: $list has been tampered with: $f" ;;
	esac
	rm -f "$dest/$f"
	# Folders go with their last file, up to the prefix.
	while f=${f%/*} && [ -d "$dest/$f" ]; do
		rmdir "$dest/$f" 2>/dev/null || break
		case $f in
		*/*) ;;
		*) break ;;
		esac
	done
done <"$files"
say "uninstall: $dest"
