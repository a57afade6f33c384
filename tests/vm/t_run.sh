#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# causeway run: a program in a VM without a GPU. What goes in and comes out is
# what it would be without the VM.
. "$(dirname "$0")/tap.sh"

causeway=${CAUSEWAY_OUT:?}/bin/causeway
box=/bin/busybox

[ -x "$causeway" ] || { echo "1..0 # SKIP $causeway is not there: ./do build makes it"; exit 0; }
command -v qemu-system-x86_64 >/dev/null || { echo "1..0 # SKIP no qemu-system-x86_64"; exit 0; }
"$causeway" doctor | grep -q '^ok *guest kernel' || { echo "1..0 # SKIP no guest kernel: ./do setup"; exit 0; }
[ -x $box ] || { echo "1..0 # SKIP no busybox-static"; exit 0; }

run()
{
	"$causeway" run --gpu=none --root=pack "$@"
}

# A shell script in the guest, with busybox for its commands.
guest()
{
	run --add $box -- $box sh -c "$@"
}

test_output_and_errors_come_out_apart()
{
	guest 'echo out; echo err >&2' >stdout 2>stderr </dev/null
	same "$(cat stdout)" out
	same "$(cat stderr)" err
	nothing_left
}

test_exit_status_passes()
{
	rc=0
	guest 'exit 7' || rc=$?
	same $rc 7
}

test_death_by_signal_passes()
{
	rc=0
	# Not the shell's own exit status of a child: the tool itself has to die so.
	python3 - "$causeway" $box >status <<-'P' || rc=$?
		import subprocess, sys
		print(subprocess.run([sys.argv[1], "run", "--gpu=none", "--", sys.argv[2],
		      "sh", "-c", "kill -SEGV $$"]).returncode)
	P
	same "$(cat status)" -11
}

test_stdin_of_64_mib_comes_back_unchanged()
{
	head -c 67108864 /dev/urandom >data
	guest 'busybox cat' <data >back
	cmp data back
}

test_stdin_ends()
{
	same "$(printf 'a\0b' | guest 'busybox wc -c')" 3
	same "$(guest 'busybox wc -c' </dev/null)" 0
}

test_stdin_closed_at_the_start_is_empty()
{
	same "$(guest 'busybox wc -c' <&-)" 0
}

test_arguments_environment_and_folder_pass()
{
	CUDA_VISIBLE_DEVICES=3 LC_ALL=C SECRET=1 run --env MINE='a b' --add $box -- \
		$box sh -c 'echo "$1|$2|$CUDA_VISIBLE_DEVICES|$MINE|$SECRET|$PWD"' - 'x  y' '' >text
	same "$(cat text)" "x  y||3|a b||$PWD"
}

test_relative_program_script_and_added_folder_pass()
{
	mkdir data
	echo content >data/file
	ln -s file data/link
	printf '#!%s sh\nbusybox cat data/link\n' $box >script
	chmod +x script
	same "$(run --add $box --add data -- ./script)" content
}

test_reader_that_leaves_ends_the_program()
{
	guest 'while :; do echo y; done' | head -n 1 >text
	same "$(cat text)" y
	nothing_left
}

test_child_left_behind_does_not_hold_the_end()
{
	same "$(guest 'busybox sleep 1000 & echo ended')" ended
}

# Starts a shell script in the guest in the background, as $pid: the tool
# itself, not a subshell. env: a shell starts such processes deaf to SIGINT.
start()
{
	# Empty before the shell in the background opens it: who looks at it must
	# not find what the last program said.
	: >text
	env --default-signal=INT "$causeway" run --gpu=none --root=pack --add $box -- $box sh -c "$1" \
		>text 2>stderr </dev/null &
	pid=$!
}

ended()
{
	rc=0
	wait $pid || rc=$?
	cat stderr
}

test_signals_reach_the_program()
{
	for sig in INT TERM; do
		start "trap 'echo got; exit 5' $sig; echo ready; while :; do busybox sleep 0.1; done"
		until grep -q ready text; do kill -0 $pid; sleep 0.1; done
		kill -s $sig $pid
		ended
		same "$rc $(tail -n 1 text)" "5 got"
	done
	nothing_left
}

test_signal_during_boot_ends_the_vm()
{
	start 'echo too late'
	until left_over | grep -q qemu; do kill -0 $pid; sleep 0.02; done
	kill -s TERM $pid
	ended
	same "$rc $(cat text)" "143 "
	nothing_left
}

test_killed_tool_leaves_nothing()
{
	start 'echo ready; busybox sleep 1000'
	until grep -q ready text; do kill -0 $pid; sleep 0.1; done
	kill -s KILL $pid
	ended
	same $rc 137
	nothing_left
}

test_killed_qemu_is_one_line()
{
	start 'echo ready; busybox sleep 1000'
	until grep -q ready text; do kill -0 $pid; sleep 0.1; done
	kill -s KILL "$(left_over | sed -n 's/ qemu.*//p')"
	ended
	same "$rc $(wc -l <stderr)" "125 1"
	nothing_left
}

test_cpus_and_memory_are_what_was_asked_for()
{
	run --cpus 3 --mem 300M --add $box -- $box sh -c \
		'busybox nproc; busybox awk "/MemTotal/ { print (\$2 > 200000 && \$2 < 300000) }" \
		/proc/meminfo' >text
	same "$(tr '\n' ' ' <text)" "3 1 "
}

