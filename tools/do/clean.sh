# SPDX-License-Identifier: Apache-2.0
#: clean [--cache]     remove what was built; with --cache also the fetched kernels

rm -rf "$build" "$build-asan" "$build-fuzz" "$out"
if [ "${1:-}" = --cache ]; then
	rm -rf "${cache:?}"
fi
