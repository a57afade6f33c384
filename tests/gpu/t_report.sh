#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The whole of this suite on the stand-in, in small: a program, the probes, the
# bench, and the page that is made of them.
set -u
. "$(dirname "$0")/../vm/tap.sh"
here=$(cd "$(dirname "$0")" && pwd)
probe=$(readlink -f "$1")

test_page_has_what_was_measured()
{
	unset CAUSEWAY_TEST_GPU
	CAUSEWAY_RESULTS=$PWD/results
	export CAUSEWAY_RESULTS
	"$here/compare" memory
	"$here/probes" "$probe"
	"$here/report" results >page
	grep -q '^| memory | 2 | same |' page
	same "$(grep -cE '^\| [a-z_0-9]+ \| [0-9] \| .* \| (yes|cannot say) \| ' page)" \
		"$("$probe" --list | wc -l)"
}

# A program that says something else over the socket is found out.
test_difference_is_a_failure()
{
	unset CAUSEWAY_TEST_GPU
	mkdir bin
	cat >bin/memory <<-'END'
		#!/bin/sh
		echo "{\"program\":\"memory\",\"ok\":true,\"kinds\":5,\"socket\":\"$CAUSEWAY_SOCKET\",\"ms\":1}"
	END
	chmod +x bin/memory
	! CAUSEWAY_PROGRAMS=$PWD/bin "$here/compare" memory >log
	grep -q 'not the same line' log
}

test_without_a_card_a_run_on_one_is_skipped()
{
	[ ! -c /dev/nvidiactl ] || skip "there is one"
	rc=0
	CAUSEWAY_TEST_GPU=1 "$here/compare" memory >log || rc=$?
	same "$rc" 77
	grep -q '^SKIP no NVIDIA GPU' log
}

tap_main "$0"