test_out_takes_files_when_the_program_has_ended()
{
	run --out got --add $box -- $box sh -c \
		'umask 022; cd /out; echo a >a; busybox mkdir -p d/e; busybox head -c 300000 /dev/zero >d/e/b
		busybox ln -s /etc/passwd link; busybox chmod 755 a; exit 3' || rc=$?
	same "$rc" 3
	same "$(cd got && find . ! -type d | sort | tr '\n' ' ')" "./a ./d/e/b "
	same "$(cat got/a) $(wc -c <got/d/e/b) $(stat -c %a got/a)" "a 300000 755"
}

test_out_of_a_killed_program_is_not_taken()
{
	rc=0
	run --out got --add $box -- $box sh -c 'echo half >/out/a; kill -KILL $$' 2>stderr || rc=$?
	same $rc 137
	grep -q 'are not taken' stderr
	same "$(ls -A got)" ""
}

test_share_is_read_and_written()
{
	"$causeway" doctor | grep -q '^ok *virtiofsd' || skip "no virtiofsd"
	# Blanks, commas and backslashes are all somebody's syntax on the way.
	dir='dir with, blank\'
	mkdir "$dir"
	echo hello >"$dir/f"
	run --share "$dir" --add $box -- $box sh -c \
		'cd "$1" && busybox cat f && echo new >g' - "$dir" >text
	same "$(cat text) $(cat "$dir/g")" "hello new"
	nothing_left
}

test_read_only_share_is_kept_by_the_host()
{
	"$causeway" doctor | grep -q '^ok *virtiofsd' || skip "no virtiofsd"
	mkdir dir
	echo hello >dir/f
	# The guest's own root takes its flag away: the host's must hold.
	run --share dir,ro --add $box -- $box sh -c \
		"busybox mount -o remount,rw $PWD/dir && echo remounted; echo new >dir/f" \
		>text 2>stderr || :
	same "$(cat text)" remounted
	grep -q 'Read-only file system' stderr
	same "$(cat dir/f)" hello
}

test_unknown_program()
{
	fails 127 "there is no program 'no-such-program'" run -- no-such-program
}

test_file_that_is_no_program()
{
	echo text >file
	fails 126 "not an executable file" run -- ./file
	chmod +x file
	fails 126 "neither a 64-bit x86 program nor a script" run -- ./file
}

test_missing_library()
{
	command -v cc >/dev/null || skip "no C compiler"
	echo 'int gone(void) { return 0; }' | cc -shared -fPIC -x c - -o libgone.so
	echo 'int gone(void); int main(void) { return gone(); }' | cc -x c - -o prog -L. -lgone
	LD_LIBRARY_PATH=$PWD run -- ./prog
	rm libgone.so
	fails 127 "libgone.so" run -- ./prog
}

test_more_memory_than_there_is()
{
	fails 125 "less with --mem" run --mem 10T -- /bin/true
}

test_too_little_memory_for_the_files()
{
	head -c 100000000 /dev/zero >data
	fails 125 "more with --mem" run --mem 256M --add data -- /bin/true
}

test_kernel_that_is_none()
{
	fails 125 "no Linux kernel image" run --kernel /bin/true -- /bin/true
	fails 125 "no guest kernel 'no-such-kernel'" run --kernel no-such-kernel -- /bin/true
	CAUSEWAY_CACHE=$PWD fails 125 "./do setup" run -- /bin/true
}

test_kernel_without_what_is_needed()
{
	kernel=${CAUSEWAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/causeway}/kernel/default
	[ -f "$kernel/modules/kernel/drivers/char/virtio_console.ko" ] ||
		skip "virtio_console is built into this kernel"
	mkdir poor
	cp "$kernel/vmlinuz" poor/
	fails 125 "lacks virtio_pci or virtio_console" run --kernel poor -- /bin/true
}

test_kernel_without_a_driver_of_ours()
{
	kernel=${CAUSEWAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/causeway}/kernel/default
	# A version that nothing was built for: 6.1.0 becomes 6.9.0 in a copy.
	sed 's/\(6\.1\)\(\.0-[0-9a-z-]* (\)/6.9\2/; s/\(6\.12\)\(\.[0-9a-z+-]* (\)/6.99\2/' \
		"$kernel/vmlinuz" >vmlinuz
	cmp -s "$kernel/vmlinuz" vmlinuz && skip "cannot forge this kernel's version"
	fails 125 "no guest driver for kernel" "$causeway" run --gpu=soft --kernel vmlinuz -- /bin/true
}

test_no_qemu_or_one_that_fails()
{
	CAUSEWAY_QEMU=no-such-qemu fails 125 "no-such-qemu" run -- /bin/true
	printf '#!/bin/sh\necho the reason >&2\nexit 1\n' >qemu-bad
	chmod +x qemu-bad
	CAUSEWAY_QEMU=$PWD/qemu-bad fails 125 "the reason" run -- /bin/true
}

test_no_virtiofsd_or_folder()
{
	fails 125 "--share nowhere" run --share nowhere -- /bin/true
	mkdir dir
	printf '#!/bin/sh\necho the reason >&2\nexit 1\n' >bad
	chmod +x bad
	CAUSEWAY_VIRTIOFSD=$PWD/bad fails 125 "dir: the reason" run --share dir -- /bin/true
	CAUSEWAY_VIRTIOFSD=$PWD/none fails 125 "virtiofsd" run --share dir -- /bin/true
}

test_wrong_options()
{
	fails 125 "unknown option '--no-such'" run --no-such -- /bin/true
	fails 125 "--mem wants" run --mem much -- /bin/true
	fails 125 "--cpus wants" run --cpus 0 -- /bin/true
	fails 125 "--gpu wants" "$causeway" run --gpu=big -- /bin/true
	fails 125 "own VMM" run --vmm=own -- /bin/true
	fails 125 "--add nowhere" run --add nowhere -- /bin/true
	fails 2 "'fly' is not a command" "$causeway" fly
}

tap_main "$0" "$@"
