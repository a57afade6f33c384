#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Compares what cwgen makes of sample.api with the golden files, and what it
# says of each file in bad/ with the messages beside it.
#
#	golden.sh CWGEN			run, as TAP
#	golden.sh --refresh CWGEN	make the golden files anew; then read the diff
set -eu

refresh=
if [ "$1" = --refresh ]; then
	refresh=1
	shift
fi
cwgen=$(realpath "$1")
shift
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
n=0

# compare NAME GOLDEN: $tmp/out is what came out
compare()
{
	n=$((n + 1))
	if [ -n "$refresh" ]; then
		cp "$tmp/out" "$2"
	fi
	if diff -u "$2" "$tmp/out" > "$tmp/diff" 2>&1; then
		echo "ok $n $1"
	else
		sed 's/^/# /' "$tmp/diff"
		echo "not ok $n $1"
	fi
}

cd "$(dirname "$0")"
for kind in proto exports ids names procaddr refused answers weak soft-h soft-c soft-calls policy results attrs \
	guest guest-h guest-structs-h guest-structs-c worker worker-h worker-table \
	worker-structs-h worker-structs-c driver-h driver-c tests coverage; do
	"$cwgen" $kind "$tmp/out" sample.api
	compare "sample_$kind" "golden/$kind"
done

for bad in bad/*.api; do
	name=$(basename "$bad" .api)
	rm -f "$tmp/made"
	status=0
	"$cwgen" proto "$tmp/made" "$bad" 2> "$tmp/out" || status=$?
	if [ $status -ne 1 ] || [ -e "$tmp/made" ]; then
		echo "status $status, or an output in spite of errors" >> "$tmp/out"
	fi
	compare "bad_$name" "bad/$name.err"
done

echo "1..$n"
