#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every test program whose list says so, one after the other in one VM on the
# soft GPU; each is a test. The last one reads the guest's kernel log.
set -u
. "$(dirname "$0")/needs.sh"

list=${CAUSEWAY_LIST:?}
bin=${CAUSEWAY_PROGRAMS:?}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# NAME ARGUMENTS EXPECTED of what is for a VM and is built.
grep -v '^#' "$list" | while read -r name _ _ worlds arguments expected; do
	case ",$worlds," in
	*,all,* | *,vm,*) [ ! -x "$bin/$name" ] || echo "$name $arguments $expected" ;;
	esac
done >"$work/programs"
[ -s "$work/programs" ] || whole_skip "no program is built: no compiler for them was found"

set -- --gpu=soft --add $box
{
	echo "#!$box sh"
	while read -r name arguments _; do
		[ "$arguments" != - ] || arguments=
		arguments=$(echo "$arguments" | sed "s|%o|/tmp/out.png|g; s|,| |g")
		echo "echo BEGIN $name; busybox timeout 60 $bin/$name $arguments; echo END $name \$?"
	done <"$work/programs"
	echo 'echo BEGIN log; busybox dmesg; echo END log 0'
} >"$work/script"
chmod +x "$work/script"
while read -r name _; do
	set -- "$@" --add "$bin/$name"
done <"$work/programs"
"$causeway" run "$@" -- "$work/script" >"$work/text" 2>"$work/errors"
status=$?

echo "1..$(($(wc -l <"$work/programs") + 1))"
n=0 failed=0
verdict()
{
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n $1"
	else
		sed 's/^/# /' "$work/one"
		echo "# $2"
		echo "not ok $n $1"
		failed=1
	fi
}

# Why the program whose output is in $work/one is not right; nothing if it is.
judge()
{
	json=$(grep '^{"program":' "$work/one")
	case $json in
	'') echo "no JSON line; the VM ended with $status: $(tail -n 1 "$work/errors")" ;;
	*'"ok":true'*)
		oldifs=$IFS
		IFS=,
		for part in $2; do
			case $json in
			*"$part",* | *"$part}"*) ;;
			*) echo "wanted $part" ;;
			esac
		done
		IFS=$oldifs
		;;
	*) echo "not ok" ;;
	esac
	grep -q "^END $1 0" "$work/one" || echo "exit status: $(grep "^END $1" "$work/one")"
}

while read -r name _ expected; do
	sed -n "/^BEGIN $name\$/,/^END $name /p" "$work/text" >"$work/one"
	verdict "$name" "$(judge "$name" "$expected")"
done <"$work/programs"
sed -n '/^BEGIN log$/,/^END log /p' "$work/text" >"$work/one"
grep -q '^END log' "$work/one" || echo "no log at all" >"$work/bad"
grep -E 'WARNING:|BUG:|nobody cared|Oops|Call Trace' "$work/one" >>"$work/bad"
mv "$work/bad" "$work/one"
verdict kernel_log_is_clean "$([ ! -s "$work/one" ] || echo 'the kernel complained')"
exit $failed
