#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# causeway api: what programs need, and the answers.
. "$(dirname "$0")/../vm/tap.sh"

causeway=${CAUSEWAY_OUT:?}/bin/causeway
guest=$CAUSEWAY_OUT/lib/causeway/guest

[ -x "$causeway" ] || { echo "1..0 # SKIP $causeway is not there: ./do build makes it"; exit 0; }
command -v cc >/dev/null || { echo "1..0 # SKIP no C compiler"; exit 0; }

# api STATUS ARGUMENT...: its table without the columns' widths, in the file text
api()
{
	want=$1 rc=0
	shift
	"$causeway" api "$@" >raw 2>stderr || rc=$?
	cat stderr
	tr -s ' ' <raw >text
	cat text
	same $rc "$want"
}

# A program in C that links libcuda, from standard input.
build()
{
	cc -x c - -o "$1" -L"$guest" -l:libcuda.so.1
}

test_functions_of_the_runtime_come_with_their_version()
{
	[ -x "$CAUSEWAY_PROGRAMS/first_90" ] || skip "no clang: no programs in CUDA C++"
	api 0 "$CAUSEWAY_PROGRAMS/first_90"
	grep -qx 'cudaMalloc libcudart.so.9.0 done' text
	grep -q '^[1-9][0-9]* functions needed: .* 0 refused, 0 unknown$' text
}

test_functions_of_the_driver_are_listed()
{
	api 0 "$CAUSEWAY_PROGRAMS/module_ptx"
	grep -qx 'cuModuleLoadData - done' text
	grep -qx 'cuMemAlloc_v2 - done' text
}

test_a_refused_function_is_said_with_the_reason()
{
	echo 'int cuMemAlloc(void *, int); int main(void) { return cuMemAlloc(0, 0) != 801; }' |
		build prog
	api 1 prog
	grep -q '^cuMemAlloc - refused .*32-bit' text
	grep -qx '1 functions needed: 0 done, 1 refused, 0 unknown' text
}

test_an_unknown_function_is_said()
{
	echo 'int cuNoSuch(void); int f(void) { return cuNoSuch(); }' |
		cc -x c - -shared -fPIC -o lib.so
	api 1 lib.so
	grep -qx 'cuNoSuch - unknown' text
}

test_names_of_other_libraries_are_not_ours()
{
	echo 'int cuFileOpen(void) { return 0; }' | cc -x c - -shared -fPIC -o libother.so
	echo 'int cuFileOpen(void); int main(void) { return cuFileOpen(); }' |
		cc -x c - -o prog -L. -lother
	LD_LIBRARY_PATH=$PWD api 0 prog
	grep -q '^0 functions needed' text
	api 1 prog
	grep -q '^missing library: libother.so' text
}

test_a_runtime_inside_the_program_is_recognised()
{
	cat >prog.c <<-'C'
		const char *volatile a = "cudaErrorCudartUnloading", *volatile b = "libcuda.so.1";
		int main(void) { return !a || !b; }
	C
	cc -o prog prog.c
	api 0 prog
	grep -q '^static cudart in prog: .*--run lists what it calls' text
	"$causeway" api prog --format=json | grep -q '"cudart":"static"'
}

test_what_is_really_called_is_counted()
{
	build prog <<-'C'
		#include <stdio.h>
		int cuInit(int), cuDeviceGetCount(int *), cuMemAlloc(void *, int), cuArrayDestroy(void *);
		int main(int argc, char **argv)
		{
			int n;

			printf("%d\n", argc);
			cuInit(0);
			for (int i = 0; i < argc; i++)
				cuDeviceGetCount(&n);
			return argc > 3 ? cuMemAlloc(0, 0) != 801 : argc > 9 && cuArrayDestroy(0);
		}
	C
	api 1 prog --run -- a b c
	same "$(cat stderr)" 4
	grep -qx 'cuDeviceGetCount 4 done' text
	grep -q '^cuMemAlloc 1 refused "not supported" 1 times .*32-bit' text
	! grep -q '^cuArrayDestroy [0-9]' text
	grep -qx '3 driver functions called: 2 done, 1 refused, 0 unknown' text
}

test_json_has_the_same_facts()
{
	"$causeway" api --format=json --run "$CAUSEWAY_PROGRAMS/module_ptx" 2>/dev/null | tr -d '\n ' >text
	grep -q '{"name":"cuModuleLoadData","version":null,"file":"module_ptx","answer":"done","reason":null,' text
	grep -q '"status":0,"called":\[{"name":"cuCtx' text
	grep -q '"lacking":0}$' text
	! command -v python3 >/dev/null || python3 -m json.tool text >/dev/null
}

test_the_exit_status_of_the_program_is_told_apart()
{
	echo 'int cuInit(int); int main(void) { return cuInit(0) + 7; }' | build prog
	api 0 prog --run
	grep -qx 'the program ended with exit status 7' text
}

test_what_is_no_program_is_one_line()
{
	echo text >file
	fails 125 "'$PWD/file': not a 64-bit program" "$causeway" api file
	head -c 100 "$causeway" >short
	chmod +x short
	fails 125 "'$PWD/short'" "$causeway" api short
	fails 126 "short' cannot be run" "$causeway" soft -- ./short
	fails 127 "No such file" "$causeway" api ./nothing
	fails 2 "which program" "$causeway" api
	fails 2 "one word too many" "$causeway" api file word
	fails 2 "--format is table or json" "$causeway" api --format=xml file
}

tap_main "$0" "$@"
