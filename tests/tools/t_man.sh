#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Manual pages: one for each command, with each option and variable that --help
# names.
. "$(dirname "$0")/../vm/tap.sh"

causeway=${CAUSEWAY_OUT:?}/bin/causeway
man=$CAUSEWAY_OUT/share/man/man1

[ -x "$causeway" ] || { echo "1..0 # SKIP $causeway is not there: ./do build makes it"; exit 0; }

commands()
{
	"$causeway" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'
}

# The text of a page, without the marks of its typesetting.
text_of()
{
	sed 's/\\-/-/g; s/\\f[A-Z]//g; s/\\e/\\/g; s/" *, *" */, /g' "$1"
}

test_each_command_has_a_page_that_the_first_page_names()
{
	same "$(commands | wc -l)" "$("$causeway" --help | grep -c '^  [a-z][a-z]*  ')"
	text_of "$man/causeway.1" >first
	for c in $(commands); do
		test -s "$man/causeway-$c.1"
		grep -q "causeway-$c " first
	done
}

test_each_option_is_in_its_page()
{
	for c in $(commands); do
		page=$man/causeway-$c.1
		! grep -q '^\.so ' "$page" || page=$man/$(sed -n 's,^\.so man1/,,p' "$page")
		text_of "$page" >text
		"$causeway" "$c" --help | sed -n 's/^  \(--*[A-Za-z-]*\).*/\1/p' |
			sed 's/NAME$//; s/^-ON$/-O/; /^--help$/d' >options
		while read -r option; do
			grep -qF -- "$option" text || { echo "$c: no $option"; exit 1; }
		done <options
	done
	text_of "$man/vhost-user-cuda.1" >text
	"$CAUSEWAY_OUT/bin/vhost-user-cuda" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' >options
	test -s options
	while read -r option; do
		grep -qF -- "$option" text
	done <options
}

test_every_variable_is_in_the_first_page()
{
	text_of "$man/causeway.1" >text
	"$causeway" --help | sed -n 's/^  \(CAUSEWAY_[A-Z_]*\) .*/\1/p' >named
	test -s named
	while read -r name; do
		grep -qx "$name" text
	done <named
}

test_nothing_is_left_unfilled_and_groff_has_no_complaint()
{
	! grep -n '^@' "$man"/*.1
	command -v groff >/dev/null || skip "no groff"
	for page in "$man"/*.1; do
		! grep -q '^\.so ' "$page" || continue
		groff -man -Tutf8 -ww -z "$page" >complaints 2>&1
		same "$page: $(cat complaints)" "$page: "
	done
}

test_every_page_that_is_named_is_there()
{
	for page in "$man"/*.1; do
		text_of "$page" | sed -n 's/^\.BR \([a-z-]*\) (1).*/\1/p'
	done | sort -u >named
	test -s named
	while read -r name; do
		test -e "$man/$name.1"
	done <named
}

tap_main "$0" "$@"
