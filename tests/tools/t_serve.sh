#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The daemon as others start it: by systemd, by a management tool.
. "$(dirname "$0")/../vm/tap.sh"

causeway=${CAUSEWAY_OUT:?}/bin/causeway
daemon=$CAUSEWAY_OUT/bin/vhost-user-cuda
activate=$(cd "$(dirname "$0")" && pwd)/activate.py

[ -x "$daemon" ] || { echo "1..0 # SKIP $daemon is not there: ./do build makes it"; exit 0; }
command -v python3 >/dev/null || { echo "1..0 # SKIP no python3"; exit 0; }

# start ARGUMENT...: activate.py in the background, until end is called.
start()
{
	mkfifo in
	python3 "$activate" "$@" <in >told 2>stderr &
	starter=$!
	exec 3>in
	until grep -q READY=1 told; do kill -0 $starter; sleep 0.1; done
}

end()
{
	exec 3>&-
	rc=0
	wait "$starter" || rc=$?
	cat stderr
	same "$rc $(tr '\n' ' ' <told)" "0 READY=1 STOPPING=1 "
	nothing_left
}

test_a_socket_for_processes_is_taken_over()
{
	start seqpacket="$PWD/gpu" -- "$daemon" --backend=soft
	"$causeway" exec --socket "$PWD/gpu" -- "$CAUSEWAY_PROGRAMS/module_ptx" >text
	cat text
	grep -q '"ok":true' text
	# The socket is not the daemon's, so it stays.
	end
	test -S gpu
}

test_a_socket_for_a_vm_is_taken_over()
{
	start stream="$PWD/vm" seqpacket="$PWD/gpu" -- "$daemon" --backend=soft
	# GET_FEATURES of a VMM: twenty bytes come back, the first word is the request.
	python3 - "$PWD/vm" <<-'P'
		import socket, struct, sys
		s = socket.socket(socket.AF_UNIX)
		s.connect(sys.argv[1])
		s.sendall(struct.pack("<III", 1, 1, 0))
		answer = s.recv(64)
		assert len(answer) == 20 and struct.unpack_from("<I", answer)[0] == 1, answer
	P
	end
}

# An input that does not end, for a daemon that ends by itself.
endless_input()
{
	mkfifo in
	exec 3<>in
}

test_sockets_for_another_process_are_not_taken()
{
	endless_input
	rc=0
	python3 "$activate" --pid=1 seqpacket="$PWD/gpu" -- "$daemon" --backend=soft \
		<in >told 2>stderr || rc=$?
	cat stderr
	same "$rc $(cat told)" "1 "
	grep -q 'need one of' stderr
}

test_two_of_a_kind_are_one_line()
{
	endless_input
	rc=0
	python3 "$activate" seqpacket="$PWD/a" seqpacket="$PWD/b" -- "$daemon" --backend=soft \
		<in >told 2>stderr || rc=$?
	cat stderr
	same "$rc $(cat told) $(grep -c . stderr)" "1  1"
	rc=0
	python3 "$activate" stream="$PWD/c" stream="$PWD/d" -- "$daemon" --backend=soft \
		<in >told 2>stderr || rc=$?
	cat stderr
	same "$rc $(cat told) $(grep -c . stderr)" "1  1"
}

test_workers_get_nothing_of_it()
{
	start seqpacket="$PWD/gpu" -- "$daemon" --backend=soft
	mkfifo client_in
	# A client that is there until its input ends.
	cat >client.c <<-'C'
		#include <stdio.h>
		int cuInit(int);
		int main(void) { if (cuInit(0)) return 1; puts("ready"); fflush(stdout); return getchar() != 'x'; }
	C
	cc -o client client.c -L"$CAUSEWAY_OUT/lib/causeway/guest" -l:libcuda.so.1
	"$causeway" exec --socket "$PWD/gpu" -- ./client <client_in >ready &
	client=$!
	exec 4>client_in
	until grep -q ready ready; do kill -0 $client; sleep 0.1; done
	worker=$("$causeway" list --format=json | tr -d '\n' |
		sed -n "s,.*\"pid\":$(cat pid)\,[^]]*\"worker\":\([0-9]*\).*,\1,p")
	test -r "/proc/$worker/environ"
	! tr '\0' '\n' <"/proc/$worker/environ" | grep -E '^(LISTEN_|NOTIFY_)'
	echo x >&4
	exec 4>&-
	wait $client
	end
}

tap_main "$0" "$@"
