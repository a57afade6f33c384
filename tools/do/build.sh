# SPDX-License-Identifier: Apache-2.0
#: build               compile everything and assemble the runnable tree out/

# Installs what the table tools/do/tree names from $build below the folder $1.
# A file that has not changed keeps its place, so that a running test is safe.
build_tree()
{
	grep -v '^#' tools/do/tree | while read -r pattern dir; do
		for f in "$build"/$pattern; do
			case $f in
			*.p | *.symbols) continue ;;
			esac
			[ -f "$f" ] || continue
			dest=$1/$dir/$(basename "$f")
			cmp -s "$f" "$dest" && continue
			mkdir -p "$1/$dir"
			cp "$f" "$dest.new"
			mv -f "$dest.new" "$dest"
		done
	done
}

build_all()
{
	log=$build.log
	[ -f "$build/build.ninja" ] || meson setup "$build" >"$log" 2>&1 || {
		tail -n 20 "$log" >&2
		die "meson setup failed; if something is missing, ./do setup installs it"
	}
	# Warnings and errors are shown, the progress of a build that works is not.
	ninja -C "$build" >"$log" 2>&1 || {
		sed -n '/^FAILED/,$p; /ERROR:/p' "$log" | grep -v '^\[[0-9]*/' | head -n 60 >&2
		die "the build failed"
	}
	grep -E -A3 'warning:' "$log" >&2 || :
	rm -f "$log"
	build_tree "$out"
}

if [ "$cmd" = build ]; then
	build_all
	say "build: $out/bin/causeway"
fi
