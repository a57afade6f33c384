# SPDX-License-Identifier: Apache-2.0
#: build               compile everything and assemble the runnable tree out/

# Copies file $1 to $2. One that has not changed stays, and one that has is
# replaced by renaming, so that what runs from it goes on running.
install_changed()
{
	cmp -s "$1" "$2" && return 0
	mkdir -p "$(dirname "$2")"
	cp "$1" "$2.new"
	mv -f "$2.new" "$2"
}

# Builds the guest driver for each fetched kernel that has its headers, into
# $build/driver/VERSION/. The sources are copied, so that Kbuild, which writes
# beside them, leaves the tree alone; it sees by itself what has changed.
build_driver()
{
	[ -f guest/kernel/Kbuild ] || return 0
	for kernel in "$cache"/kernel/[0-9]*; do
		[ -f "$kernel/build/Makefile" ] || continue
		dir=$build/driver/$(basename "$kernel")
		mkdir -p "$dir/uapi"
		cp -Rup guest/kernel/. "$dir/"
		cp -Rup include/uapi/. "$dir/uapi/"
		make -C "$kernel/build" M="$dir" modules >"$dir/log" 2>&1 || {
			grep -E 'error|warning' "$dir/log" | head -n 20 >&2
			die "the guest driver does not build for $(basename "$kernel"): see $dir/log"
		}
		install_changed "$dir/virtio_cuda.ko" \
			"$out/lib/causeway/driver/$(basename "$kernel")/virtio_cuda.ko"
	done
}

# Installs what the table tools/do/tree names, from $build or from the sources,
# below the folder $1.
build_tree()
{
	grep -v '^#' tools/do/tree | while read -r pattern dir; do
		for f in "$build"/$pattern "$root"/$pattern; do
			case $f in
			*.p | *.symbols) continue ;;
			esac
			[ -f "$f" ] || continue
			install_changed "$f" "$1/$dir/$(basename "$f")"
		done
	done
}

build_all()
{
	configure "$build"
	log=$(mktemp)
	# Warnings and errors are shown, the progress of a build that works is not.
	ninja -C "$build" >"$log" 2>&1 || {
		sed -n '/^FAILED/,$p; /ERROR:/p' "$log" | grep -v '^\[[0-9]*/' | head -n 60 >&2
		rm -f "$log"
		die "the build failed"
	}
	grep -E -A3 'warning:' "$log" >&2 || :
	rm -f "$log"
	build_tree "$out"
	build_driver
}

if [ "$cmd" = build ]; then
	build_all
	say "build: $out/bin/causeway"
fi
