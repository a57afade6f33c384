#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# causeway run without a program: a shell, on a terminal of the guest's where
# this side has one.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/needs.sh"

command -v python3 >/dev/null || whole_skip "no python3"
terminal=$(cd "$(dirname "$0")" && pwd)/terminal.py

# talk STEP...: a shell in a guest, talked to; SHELL is one that shows "# ".
talk()
{
	SHELL=/bin/sh PS1='# ' python3 "$terminal" "$@" -- "$causeway" run --gpu=none \
		--root=pack --add $box --add "$PWD" --env PS1='# ' >text
}

test_the_shell_has_a_terminal_of_the_right_size_and_follows_it()
{
	rc=0
	talk size=33x77 'wait=# ' 'send=busybox stty size\n' 'wait=33 77' \
		size=44x99 'send=until busybox stty size | busybox grep "44 99"; do :; done\n' \
		'wait=44 99\r' 'send=busybox tty; exit 5\n' wait=/dev/pts/0 end || rc=$?
	cat text
	same $rc 5
	nothing_left
}

test_control_c_reaches_the_program_and_not_the_tool()
{
	# What has set its trap has started for certain.
	cat >trapper <<-S
		#!$box sh
		trap 'echo got; exit' INT
		echo ready
		while :; do busybox sleep 0.1; done
	S
	chmod +x trapper
	rc=0
	talk 'wait=# ' flags=raw 'send=./trapper\n' wait=ready 'send=\x03' wait=got 'wait=# ' \
		'send=busybox echo al""ive; exit 3\n' wait=alive end || rc=$?
	cat text
	same $rc 3
}

test_the_terminal_is_as_before_after_any_end()
{
	# A shell around the tool: it looks at the terminal after it.
	cat >outer <<-'S'
		stty -a >before
		"$@" --gpu=none --root=pack --add /bin/busybox --env 'PS1=# '
		echo "ended: $?"
		stty -a >after
		cmp before after && echo same
	S
	rc=0
	SHELL=/bin/sh python3 "$terminal" 'wait=# ' flags=raw 'send=kill -KILL $$\n' \
		'wait=ended: 137' wait=same end -- sh outer "$causeway" run >text || rc=$?
	cat text
	same $rc 0
	rc=0
	SHELL=/bin/sh python3 "$terminal" 'wait=# ' flags=raw 'send=exec sleep 1000' \
		'send=\x15busybox poweroff -f\n' 'wait=ended: 125' wait=same end -- \
		sh outer "$causeway" run >text || rc=$?
	cat text
	same $rc 0
	nothing_left
}

test_a_program_gets_a_terminal_when_asked_for()
{
	rc=0
	python3 "$terminal" 'wait=/dev/pts/0' end -- "$causeway" run --gpu=none --root=pack --tty \
		--add $box -- $box tty >text || rc=$?
	cat text
	same $rc 0
	python3 "$terminal" 'wait=not a tty' end -- "$causeway" run --gpu=none --root=pack \
		--add $box -- $box tty >text || :
	fails 125 "--tty wants a terminal" "$causeway" run --gpu=none --tty -- /bin/true
}

test_without_a_terminal_the_shell_reads_its_script()
{
	same "$(echo 'echo $((6 * 7)); busybox tty; exit 4' |
		"$causeway" run --gpu=none --root=pack --add $box | tr '\n' ' ')" "42 not a tty "
}

tap_main "$0" "$@"
