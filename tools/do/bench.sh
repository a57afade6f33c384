# SPDX-License-Identifier: Apache-2.0
#: bench [NAME]        run the benchmarks (build type release); prints ratios

build=$build-release
configure "$build" --buildtype=release
out=$build/out
. tools/do/build.sh
build_all
"$out/bin/causeway" bench "$@" || exit
# What a VM adds, where there is one to boot; --list and the like are not for it.
case ${1:-} in
'' | latency | trace)
	if "$out/bin/causeway" doctor | grep -q '^ok *guest driver'; then
		say "== in a VM"
		for name in ${1:-latency trace}; do
			"$out/bin/causeway" run --gpu=soft -- "$out/bin/causeway" bench "$name" || exit
		done
	fi
	;;
esac
