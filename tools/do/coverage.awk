# SPDX-License-Identifier: Apache-2.0
# From lcov records: one line per file with the share of its lines that ran and
# the numbers of those that did not, then the sum.
function flush_run()
{
	if (first)
		missing = missing " " (first == last ? first : first "-" last)
	first = 0
}
/^SF:/ {
	file = substr($0, 4)
	sub(root, "", file)
	lines = hit = first = 0
	missing = ""
}
/^DA:/ {
	split(substr($0, 4), part, ",")
	lines++
	if (part[2] > 0) {
		hit++
		flush_run()
	} else {
		if (!first)
			first = part[1]
		last = part[1]
	}
}
/^end_of_record/ {
	flush_run()
	printf "  %5.1f %%  %s%s\n", lines ? 100 * hit / lines : 0, file, missing ? ":" missing : ""
	all += lines
	all_hit += hit
}
END { printf "%s: %.1f %% of %d lines\n", target, all ? 100 * all_hit / all : 0, all }
