#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# causeway run --root: what of this machine a guest sees, and what never.
. "$(dirname "$0")/tap.sh"
. "$(dirname "$0")/needs.sh"

"$causeway" doctor | grep -q '^ok *virtiofsd' || whole_skip "no virtiofsd"

# Runs a shell script of this machine's sh in the guest.
guest()
{
	"$causeway" run --gpu=none --root=host -- /bin/sh -c "$@"
}

# Runs a command as a user that owns nothing; needs root.
as_nobody()
{
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --regid 65534 --groups 65534,4 "$@"
	else
		"$@"
	fi
}

# The tree and the kernel where anybody can read them: $PWD/out, $PWD/cache.
public_copy()
{
	chmod 755 "$work" .
	kernel=${CAUSEWAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/causeway}/kernel/default
	mkdir -p out/bin out/lib/causeway cache/kernel/default/modules
	cp "$causeway" out/bin/
	cp "$CAUSEWAY_OUT"/lib/causeway/causeway-* out/lib/causeway/
	cp "$kernel/vmlinuz" cache/kernel/default/
	(cd "$kernel/modules" && find . -name 'virtio*.ko' -o -name fuse.ko -o -name overlay.ko \
		-o -name modules.builtin) | while read -r f; do
		mkdir -p "cache/kernel/default/modules/$(dirname "$f")"
		cp "$kernel/modules/$f" "cache/kernel/default/modules/$f"
	done
	chmod -R a+rX out cache
	CAUSEWAY_CACHE=$PWD/cache
	export CAUSEWAY_CACHE
}

test_programs_of_this_machine_run_and_write_to_memory()
{
	guest 'cat /etc/os-release; echo new >/usr/causeway-new; rm /usr/bin/env
		cat /usr/causeway-new; ls /usr/bin/env 2>/dev/null' >text 2>stderr </dev/null || :
	cat text stderr
	grep -q '^VERSION_ID=' text
	same "$(tail -n 1 text)" new
	same "$(cat stderr)" ""
	[ ! -e /usr/causeway-new ]
	[ -e /usr/bin/env ]
	nothing_left
}

test_homes_and_secrets_are_not_there()
{
	here=$PWD
	cd / || return
	guest 'ls -d /home /var 2>/dev/null; ls -A /root /run | grep -v :$
		ls /etc/shadow /etc/ssh /etc/ssl/private /etc/sudoers /etc/machine-id 2>/dev/null
		cat /proc/mounts' >"$here/text"
	cd "$here" || return
	cat text
	same "$(grep -v ' /' text | tr -d '\n')" ""
	! grep -E ' /(home|var|run)[ /]' text
}

test_links_out_of_what_is_shown_lead_nowhere()
{
	unshare --user --map-root-user --mount true 2>/dev/null || skip "no namespaces"
	mkdir secret opt
	echo key >secret/key
	ln -s "$PWD/secret" opt/link
	ln -s "$PWD/secret/key" opt/key
	echo open >opt/plain
	# /opt of this machine, as far as the tool can see it.
	unshare --user --map-root-user --mount sh -c '
		mount --bind opt /opt && shift 0 && exec "$@"' - "$causeway" run --gpu=none \
		--root=host -- /bin/sh -c 'cat /opt/plain; cat /opt/link/key /opt/key; ls -d '"$PWD/secret" \
		>text 2>stderr || :
	cat text stderr
	same "$(cat text)" open
	same "$(grep -c 'No such file' stderr)" 3
}

test_the_shared_tree_is_read_only_on_this_side()
{
	# The guest's root takes the overlay away and writes below it.
	guest 'mkdir /tmp/m && mount -t virtiofs share0 /tmp/m || exit 9
		touch /tmp/m/usr/causeway-new /tmp/m/causeway-new; ls -A /tmp/m/home /tmp/m/root
		chmod 777 /tmp/m/etc/passwd' >text 2>stderr || :
	cat text stderr
	[ ! -e /usr/causeway-new ]
	same "$(grep -c 'Read-only file system' stderr)" 3
	same "$(cat text)" ""
}

test_a_program_of_ones_own_runs_with_its_libraries()
{
	command -v cc >/dev/null || skip "no C compiler"
	echo 'int answer(void) { return 42; }' | cc -shared -fPIC -x c - -o libanswer.so
	printf '#include <stdio.h>\nint answer(void);\nint main(void) { printf("%%d\\n", answer()); }\n' |
		cc -x c - -o prog -L. -lanswer -Wl,-rpath,'$ORIGIN'
	mkdir bin
	ln -s ../prog bin/link
	same "$("$causeway" run --gpu=none --root=host -- bin/link)" 42
}

test_a_user_who_is_not_root_has_all_of_it()
{
	public_copy
	mkdir mine
	echo hello >mine/f
	chmod 700 mine
	[ "$(id -u)" != 0 ] || chown -R 65534:65534 mine
	as_nobody unshare --user --mount true 2>/dev/null || skip "users may not make namespaces"
	as_nobody out/bin/causeway run --gpu=none --root=host --share mine -- /bin/sh -c \
		'cat /etc/os-release >/dev/null && id -u && cat mine/f && echo new >mine/g' >text
	same "$(tail -n 1 text) $(cat mine/g) $(stat -c %u mine/g)" \
		"hello new $(stat -c %u mine)"
	# And read-only stays so.
	as_nobody out/bin/causeway run --gpu=none --root=pack --share mine,ro --add $box -- \
		$box sh -c 'busybox cat mine/f; echo bad >mine/f' >text 2>stderr || :
	same "$(cat text mine/f | tr '\n' ' ')" "hello hello "
	grep -q 'Read-only file system' stderr
	nothing_left
}

test_where_it_does_not_work_the_run_goes_on_with_one_line()
{
	printf '#!/bin/sh\necho the reason >&2\nexit 1\n' >virtiofsd
	chmod +x virtiofsd
	CAUSEWAY_VIRTIOFSD=$PWD/virtiofsd "$causeway" run --gpu=none --add $box -- $box sh -c \
		'busybox ls /usr/bin/env || echo packed' >text 2>stderr
	cat stderr
	same "$(cat text)" packed
	grep -q '^causeway: run: .*--root=pack.*: the reason$' stderr
	CAUSEWAY_VIRTIOFSD=$PWD/virtiofsd fails 125 "the reason" \
		"$causeway" run --gpu=none --root=host -- /bin/true
	CAUSEWAY_VIRTIOFSD=$PWD/none fails 125 "cannot execute" \
		"$causeway" run --gpu=none --root=host -- /bin/true
}

test_a_kernel_without_overlays_is_told_before_the_start()
{
	kernel=${CAUSEWAY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/causeway}/kernel/default
	mkdir -p poor/modules
	cp "$kernel/vmlinuz" poor/
	fails 125 "no virtiofs or no overlayfs" "$causeway" run --gpu=none --root=host \
		--kernel poor -- /bin/true
}

test_wrong_words()
{
	fails 125 "--root wants auto, host or pack" "$causeway" run --root=all -- /bin/true
}

tap_main "$0" "$@"
