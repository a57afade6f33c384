# SPDX-License-Identifier: Apache-2.0
#: clean [--cache]     remove what was built; with --cache also the fetched kernels

case ${1:-} in
'' | --cache) ;;
*) die "clean: unknown option '$1'; ./do help lists them" ;;
esac
rm -rf "$build" "$build-asan" "$build-tsan" "$build-fuzz" "$build-plant" "$build-release" "$out"
[ "${1:-}" != --cache ] || rm -rf "${cache:?}"
