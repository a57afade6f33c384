# SPDX-License-Identifier: Apache-2.0
#: fuzz [TARGET] [--seconds N]   run fuzz targets until stopped, or each for N seconds
#: fuzz --coverage [TARGET]      lines of each target's files that its corpus reaches
#: fuzz --planted [TARGET]       each target must find a bug built into it, within a minute
#: fuzz --minimise [TARGET]      keep the inputs that reach something others do not
#
# New inputs go to $fuzz_work/TARGET; --minimise brings them into
# tests/fuzz/corpus/TARGET. Findings are left in $fuzz_work, too.

fuzz_dir=tests/fuzz
fuzz_work=${CAUSEWAY_FUZZ:-$build-fuzz/work}
fuzz_cc=${CC:-clang-19}
fuzz_version=${fuzz_cc#clang}
fuzz_max=100000 # bytes of a corpus

targets=
seconds=0
mode=run
while [ $# -gt 0 ]; do
	case $1 in
	--seconds)
		[ $# -gt 1 ] || die "--seconds wants a number"
		seconds=$2
		shift
		;;
	--coverage | --planted | --minimise) mode=${1#--} ;;
	-*) die "fuzz: unknown option '$1'; ./do help lists them" ;;
	*)
		[ -f "$fuzz_dir/fuzz_$1.c" ] || die "fuzz: no target '$1' in $fuzz_dir"
		targets="$targets $1"
		;;
	esac
	shift
done
[ -n "$targets" ] || targets=$(find "$fuzz_dir" -name 'fuzz_*.c' |
	sed 's,.*/fuzz_,,; s,\.c$,,' | sort | tr '\n' ' ')

# fuzz_build FOLDER TARGET [OPTION...]: sets $program
fuzz_build()
{
	dir=$1
	program=$dir/tests/fuzz/fuzz_$2
	name=$2
	shift 2
	CC=$fuzz_cc configure "$dir" -Dfuzz=true -Db_sanitize=address,undefined \
		-Db_lundef=false "$@"
	ninja -C "$dir" --quiet "tests/fuzz/fuzz_$name" || die "the build of $name failed"
}

# fuzz_run TARGET SECONDS OPTION...: libFuzzer on the corpus
fuzz_run()
{
	name=$1
	work=$fuzz_work/$name
	time=$2
	shift 2
	mkdir -p "$work" "$fuzz_dir/corpus/$name"
	dict=
	[ ! -f "$fuzz_dir/$name.dict" ] || dict=-dict=$fuzz_dir/$name.dict
	ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:handle_abort=1 \
	UBSAN_OPTIONS=print_stacktrace=1 \
		"$program" "$work" "$fuzz_dir/corpus/$name" $dict -max_total_time="$time" \
		-max_len=8192 -len_control=20 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="$fuzz_work/$name-" "$@"
}

fuzz_planted()
{
	for t in $targets; do
		fuzz_build "$build-plant-$t" "$t" "-Dplant=$t"
		log=$(mktemp)
		if ! fuzz_run "$t" 1 -runs=0 >"$log" 2>&1; then
			tail -n 20 "$log"
			die "$t: its corpus fails already"
		fi
		if fuzz_run "$t" 60 -seed=1 >"$log" 2>&1; then
			die "$t: the planted bug was not found within 60 s"
		fi
		grep -q 'in LLVMFuzzerTestOneInput\|fz_plant' "$log" || die "$t: found something else, see $log"
		say "$t: found after $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs"
		rm -f "$log"
	done
}

fuzz_minimise()
{
	for t in $targets; do
		fuzz_build "$build-fuzz" "$t"
		new=$fuzz_work/$t-new
		rm -rf "$new"
		mkdir -p "$new" "$fuzz_work/$t" "$fuzz_dir/corpus/$t"
		"$program" -set_cover_merge=1 -use_counters=0 -max_len=8192 "$new" "$fuzz_dir/corpus/$t" \
			"$fuzz_work/$t" >"$fuzz_work/$t.log" 2>&1 || {
			tail -n 5 "$fuzz_work/$t.log"
			die "$t: an input fails"
		}
		# Inputs with a name of their own stay: regressions and seeds.
		find "$fuzz_dir/corpus/$t" -type f -name '????????' -delete
		for f in "$new"/*; do
			cp "$f" "$fuzz_dir/corpus/$t/$(basename "$f" | cut -c1-8)"
		done
		# Largest ones go until the rest is small enough to be kept in git.
		while [ "$(cat "$fuzz_dir/corpus/$t"/* | wc -c)" -gt $fuzz_max ]; do
			find "$fuzz_dir/corpus/$t" -type f -name '????????' -printf '%s %p\n' |
				sort -n | sed -n '$s/^[0-9]* //p' | xargs rm
		done
		say "$t: $(find "$fuzz_dir/corpus/$t" -type f | wc -l) inputs, $(cat "$fuzz_dir/corpus/$t"/* | wc -c) bytes"
	done
}

# The files of a target are in the line "Covers:" of its head.
fuzz_covers()
{
	sed -n '/^ \* Covers:/,/\*\//p' "$fuzz_dir/fuzz_$1.c" |
		sed 's/^ \*\/.*//; s/^ \* Covers://; s/^ \*//'
}

fuzz_coverage()
{
	dir=$build-fuzz-coverage
	flags="-fprofile-instr-generate -fcoverage-mapping"
	CC=$fuzz_cc configure "$dir" "-Dc_args=$flags" "-Dc_link_args=$flags" -Dbuildtype=debug
	for t in $targets; do
		program=$dir/tests/fuzz/fuzz_$t
		# The generator is measured, too, when it runs in the build.
		LLVM_PROFILE_FILE=/dev/null ninja -C "$dir" --quiet "tests/fuzz/fuzz_$t" || die "the build of $t failed"
		rm -f "$dir/$t".*.raw
		LLVM_PROFILE_FILE=$dir/$t.%m.raw "$program" "$fuzz_dir/corpus/$t" >"$dir/$t.log" 2>&1 ||
			die "$t: its corpus fails, see $dir/$t.log"
		"llvm-profdata$fuzz_version" merge -o "$dir/$t.prof" "$dir/$t".*.raw
		for f in $(fuzz_covers "$t"); do
			"llvm-cov$fuzz_version" export -format=lcov -instr-profile="$dir/$t.prof" \
				"$program" "$root/$f"
		done | awk -f tools/do/coverage.awk -v target="$t" -v root="$root/"
	done
}

case $mode in
planted) fuzz_planted ;;
minimise) fuzz_minimise ;;
coverage) fuzz_coverage ;;
run)
	# shellcheck disable=SC2086
	set -- $targets
	[ $# -eq 1 ] || [ "$seconds" -gt 0 ] || seconds=60
	for t in "$@"; do
		fuzz_build "$build-fuzz" "$t"
		say "== $t"
		fuzz_run "$t" "$seconds" || die "$t: see the finding in $fuzz_work"
	done
	;;
esac
