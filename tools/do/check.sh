# SPDX-License-Identifier: Apache-2.0
#: check [--suite NAME] [--long] [--gpu] [--kvm]
#:                     build, then run the tests; ends with N passed, N failed, N skipped
#
# Tests learn of the options from the environment: CAUSEWAY_TEST_LONG,
# CAUSEWAY_TEST_GPU and CAUSEWAY_TEST_KVM are 1 or unset.
#
# --gpu is for a machine with a card: the suite of that name alone, on NVIDIA's
# libcuda, with what is there. Nothing is installed. Its results are printed and
# stay in gpu-results.md in the build folder.

suites="unit gen wire softgpu vhost device fuzz socket vm nvcc gpu"
sanitized="unit wire vhost device"
# With --long, or where the sanitizers are asked for: these too, and threads.
sanitized_long="$sanitized socket"

# Runs one suite in build folder $1, building what it needs where that has not
# been done; results are appended to $results. $3 and $4 tell a second run of
# a suite from the first, in names of files and for the reader.
check_suite()
{
	dir=$1
	name=$2
	log=$dir/meson-logs/$name$3
	rm -f "$log.json"
	# "causeway:" stands for all tests; but where tests are named, Meson 1.7
	# builds just what these need. Timeouts are for what hangs, not for what
	# runs on a busy machine.
	$under meson test -C "$dir" --suite "$name" --logbase "$name$3" --num-processes "$jobs" \
		--timeout-multiplier 3 causeway: >"$log.out" 2>&1 || :
	if [ -f "$log.json" ]; then
		say "== $name$4"
		awk -f tools/do/results.awk -v counts="$results" "$log.json"
	elif ! grep -qE '^No (suitable )?tests defined|test name does not match' "$log.out"; then
		say "== $name$4: does not run"
		grep -E 'error|FAILED|ERROR' "$log.out" | head -n 20
		echo "0 1 0" >>"$results"
	fi
}

# Whether programs run under ThreadSanitizer here: a kernel may choose addresses
# that it does not expect, unless it is told not to choose ($under).
tsan_runs()
{
	probe=$(mktemp)
	echo 'int main(void) { return 0; }' | cc -fsanitize=thread -x c - -o "$probe" 2>/dev/null &&
		for under in "" "setarch -R"; do
			! $under "$probe" 2>/dev/null || break
		done && $under "$probe" 2>/dev/null
	set -- $?
	rm -f "$probe"
	return "$1"
}

check_threads()
{
	if tsan_runs; then
		configure "$build-tsan" -Db_sanitize=thread -Db_lundef=false
		for s in $sanitized_long; do
			check_suite "$build-tsan" "$s" -tsan " (TSan)"
		done
	else
		say "== TSan: 1 skipped, no program runs under it here"
		echo "0 0 1" >>"$results"
	fi
	under=
}

# The same tests once more with sanitizers: of addresses and undefined behaviour,
# and, where there is time, of threads.
check_sanitized()
{
	configure "$build-asan" -Db_sanitize=address,undefined -Db_lundef=false
	export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	[ -z "$long$only" ] || sanitized=$sanitized_long
	for s in $sanitized; do
		check_suite "$build-asan" "$s" -asan " (ASan, UBSan)"
	done
	[ -z "$long$only" ] || check_threads
}

# The page of the last run on a card.
check_gpu_page()
{
	tests/gpu/report "$build/tests/gpu/results" >"$build/gpu-results.md"
	say
	cat "$build/gpu-results.md"
	say
	say "gpu: the page is $build/gpu-results.md"
}

only=
long=
under=
while [ $# -gt 0 ]; do
	case $1 in
	--suite)
		[ $# -gt 1 ] || die "--suite wants a name: $suites sanitize style"
		only="$only $2"
		shift
		;;
	--suite=*) only="$only ${1#*=}" ;;
	--long)
		long=1
		export CAUSEWAY_TEST_LONG=1
		;;
	--gpu)
		export CAUSEWAY_TEST_GPU=1
		suites=gpu
		;;
	--kvm) export CAUSEWAY_TEST_KVM=1 ;;
	*) die "check: unknown option '$1'; ./do help lists them" ;;
	esac
	shift
done

[ -n "${CAUSEWAY_TEST_GPU:-}" ] || . tools/do/setup.sh
. tools/do/build.sh
build_all
jobs=$(nproc)
[ "$jobs" -le 4 ] || jobs=4
results=$(mktemp)
trap 'rm -f "$results"' EXIT
if [ -n "${CAUSEWAY_TEST_GPU:-}" ]; then
	rm -rf "$build/tests/gpu/results"
	only=gpu
fi
for s in ${only:-$suites sanitize style}; do
	case " $suites style " in
	*" $s "*) check_suite "$build" "$s" "" "" ;;
	*)
		[ "$s" = sanitize ] || die "check: no suite '$s'; there are: $suites sanitize style"
		check_sanitized
		;;
	esac
done
[ -z "${CAUSEWAY_TEST_GPU:-}" ] || check_gpu_page
awk '{ p += $1; f += $2; s += $3 }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p + s == 0 }' "$results"
