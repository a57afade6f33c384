# SPDX-License-Identifier: Apache-2.0
# The include graph: who may include whom. Input: "file:line:#include "path"".
# A path whose first part is no folder of the table is a file beside the
# includer or a generated one, and is not judged, except that nobody climbs.
BEGIN {
	may["gen"] = ""
	may["api"] = "include"
	may["include"] = "include"
	may["wire"] = "include"
	may["virtio"] = "include"
	may["transport"] = "virtio include"
	may["vhost"] = "virtio include"
	may["device"] = "virtio include"
	may["softgpu"] = "api include"
	may["worker"] = "api wire include"
	may["guest"] = "api wire include"
	may["daemon"] = "worker device vhost virtio wire include"
	may["vmm"] = "transport device vhost virtio include"
	may["tools"] = "vmm daemon transport device vhost virtio api include"
	inc["cw"] = inc["uapi"] = 1
}
{
	split($0, at, ":")
	split(at[1], part, "/")
	from = part[1]
	match($0, /"[^"]*"/)
	path = substr($0, RSTART + 1, RLENGTH - 2)
	split(path, part, "/")
	to = part[1] in inc ? "include" : part[1]
	if (to == "..")
		print at[1] ":" at[2] ": includes \"" path "\": name it from the root"
	else if (from in may && to in may && to != from && index(" " may[from] " ", " " to " ") == 0)
		print at[1] ":" at[2] ": " from "/ may not include \"" path "\""
}
