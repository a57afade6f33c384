#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What one types in a fresh clone. Each word is a file in tools/do/; `./do help`
# lists them.
set -eu
caller=$PWD
cd "$(dirname "$0")"
root=$PWD
export root caller

usage()
{
	echo "usage: ./do COMMAND [OPTION...]"
	echo
	for f in tools/do/*.sh; do
		sed -n '2,6s/^#: //p' "$f"
	done
}

cmd=${1:-help}
[ $# -eq 0 ] || shift
case $cmd in
help | -h | --help)
	usage
	;;
*)
	if [ ! -f "tools/do/$cmd.sh" ]; then
		echo "do: '$cmd' is not a command; ./do help lists them" >&2
		exit 2
	fi
	. tools/do/lib
	. "tools/do/$cmd.sh"
	;;
esac
