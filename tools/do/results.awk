# SPDX-License-Identifier: Apache-2.0
# Reads Meson's testlog.json (one JSON object per line, one per test program),
# prints a line per program, the log of those that failed, and appends
# "PASSED FAILED SKIPPED" to the file `counts`. TAP subtests count one by one.

function field(line, name,	v) {
	if (!match(line, "\"" name "\": \"([^\"\\\\]|\\\\.)*\""))
		return ""
	v = substr(line, RSTART + length(name) + 5, RLENGTH - length(name) - 6)
	return v
}

function unescape(s) {
	gsub(/\\n/, "\n", s)
	gsub(/\\t/, "\t", s)
	gsub(/\\"/, "\"", s)
	gsub(/\\\\/, "\\", s)
	return s
}

{
	name = field($0, "name")
	sub(/^.* \/ /, "", name)
	result = field($0, "result")
	text = unescape(field($0, "stdout"))
	p = f = s = 0
	why = ""
	n = split(text, lines, "\n")
	for (i = 1; i <= n; i++) {
		if (lines[i] ~ /^ok .*# *[Ss][Kk][Ii][Pp]/ || lines[i] ~ /^1\.\.0 *# *[Ss][Kk][Ii][Pp]/) {
			s++
			why = why "     skip " lines[i] "\n"
		} else if (lines[i] ~ /^ok /) {
			p++
		} else if (lines[i] ~ /^not ok /) {
			f++
		}
	}
	if (p + f + s == 0) {
		p = result == "OK" || result == "EXPECTEDFAIL"
		s = result == "SKIP"
		if (s && match(text, /SKIP[^\n]*/))
			why = "     " substr(text, RSTART, RLENGTH) "\n"
	}
	# A program that dies after its last subtest has failed all the same.
	if (result != "OK" && result != "SKIP" && result != "EXPECTEDFAIL" && f == 0)
		f = 1
	match($0, /"duration": [0-9.]+/)
	time = substr($0, RSTART + 12, RLENGTH - 12)
	printf "  %-4s %s: %d passed, %d failed, %d skipped (%.1f s)\n", f ? "FAIL" : "ok", name, p, f, s, time
	printf "%s", why
	if (f) {
		printf "%s\n", text
		printf "%s\n", unescape(field($0, "stderr"))
		match($0, /"returncode": -?[0-9]+/)
		print "     result " result ", status " substr($0, RSTART + 14, RLENGTH - 14)
	}
	print p, f, s >>counts
}
