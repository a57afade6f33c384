#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Kills in a VM on the soft GPU, all in one boot: processes in the guest, workers
# on the host, in each state of the protocol; and clients that come and go.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/guest.sh"

. "$(dirname "$0")/needs.sh"

[ -n "${CAUSEWAY_TEST_LONG:-}" ] || whole_skip "takes minutes: ./do check --long"

client=${CAUSEWAY_CLIENT:?}
kills=${CAUSEWAY_TEST_KILLS:-210} cycles=${CAUSEWAY_TEST_CYCLES:-1000}
survivors=2
patience=60000

workers()
{
	left_over | sed -n 's/ causeway-worke.*//p'
}

# workers_are N: waits until there are so many; fails, saying so, after minutes.
workers_are()
{
	i=0
	while [ "$(workers | wc -l)" != "$1" ]; do
		i=$((i + 1))
		[ $i -lt 1200 ] || { echo "workers: $(workers | wc -l), not $1"; return 1; }
		sleep 0.1
	done
}

# The guest's numbers of pages that were pinned and are not any more.
pins()
{
	guest "busybox awk '/^nr_foll_pin/ { print \$2 }' /proc/vmstat" | uniq | wc -l
}

free_kib()
{
	guest "busybox awk '/^MemAvailable/ { print \$2 }' /proc/meminfo"
}

# kill_new: the worker that is not among $known; there may be none, or not yet.
kill_new()
{
	for _ in 1 2 3 4 5; do
		for pid in $(workers); do
			case " $known " in
			*" $pid "*) ;;
			*)
				kill -KILL "$pid" 2>/dev/null && return
				;;
			esac
		done
	done
	return 1
}

# Does what the client in the guest wishes, until it says how it went.
serve_wishes()
{
	n=0 known=
	while :; do
		n=$((n + 1)) i=0
		until wish=$(sed -n "s/^@$n //p" "$work/out" | head -n 1) &&
			[ -n "$wish" ]; do
			i=$((i + 1))
			[ $i -lt 12000 ] || { echo "no wish $n comes"; return 1; }
			kill -0 $tool 2>/dev/null || { echo "the VM has ended"; return 1; }
			sleep 0.02
		done
		case $wish in
		mark)
			workers_are $survivors || return
			known=$(workers | tr '\n' ' ')
			echo "done" >&9
			;;
		kill)
			if kill_new; then echo "done" >&9; else echo "none" >&9; fi
			;;
		*) return ;;
		esac
	done
}

test_killed_processes_hurt_nobody_else()
{
	guest "$client kills $kills" >text || { cat text; return 1; }
	cat text
	grep -qx 'survivors are right' text
	workers_are 0
	same "$(pins)" 1
}

test_killed_workers_hurt_nobody_else()
{
	guest "$client workers $kills" >text &
	asked=$!
	serve_wishes
	rc=0
	wait $asked || rc=$?
	cat text
	same $rc 0
	grep -qx 'survivors are right' text
	workers_are 0
	same "$(pins)" 1
}

test_clients_that_come_and_go_leave_nothing()
{
	daemon=$(left_over | sed -n 's/ vhost-user.*//p' | head -n 1)
	guest "$client cycles 16"
	workers_are 0
	files=$(find "/proc/$daemon/fd" -type l | wc -l) free=$(free_kib)
	guest "$client cycles $cycles"
	workers_are 0
	same "$(find "/proc/$daemon/fd" -type l | wc -l)" "$files"
	same "$(pins)" 1
	echo "guest: $free KiB available, then $(free_kib)"
	[ "$(free_kib)" -ge $((free - 16384)) ]
}

test_kernel_log_is_clean()
{
	guest 'busybox dmesg' >log
	! grep -E 'WARNING:|BUG:|nobody cared|Oops|Call Trace|refcount_t' log
}

test_all_ends()
{
	echo exit >&9
	i=0
	while kill -0 $tool 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 1200 ] || { echo "the tool goes on"; return 1; }
		sleep 0.1
	done
	nothing_left
}

export CAUSEWAY_TEST_HOOKS=1
filter=${1:-}
guest_start --gpu=soft --cpus 2 --mem 2G --add "$client"
tap_main "$0" "$filter"
