# SPDX-License-Identifier: Apache-2.0
# A shell in a VM that several tests share. Read with ".", after tap.sh.
# Wants causeway (the tool) and box (busybox) to be set.

# guest_start OPTION...: boots; the options are those of `causeway run`.
guest_start()
{
	mkfifo "$work/in"
	echo 0 >"$work/count"
	"$causeway" run --add $box "$@" -- $box sh <"$work/in" >"$work/out" 2>"$work/err" &
	tool=$!
	exec 9>"$work/in"
}

# Waits until the line $1 is in the file $2: at most 120 s, which nothing takes
# that works (or $patience looks), and not longer than there is a VM.
guest_await()
{
	i=0
	until grep -qx -- "$1" "$2" 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt "${patience:-2400}" ] || { echo "no '$1' came"; cat "$2"; return 1; } >&2
		kill -0 $tool 2>/dev/null || { echo "the VM has ended"; cat "$work/err"; return 1; } >&2
		sleep 0.05
	done
}

# guest COMMAND: runs it in the guest's shell; prints what it prints, and
# returns what it returns.
guest()
{
	mark=$(($(cat "$work/count") + 1))
	echo $mark >"$work/count"
	printf 'echo "==BEGIN %s"\n%s\necho "==END %s $?"\n' $mark "$*" $mark >&9
	guest_await "==END $mark [0-9]*" "$work/out" || return 1
	sed -n "/^==BEGIN $mark\$/,/^==END $mark /p" "$work/out" | grep -v '^==' || :
	return "$(sed -n "s/^==END $mark //p" "$work/out")"
}

guest_end()
{
	echo exit >&9
	exec 9>&-
	wait $tool
}
