#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Clients beside each other in one VM on the soft GPU: what they count, what
# they cost, and what is left of one that is killed.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/guest.sh"

. "$(dirname "$0")/needs.sh"

client=${CAUSEWAY_CLIENT:?}
bin=${CAUSEWAY_PROGRAMS:?}
seconds=3
[ -z "${CAUSEWAY_TEST_LONG:-}" ] || seconds=10

# Processes on the host: the daemon and its workers.
host_pids()
{
	left_over | sed -n 's/ \(vhost-user\|causeway-worke\).*//p'
}

workers()
{
	left_over | sed -n 's/ causeway-worke.*//p'
}

# workers_are N: waits until there are so many; fails, saying so, after 10 s.
workers_are()
{
	i=0
	while [ "$(workers | wc -l)" != "$1" ]; do
		i=$((i + 1))
		[ $i -lt 100 ] || { echo "workers: $(workers | wc -l), not $1"; return 1; }
		sleep 0.1
	done
}

# Voluntary and other context switches of all threads of the daemon and workers.
switches()
{
	for pid in $(host_pids); do
		cat /proc/"$pid"/task/*/status
	done 2>/dev/null | awk '/ctxt_switches/ { n += $2 } END { print n + 0 }'
}

# Clock ticks of processor that QEMU, the daemon and the workers have used.
ticks()
{
	for pid in $(left_over | sed -n 's/ \(qemu\|vhost-user\|causeway-worke\).*//p'); do
		sed 's/.*) //' /proc/"$pid"/stat
	done 2>/dev/null | awk '{ n += $12 + $13 } END { print n + 0 }'
}

# busy N: starts so many clients in the guest, as $pids there.
busy()
{
	guest "rm -f /tmp/stop /tmp/c.*; pids=; for i in \$(busybox seq $1); do
		$client work /tmp/stop >/tmp/c.\$i & pids=\"\$pids \$!\"; done
		until [ \$(busybox grep -lx busy /tmp/c.* | busybox wc -l) = $1 ]; do
			busybox sleep 0.1; done"
	workers_are "$1"
}

# Ends them; prints the status of each, sorted, and what the failed ones said.
busy_end()
{
	# No pipe behind the loop: only the shell itself can wait for its children.
	guest '>/tmp/stop; for p in $pids; do wait $p; echo "status $?"; done >/tmp/status
		busybox sort /tmp/status | busybox uniq -c
		busybox grep -hv "^busy" /tmp/c.* | busybox sort | busybox uniq -c' | sed 's/^ *//'
}

test_both_ends_of_the_runtime_at_once()
{
	[ -x "$bin/first_90" ] || skip "first_90 is not built"
	guest "$bin/first_90 >/tmp/a & a=\$!; $bin/first >/tmp/b; b=\$?; wait \$a
		echo \$? \$b; busybox cat /tmp/a /tmp/b" >text
	same "$(head -n 1 text)" "0 0"
	grep -q '"ok":true,"runtime":9,"sum":528,' text
	grep -q '"ok":true,"runtime":13,"sum":528,' text
}

test_sixteen_clients_at_once_get_right_results()
{
	busy 16
	busy_end >text
	same "$(tr '\n' ' ' <text)" "16 status 0 16 right "
	workers_are 0
}

test_copy_moves_each_byte_once()
{
	guest "$client copies"
}

test_launches_with_the_dispatcher_held_are_one_kick_and_no_interrupt()
{
	guest "$client launches"
}

test_wait_costs_nobody_a_core()
{
	guest "$client wait $((seconds + 4))000 >/tmp/c & c=\$!
		until busybox grep -q asleep /tmp/c; do busybox sleep 0.1; done"
	guest 'busybox sleep 1'
	idle="busybox awk '/^cpu / { print \$5 + \$6 }' /proc/stat"
	guest "$idle" >idle.before
	# Commands in the guest cost time of their own: none between these looks.
	before=$(switches) start=$(ticks)
	sleep $seconds
	used=$(($(ticks) - start)) woken=$(($(switches) - before))
	guest "$idle" >idle.after
	echo $(($(cat idle.after) - $(cat idle.before))) >idle
	guest 'wait $c; s=$?; busybox cat /tmp/c; exit_status() { return $s; }; exit_status' >text
	echo "guest idle: $(cat idle) of ${seconds}00 ticks; host: $used ticks, $woken switches"
	cat text
	# One of two vCPUs that spins is no idle tick, or a whole core on the host.
	[ "$(cat idle)" -gt "${seconds}0" ]
	[ $used -lt "${seconds}0" ]
	[ $woken -le 10 ]
	[ "$(sed -n 's/^switches //p' text)" -le 100 ]
}

test_idle_clients_wake_nobody()
{
	guest "pids=; for i in \$(busybox seq 16); do
		$client idle >/tmp/c.\$i & pids=\"\$pids \$!\"; done
		until [ \$(busybox grep -lx idle /tmp/c.* | busybox wc -l) = 16 ]; do
			busybox sleep 0.1; done"
	workers_are 16
	# Of clients that did something the daemon compares the memory once more.
	sleep 3
	before=$(switches)
	sleep $seconds
	woken=$(($(switches) - before))
	guest 'kill $pids; wait'
	workers_are 0
	same $woken 0
}

test_killed_process_leaves_nothing()
{
	busy 5
	guest 'set -- $pids; kill -KILL $3'
	workers_are 4
	busy_end >text
	same "$(tr '\n' ' ' <text)" "4 status 0 1 status 137 4 right "
	workers_are 0
	guest "$client work /tmp/stop"
}

test_killed_worker_is_an_error_for_its_client_alone()
{
	busy 5
	kill -KILL "$(workers | sed -n 3p)"
	workers_are 4
	busy_end >text
	cat text
	grep -qx '4 status 0' text
	grep -qx '1 status 3' text
	grep -qx '4 right' text
	workers_are 0
	guest "$client work /tmp/stop"
}

test_kernel_log_is_clean()
{
	guest 'busybox dmesg' >log
	! grep -E 'WARNING:|BUG:|nobody cared|Oops|Call Trace|refcount_t' log
}

# The last in this VM.
test_killed_daemon_is_an_error_and_no_hang()
{
	busy 2
	kill -KILL "$(left_over | sed -n 's/ vhost-user.*//p' | head -n 1)"
	i=0
	while kill -0 $tool 2>/dev/null; do
		i=$((i + 1))
		[ $i -lt 200 ] || { echo "the tool goes on"; return 1; }
		sleep 0.1
	done
	cat "$work/err"
	grep -q 'the GPU daemon ended' "$work/err"
	nothing_left
}

export CAUSEWAY_TEST_HOOKS=1
filter=${1:-}
set -- --gpu=soft --cpus 2 --mem 2G --add "$client"
for p in first first_90; do
	[ ! -x "$bin/$p" ] || set -- "$@" --add "$bin/$p"
done
guest_start "$@"
tap_main "$0" "$filter"
