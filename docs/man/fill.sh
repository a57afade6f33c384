#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fill.sh PAGE CAUSEWAY DAEMON: prints a manual page with what --help says in
# place of these lines, so that nothing about an option is written down twice:
#
#	@OPTIONS COMMAND@	options of a sub-command, or of vhost-user-cuda
#	@SYNOPSIS COMMAND@	its usage line
#	@COMMANDS@		all sub-commands
#	@ENVIRONMENT@		all variables
set -eu
page=$1
causeway=$2
daemon=$3

help_of()
{
	# shellcheck disable=SC2086 # "serve blk" is two words
	case $1 in
	vhost-user-cuda) "$daemon" --help ;;
	causeway) "$causeway" --help ;;
	*) "$causeway" $1 --help ;;
	esac
}

# Lines "  LEFT  RIGHT" become items; LEFT is an option with its argument, or a word.
items()
{
	awk '
		function roff(s) {
			gsub(/\\/, "\\e", s)
			gsub(/-/, "\\-", s)
			return s
		}
		/^  [^ ]/ {
			sub(/^  /, "")
			at = match($0, /  +/)
			if (!at)
				next
			left = substr($0, 1, at - 1)
			right = substr($0, at + RLENGTH)
			# The name is up to a blank, a bracket or "=", the rest is what it takes.
			at = left ~ /^-/ ? match(left, /[ =[]/) : 0
			name = at ? substr(left, 1, at - 1) : left
			rest = at ? substr(left, at) : ""
			printf ".TP\n\\fB%s\\fR%s\n", roff(name), rest == "" ? "" : "\\fI" roff(rest) "\\fR"
			sub(/^[.'\'']/, "\\\\\\&&", right)
			print roff(right)
		}'
}

section()
{
	sed -n "/^$1:\$/,/^\$/p" | items
}

sed -n "1,\$p" "$page" | while IFS= read -r line; do
	set -f
	# shellcheck disable=SC2086
	set -- $line
	set +f
	case $line in
	"@OPTIONS "*@)
		shift
		words=$*
		help_of "${words%@}" | items
		;;
	"@SYNOPSIS "*@)
		shift
		words=$*
		printf '.B %s\n' "$(help_of "${words%@}" | sed -n 's/^[uU]sage: //p' | head -n 1 |
			sed 's/\\/\\e/g; s/-/\\-/g')"
		;;
	@COMMANDS@) help_of causeway | section Commands ;;
	@ENVIRONMENT@) help_of causeway | section Environment ;;
	*) printf '%s\n' "$line" ;;
	esac
done
