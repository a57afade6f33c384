# SPDX-License-Identifier: Apache-2.0
# From `meson introspect --tests` (JSON): the files below the build folder `dir`
# that the command lines of the given suites name, as ninja knows them.
BEGIN {
	RS = "\"cmd\": "
	n = split(suites, names, " ")
}
{
	wanted = 0
	for (i = 1; i <= n; i++)
		if ($0 ~ "\"suite\": \\[[^]]*\"([^\"]*:)?" names[i] "\"")
			wanted = 1
	list = wanted ? substr($0, 1, index($0, "]")) : ""
	while ((at = index(list, "\"" dir "/")) > 0) {
		list = substr(list, at + length(dir) + 2)
		print substr(list, 1, index(list, "\"") - 1)
	}
}
