#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# docs/coverage.md says what the descriptions say, and every test it names
# is there.
#
#	coverage.sh CWGEN GEN_EXPORTS PAGE FILE...	run, as TAP
#	coverage.sh --refresh ...			make the page anew
set -eu

refresh=
if [ "$1" = --refresh ]; then
	refresh=1
	shift
fi
cwgen=$1 exports=$2 page=$3
shift 3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$cwgen" coverage "$tmp/page" "$@"
"$exports" coverage >>"$tmp/page"
if [ -n "$refresh" ]; then
	cp "$tmp/page" "$page"
	exit 0
fi

n=0
# check NAME: ok where $tmp/out is empty
check()
{
	n=$((n + 1))
	sed 's/^/# /' "$tmp/out"
	[ ! -s "$tmp/out" ] || printf 'not '
	echo "ok $n $1"
}

diff -u "$page" "$tmp/page" >"$tmp/out" || :
check page_is_fresh

# The last column of a described function: a test program, or a TAP test's
# source file, which then calls the function, or none.
tests=$(dirname "$page")/../tests
sed -n 's/^| \(cu[A-Z][A-Za-z0-9_]*\) |.*| \([^|]*\) |$/\1 \2/p' "$tmp/page" |
	sort -u >"$tmp/named"
while read -r function name; do
	[ "$name" = none ] && continue
	[ -n "$name" ] || { echo "$function: no test, not even none"; continue; }
	grep -q "^${name}[[:space:]]" "$tests/programs/programs.list" && continue
	file=$(find "$tests" -name "$name.c")
	[ -n "$file" ] && grep -qw "$function" "$file" && continue
	echo "$function: '$name' is no test that calls it"
done <"$tmp/named" >"$tmp/out"
check named_tests_are_there

# Programs are held to it when they run: tests/programs/run.
echo "1..$n"
