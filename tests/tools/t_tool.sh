#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What every sub-command shares: variables, --trace, and one clear line for
# whatever cannot be run. Nothing here needs a VM; t_run.sh has those.
. "$(dirname "$0")/../vm/tap.sh"

causeway=${CAUSEWAY_OUT:?}/bin/causeway
first=${CAUSEWAY_PROGRAMS:?}/first
source=$(cd "$(dirname "$0")/../.." && pwd)

[ -x "$causeway" ] || { echo "1..0 # SKIP $causeway is not there: ./do build makes it"; exit 0; }

test_the_help_names_every_variable_that_code_reads()
{
	"$causeway" --help | sed -n 's/^  \(CAUSEWAY_[A-Z_]*\) .*/\1/p' | sort >named
	for dir in api daemon guest include softgpu tools vhost virtio wire worker; do
		find "$source/$dir" -name '*.[ch]' ! -path '*/tools/opt.c'
	done | xargs grep -hoE '"CAUSEWAY_[A-Z_]+"' | tr -d '"' | sort -u >used
	test -s named
	diff named used
}

# traced FILE: the lines of a run of the first program, in any world.
traced()
{
	grep -q '^cuInit(Flags=0) = 0$' "$1"
	grep -q '^cuLaunchKernel(.*blockDimX=32.*) = 0$' "$1"
	same "$(grep -c '^cuLaunchKernel(' "$1")" 1
}

trace_with()
{
	[ -x "$first" ] || skip "not built: no compiler for it was found"
	"$causeway" "$1" --trace="$PWD/file" -- "$first" >stdout
	traced file
	"$causeway" "$1" --trace -- "$first" >stdout 2>stderr
	traced stderr
	same "$(wc -l <stdout)" 1
	nothing_left
}

test_soft_prints_calls()
{
	trace_with soft
}

test_exec_prints_calls()
{
	trace_with exec
}

test_unknown_command()
{
	fails 2 frobnicate "$causeway" frobnicate
}

for_each_way()
{
	for way in soft exec run; do
		fails "$1" "$2" "$causeway" $way -- "$3"
	done
}

test_program_that_is_not_there()
{
	for_each_way 127 ./nowhere ./nowhere
}

test_text_without_an_interpreter()
{
	echo 'not a program' >text
	chmod +x text
	for_each_way 126 ./text ./text
}

test_file_that_may_not_be_executed()
{
	echo 'not a program' >text
	for_each_way 126 ./text ./text
}

test_missing_library()
{
	echo 'int f(void) { return 0; }' | cc -shared -o libgone.so -x c -
	echo 'int f(void); int main(void) { return f(); }' | cc -o prog -x c - -L. -lgone
	rm libgone.so
	for_each_way 127 libgone.so ./prog
}

test_unknown_option()
{
	for way in soft exec run; do
		fails 125 --frobnicate "$causeway" $way --frobnicate -- /bin/true
	done
}

test_program_without_cuda_runs()
{
	for way in soft exec; do
		"$causeway" $way -- /bin/echo hello >stdout 2>stderr
		same "$(cat stdout)" hello
	done
	nothing_left
}

test_socket_of_nobody()
{
	fails 125 "$PWD/none" "$causeway" exec --socket "$PWD/none" -- /bin/true
}

test_memory_that_is_not_there()
{
	fails 125 'less with --mem' "$causeway" run --mem 10T -- /bin/true
}

tap_main "$0" "$@"
