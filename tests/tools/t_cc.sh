#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# causeway cc: from a CUDA source to a program that runs.
. "$(dirname "$0")/../vm/tap.sh"

causeway=${CAUSEWAY_OUT:?}/bin/causeway

[ -x "$causeway" ] || { echo "1..0 # SKIP $causeway is not there: ./do build makes it"; exit 0; }
for clang in clang-19 clang clang-14 none; do
	! command -v $clang >/dev/null || break
done
[ $clang != none ] || { echo "1..0 # SKIP no clang"; exit 0; }

# A kernel with a launcher, and a main in C for it.
write_sources()
{
	cat >kernel.cu <<-'C'
		#ifndef __CUDACC__
		#error "nvcc defines it, so do we"
		#endif
		__global__ void set(int *p, int value) { p[threadIdx.x] = value; }
		extern "C" int launch(int value)
		{
			int host[32] = { 0 }, *p, sum = 0;

			if (cudaMalloc(&p, sizeof(host)))
				return -1;
			set<<<1, 32>>>(p, value);
			if (cudaMemcpy(host, p, sizeof(host), cudaMemcpyDeviceToHost))
				return -1;
			for (int i = 0; i < 32; i++)
				sum += host[i];
			return sum;
		}
		#ifdef WITH_MAIN
		int main() { return launch(WITH_MAIN) == 32 * WITH_MAIN ? WITH_MAIN : 1; }
		#endif
	C
	cat >main.c <<-'C'
		#include <stdio.h>
		int launch(int value);
		int main(void) { printf("%d\n", launch(3)); return 0; }
	C
}

# Whatever a test makes in the temporary folder has to be gone after it.
cc()
{
	mkdir -p tmp
	rc=0
	TMPDIR=$PWD/tmp "$causeway" cc "$@" || rc=$?
	# Where the caller looks at the status, -e does not count in here.
	same "$(ls tmp)" "" || exit 1
	return $rc
}

test_one_source_becomes_a_program_that_runs()
{
	write_sources
	cc -DWITH_MAIN=7 kernel.cu >text 2>&1
	same "$(cat text)" ""
	rc=0
	"$causeway" soft -- ./a.out || rc=$?
	same $rc 7
}

test_every_level_and_debug_information_run()
{
	write_sources
	for flags in -O0 "-O 1" "-O3 -g" "-O0 -g -std=c++17" -arch=sm_60 "-arch compute_86"; do
		# shellcheck disable=SC2086
		cc $flags -D WITH_MAIN=5 -o prog kernel.cu
		rc=0
		"$causeway" soft -- ./prog || rc=$?
		same "$flags: $rc" "$flags: 5"
	done
}

test_several_sources_of_both_languages_link()
{
	write_sources
	cc kernel.cu main.c -o prog
	same "$("$causeway" soft -- ./prog)" 96
	same "$(ls)" "$(printf 'kernel.cu\nmain.c\nprog\ntmp')"
}

test_objects_compiled_apart_link()
{
	write_sources
	cc -c kernel.cu main.c
	cc -o prog main.o kernel.o -lcudart -lm
	same "$("$causeway" soft -- ./prog)" 96
}

test_a_driver_program_in_c_needs_no_flags()
{
	cat >driver.c <<-'C'
		#include <cuda.h>
		int main(void) { int n = 0; cuInit(0); cuDeviceGetCount(&n); return n == 1 ? 9 : 1; }
	C
	cc -o driver driver.c
	rc=0
	"$causeway" soft -- ./driver || rc=$?
	same $rc 9
}

test_device_text_is_for_the_gpu_asked_for()
{
	write_sources
	cc -ptx -arch=sm_86 kernel.cu
	grep -q '^\.target sm_86' kernel.ptx
	cc -ptx kernel.cu -o - >text
	grep -q '^\.target sm_75' text
	cc -fatbin kernel.cu
	same "$(head -c 4 kernel.fatbin | od -An -tx1)" " 50 ed 55 ba"
}

test_an_error_of_clang_passes_and_leaves_nothing()
{
	write_sources
	echo 'int main(void) { return nothing; }' >bad.cu
	rc=0
	cc kernel.cu bad.cu -o prog 2>text || rc=$?
	same $rc 1
	grep -q '^bad.cu:1:25: error: .*nothing' text
	same "$(grep -c error: text)" 1
	[ ! -e prog ]
	rc=0
	cc kernel.cu -o prog 2>text || rc=$?
	same $rc 1
	grep -q "main" text
}

test_a_signal_ends_clang_and_leaves_nothing()
{
	write_sources
	printf '#!/bin/sh\ntouch tmp/*/0.ptx\nkill -TERM $PPID\nexec sleep 20\n' >slow
	chmod +x slow
	rc=0
	cc --clang="$PWD/slow" kernel.cu || rc=$?
	same $rc 143
}

test_what_is_missing_or_wrong_is_one_line()
{
	write_sources
	fails 127 "apt-get install clang-19" env PATH=/nowhere "$causeway" cc kernel.cu
	fails 127 "no clang-0: apt-get" env CAUSEWAY_CLANG=clang-0 "$causeway" cc kernel.cu
	fails 2 "unknown option '-q'" "$causeway" cc -q kernel.cu
	fails 2 "-arch=75: wanted is sm_NN" "$causeway" cc -arch=75 kernel.cu
	fails 2 "which file" "$causeway" cc -O2
	fails 2 "an empty word" "$causeway" cc kernel.cu ""
	fails 2 "-o wants an argument" "$causeway" cc kernel.cu -o
	fails 2 "one file, but there are 2" "$causeway" cc -c kernel.cu main.c -o x.o
	fails 2 "'main.c' is no CUDA source" "$causeway" cc -ptx main.c
	fails 2 "needs nvcc" "$causeway" cc -rdc=true kernel.cu
}

tap_main "$0" "$@"
