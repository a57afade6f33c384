#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ./do install and uninstall: what comes goes again, and nothing else.
. "$(dirname "$0")/../vm/tap.sh"

causeway=${CAUSEWAY_OUT:?}/bin/causeway
source=$(cd "$(dirname "$0")/../.." && pwd)

[ -x "$causeway" ] || { echo "1..0 # SKIP $causeway is not there: ./do build makes it"; exit 0; }

# The commands' own files, without a build: this test runs inside of one.
work_on()
{
	mkdir "$1"
	cp -R "$source/do" "$source/tools" "$1/"
	printf 'build_all() { :; }\ninstall_changed() { mkdir -p "$(dirname "$2")" && cp "$1" "$2"; }\n' \
		>"$1/tools/do/build.sh"
	mkdir "$1/build"
	CAUSEWAY_BUILD=$PWD/$1/build
	export CAUSEWAY_BUILD
}

test_what_is_installed_works_and_goes_again()
{
	work_on tree
	mkdir -p "pre fix/bin" "pre fix/lib/other"
	echo mine | tee "pre fix/bin/mine" >"pre fix/lib/other/file"
	find "pre fix" | sort >before
	tree/do install "pre fix"
	same "$("pre fix/bin/causeway" --version)" "$("$causeway" --version)"
	"pre fix/bin/causeway" doctor | grep -q "^ok *daemon *$PWD/pre fix/bin/vhost-user-cuda"
	if [ -x "$CAUSEWAY_PROGRAMS/module_ptx" ]; then
		"pre fix/bin/causeway" soft -- "$CAUSEWAY_PROGRAMS/module_ptx" >text
		grep -q '"ok":true' text
	fi
	test -s "pre fix/share/man/man1/causeway-run.1"
	# Again: nothing is in the way of a second install.
	tree/do install "pre fix"
	tree/do uninstall "pre fix"
	find "pre fix" | sort >after
	diff before after
}

test_the_descriptor_names_the_installed_daemon()
{
	work_on tree
	DESTDIR=$PWD/stage tree/do install /opt/causeway
	json=stage/opt/causeway/share/qemu/vhost-user/90-causeway-cuda.json
	grep -q '"binary": "/opt/causeway/bin/vhost-user-cuda"' $json
	! command -v python3 >/dev/null || python3 -m json.tool $json
	DESTDIR=$PWD/stage tree/do uninstall /opt/causeway
	same "$(find stage -type f)" ""
}

test_uninstall_without_an_install_removes_nothing()
{
	work_on tree
	mkdir -p prefix/lib/causeway prefix/bin
	echo mine >prefix/lib/causeway/file
	rc=0
	tree/do uninstall prefix 2>stderr || rc=$?
	same "$rc $(cat stderr)" "1 do: uninstall: nothing of Causeway's is installed in $PWD/prefix"
	test -e prefix/lib/causeway/file
	printf 'bin/../../outside\n' >prefix/lib/causeway/installed
	echo keep >outside
	rc=0
	tree/do uninstall prefix 2>stderr || rc=$?
	same $rc 1
	test -e outside
}

test_a_prefix_that_cannot_be_written_is_one_line()
{
	work_on tree
	echo file >file
	rc=0
	tree/do install file/below 2>stderr || rc=$?
	same "$rc $(wc -l <stderr)" "1 1"
	grep -q "cannot write to $PWD/file/below" stderr
	rc=0
	tree/do install --prefix=x 2>stderr || rc=$?
	same "$rc $(wc -l <stderr)" "1 1"
}

tap_main "$0" "$@"
