# SPDX-License-Identifier: Apache-2.0
# TAP for shell tests. A test is a function test_NAME; it runs in a subshell of
# its own with -e and in an empty folder, so its first failing command fails it.
# `skip "why"` skips it. Read with ".", then call tap_main "$0" [FILTER].

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Every process of a test inherits this, so what is left of it can be found.
CAUSEWAY_TEST_MARK=$(basename "$work")
export CAUSEWAY_TEST_MARK

skip()
{
	echo "$*" >"$work/skip"
	exit 77
}

# Processes of this test other than its own shells, as "PID NAME".
left_over()
{
	for d in /proc/[0-9]*; do
		case $(cat "$d/comm" 2>/dev/null) in
		qemu* | vhost-user* | virtiofsd | causeway*)
			{ tr '\0' '\n' <"$d/environ"; } 2>/dev/null |
				grep -qx "CAUSEWAY_TEST_MARK=$CAUSEWAY_TEST_MARK" &&
				echo "${d#/proc/} $(cat "$d/comm" 2>/dev/null)"
			;;
		esac
	done
}

# Waits until nothing of the test is left; fails, saying what, after 10 s.
nothing_left()
{
	i=0
	while [ -n "$(left_over)" ]; do
		i=$((i + 1))
		[ $i -lt 100 ] || { echo "left running: $(left_over)"; return 1; }
		sleep 0.1
	done
}

# same WHAT WANTED: for use as a command that fails with a reason.
same()
{
	[ "$1" = "$2" ] || { echo "got '$1', wanted '$2'"; return 1; }
}

# fails STATUS TEXT COMMAND...: the command exits with STATUS, prints nothing on
# stdout, and on stderr one line that has TEXT in it; nothing is left running.
fails()
{
	want=$1 text=$2
	shift 2
	rc=0
	"$@" >stdout 2>stderr </dev/null || rc=$?
	cat stderr
	same "$rc" "$want"
	same "$(wc -l <stderr)" 1
	same "$(wc -c <stdout)" 0
	grep -qF -- "$text" stderr || { echo "no '$text' in it"; return 1; }
	nothing_left
}

tap_main()
{
	names=$(sed -n 's/^test_\([a-z0-9_]*\)()$/\1/p' "$1" | grep -e "${2:-.}")
	echo "1..$(printf '%s\n' "$names" | wc -l)"
	n=0 failed=0
	for name in $names; do
		n=$((n + 1)) rc=0
		mkdir "$work/$name"
		# Not in a condition: there the shell would ignore -e.
		set +e
		(set -e; cd "$work/$name"; "test_$name") >"$work/log" 2>&1
		rc=$?
		if [ $rc = 77 ]; then
			echo "ok $n $name # SKIP $(cat "$work/skip")"
		elif [ $rc = 0 ]; then
			echo "ok $n $name"
		else
			sed 's/^/# /' "$work/log"
			echo "not ok $n $name"
			failed=1
		fi
		rm -rf "${work:?}/$name"
	done
	exit $failed
}
