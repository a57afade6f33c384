#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# causeway list and stop: daemons that run, and their end.
. "$(dirname "$0")/../vm/tap.sh"

causeway=${CAUSEWAY_OUT:?}/bin/causeway

[ -x "$causeway" ] || { echo "1..0 # SKIP $causeway is not there: ./do build makes it"; exit 0; }

# serve NAME: a daemon at socket NAME; its pid is in $daemon
serve()
{
	"$causeway" serve --gpu=soft --socket "$PWD/$1" 2>/dev/null &
	daemon=$!
	while [ ! -S "$1" ]; do sleep 0.1; done
}

# The line of the table for socket NAME, without the columns' widths.
line_of()
{
	"$causeway" list | grep -F " $PWD/$1" | tr -s ' '
}

test_a_daemon_is_listed_until_it_is_stopped()
{
	serve gpu
	case $(line_of gpu) in
	"$daemon $(id -u) serve soft 0 "*" $PWD/gpu") ;;
	*) false ;;
	esac
	"$causeway" stop gpu
	same "$(line_of gpu)" ""
	[ ! -e gpu ]
	nothing_left
}

test_clients_are_counted()
{
	serve gpu
	# A client that stays until its input ends.
	cat >client.c <<-'C'
		#include <stdio.h>
		int cuInit(int), cuDevicePrimaryCtxRetain(void *, int);
		int main(void)
		{
			void *context;

			if (cuInit(0) || cuDevicePrimaryCtxRetain(&context, 0))
				return 1;
			puts("ready");
			fflush(stdout);
			return getchar() != 'x';
		}
	C
	cc -o client client.c -L"$CAUSEWAY_OUT/lib/causeway/guest" -l:libcuda.so.1
	mkfifo in
	"$causeway" exec --socket gpu -- ./client <in >ready &
	client=$!
	exec 3>in
	while [ ! -s ready ]; do sleep 0.1; done
	case $(line_of gpu) in
	"$daemon $(id -u) serve soft 1 "*) ;;
	*) false ;;
	esac
	"$causeway" list --format=json >text
	tr -d '\n' <text | grep -q "{\"pid\":$daemon,[^]]*\"client_socket\":\"$PWD/gpu\",[^]]*\"clients\":\[{\"worker\":[0-9]*,\"memory\":[1-9][0-9]*,\"cpu_ms\":[0-9]*,\"gpu_memory\":[0-9]*}\]}"
	echo x >&3
	exec 3>&-
	wait $client
	"$causeway" stop $daemon
	nothing_left
}

test_limits_are_shown()
{
	set -- --vm-memory=3G --client-memory=1G --share=30 --max-clients=7 --max-threads=6 \
		--max-regions=5 --max-runs=9 --max-chains=3 --max-objects=100 --max-callbacks=11 \
		--max-image=1M --worker-memory=2G
	mkdir card
	"$causeway" serve --gpu=soft --socket "$PWD/gpu" --card-dir="$PWD/card" "$@" 2>/dev/null &
	daemon=$!
	while [ ! -S gpu ]; do sleep 0.1; done
	"$causeway" list --format=json >text
	tr -d '\n' <text | grep -q "{\"pid\":$daemon,[^]]*\"limits\":{\"vm_memory\":3221225472,\"client_memory\":1073741824,\"share\":30,\"clients\":7,\"threads\":6,\"regions\":5,\"runs\":9,\"chains\":3,\"objects\":100,\"callbacks\":11,\"image\":1048576,\"worker_memory\":2147483648},\"gpu_memory\":0,"
	"$causeway" stop $daemon
	rm -r card
	nothing_left
}

test_stopping_the_daemon_of_a_run_stops_the_run()
{
	"$causeway" exec --gpu=soft -- sleep 60 &
	run=$!
	pid=
	while [ -z "$pid" ]; do
		sleep 0.1
		pid=$("$causeway" list --format=json |
			sed -n "s/.*\"pid\":\([0-9]*\),[^{]*\"for\":\"exec\",\"run\":$run,.*/\1/p")
	done
	"$causeway" stop "$pid"
	rc=0
	wait $run || rc=$?
	same $rc 143
	nothing_left
}

test_what_is_no_daemon_is_one_line()
{
	fails 1 "'1' is no GPU daemon" "$causeway" stop 1
	fails 1 "'./nothing' is no GPU daemon" "$causeway" stop ./nothing
	fails 2 "which one?" "$causeway" stop
	fails 2 "one word too many" "$causeway" list all
	fails 2 "--format is table or json" "$causeway" list --format=xml
}

tap_main "$0" "$@"
