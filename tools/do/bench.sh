# SPDX-License-Identifier: Apache-2.0
#: bench [NAME]        run the benchmarks (build type release); prints ratios

build=$build-release
[ -f "$build/build.ninja" ] || meson setup "$build" --buildtype=release >"$build.log" 2>&1 ||
	die "meson setup failed: see $build.log"
rm -f "$build.log"
out=$build/out
. tools/do/build.sh
build_all
exec "$out/bin/causeway" bench "$@"
