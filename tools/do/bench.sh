# SPDX-License-Identifier: Apache-2.0
#: bench [NAME]        run the benchmarks (build type release); prints ratios

build=$build-release
configure "$build" --buildtype=release
out=$build/out
. tools/do/build.sh
build_all
exec "$out/bin/causeway" bench "$@"
