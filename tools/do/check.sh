# SPDX-License-Identifier: Apache-2.0
#: check [--suite NAME] [--long] [--gpu] [--kvm]
#:                     build, then run the tests; ends with N passed, N failed, N skipped
#
# Tests learn of the options from the environment: CAUSEWAY_TEST_LONG,
# CAUSEWAY_TEST_GPU and CAUSEWAY_TEST_KVM are 1 or unset.

suites="unit gen wire softgpu vhost fuzz socket vm gpu"
sanitized="unit wire vhost"

# Runs one suite in build folder $1; results are appended to $results.
check_suite()
{
	dir=$1
	name=$2
	log=$dir/meson-logs/$name$3
	rm -f "$log.json"
	# shellcheck disable=SC2086
	meson test -C "$dir" $rebuild --suite "$name" --logbase "$name$3" \
		--num-processes "$jobs" >"$log.out" 2>&1 || :
	if [ ! -f "$log.json" ]; then
		grep -q 'No tests defined\|No suitable tests' "$log.out" && return 0
		cat "$log.out"
		die "the tests of suite $name could not be run"
	fi
	say "== $name$4"
	awk -f tools/do/results.awk -v counts="$results" "$log.json"
}

# The same tests once more with the address and undefined-behaviour sanitizers.
check_sanitized()
{
	dir=$build-asan
	configure "$dir" -Db_sanitize=address,undefined -Db_lundef=false
	# meson test builds what the tests of a suite need, and no more.
	rebuild=
	export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
	for s in $sanitized; do
		check_suite "$dir" "$s" -asan " (ASan, UBSan)"
	done
	rebuild=--no-rebuild
}

rebuild=--no-rebuild
only=
while [ $# -gt 0 ]; do
	case $1 in
	--suite)
		[ $# -gt 1 ] || die "--suite wants a name: $suites sanitize style"
		only="$only $2"
		shift
		;;
	--suite=*) only="$only ${1#*=}" ;;
	--long) export CAUSEWAY_TEST_LONG=1 ;;
	--gpu) export CAUSEWAY_TEST_GPU=1 ;;
	--kvm) export CAUSEWAY_TEST_KVM=1 ;;
	*) die "check: unknown option '$1'; ./do help lists them" ;;
	esac
	shift
done

. tools/do/build.sh
build_all
jobs=$(nproc)
[ "$jobs" -le 4 ] || jobs=4
results=$(mktemp)
trap 'rm -f "$results"' EXIT
for s in ${only:-$suites sanitize style}; do
	case " $suites style " in
	*" $s "*) check_suite "$build" "$s" "" "" ;;
	*)
		[ "$s" = sanitize ] || die "check: no suite '$s'; there are: $suites sanitize style"
		check_sanitized
		;;
	esac
done
awk '{ p += $1; f += $2; s += $3 }
	END { printf "%d passed, %d failed, %d skipped\n", p, f, s; exit f > 0 || p + s == 0 }' "$results"
