# SPDX-License-Identifier: Apache-2.0
#: fuzz [TARGET]       run a fuzz target until stopped; without one: list them

targets=$(find tests/fuzz -name 'f_*.c' 2>/dev/null | sed 's,.*/f_,,; s,\.c$,,' | sort)
[ -n "$targets" ] || die "there are no fuzz targets in tests/fuzz"
if [ $# -eq 0 ]; then
	say "$targets"
	exit 0
fi
printf '%s\n' "$targets" | grep -qx "$1" || die "fuzz: no target '$1'; there are:" $targets
dir=$build-fuzz
CC=clang-19 configure "$dir" -Db_sanitize=fuzzer-no-link,address -Db_lundef=false
ninja -C "$dir" --quiet "tests/fuzz/f_$1"
mkdir -p "tests/fuzz/corpus/$1"
exec "$dir/tests/fuzz/f_$1" "tests/fuzz/corpus/$1"
