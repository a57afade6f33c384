# SPDX-License-Identifier: Apache-2.0
#: build               compile everything and assemble the runnable tree out/

# Copies file $1 to $2. One that has not changed stays, and one that has is
# replaced by renaming, so that what runs from it goes on running.
install_changed()
{
	cmp -s "$1" "$2" && return 0
	mkdir -p "$(dirname "$2")" && cp "$1" "$2.new" && mv -f "$2.new" "$2"
}

# Builds the guest driver for the kernel of cache folder $1, version $2, into
# $build/driver/VERSION/. Only what has changed is compiled.
build_driver_for()
{
	dir=$build/driver/$2
	mkdir -p "$dir"
	if [ -f "$1/build/Makefile" ]; then
		set -- "$2" "$1/build" "$dir/kbuild" ""
	else
		# Headers in a root of their own (kernel-trixie.sh).
		set -- "$2" "/usr/src/linux-headers-$2" "$1/root/var/tmp/driver$build" "$1/root"
	fi
	guest/kernel/build.sh "$2" guest/kernel include/uapi "$3" "$dir/virtio_cuda.ko" "$4" \
		>"$dir/log" 2>&1 || {
		grep -E 'error|warning|not found' "$dir/log" | head -n 20 >&2
		die "the guest driver does not build for $1: see $dir/log"
	}
}

# The driver for each fetched kernel that has its headers; those in a root of
# their own are only for root.
build_drivers()
{
	for kernel in "$cache"/kernel/[0-9]*; do
		version=$(basename "$kernel")
		if [ ! -f "$kernel/build/Makefile" ]; then
			[ -d "$kernel/root/usr/src/linux-headers-$version" ] || continue
			[ "$(id -u)" = 0 ] || continue
		fi
		build_driver_for "$kernel" "$version"
		install_changed "$build/driver/$version/virtio_cuda.ko" \
			"$out/lib/causeway/driver/$version/virtio_cuda.ko"
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
	build_drivers
}

if [ "$cmd" = build ]; then
	build_all
	say "build: $out/bin/causeway"
fi
