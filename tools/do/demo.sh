# SPDX-License-Identifier: Apache-2.0
#: demo [PICTURE.png]  all set-up, then CUDA programs in a VM; pictures are left in out/demo
#
# One VM runs them all, one after the other. What they print is JSON, which
# becomes the table. Without a picture of yours one of the system's is filtered.

demo_programs="first first_90 vector_add matmul reduction histogram nbody mandelbrot blur sobel"

# Makes of the programs' JSON lines a table; fails where one is not ok.
demo_table()
{
	awk -v where="$1" -v wanted="$demo_programs" '
		function value(key,	v) {
			if (!match($0, "\"" key "\":[^,}]*"))
				return ""
			v = substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 3)
			gsub(/"/, "", v)
			return v
		}
		/^DEMO / { name = $2 }
		/^{"program":/ {
			ok[name] = value("ok")
			ms[name] = value("ms")
			rest = $0
			gsub(/"program":"[^"]*",|"ok":[a-z]*,?|,?"ms":[0-9.]*|[{}"]/, "", rest)
			result[name] = rest
		}
		END {
			fmt = "%-12s %-7s %9s  %-14s %s\n"
			printf fmt, "PROGRAM", "RESULT", "TIME/ms", "WHERE", "ANSWER"
			n = split(wanted, names, " ")
			for (i = 1; i <= n; i++) {
				good = ok[names[i]] == "true"
				bad += !good
				printf fmt, names[i], good ? "right" : "FAILED", ms[names[i]], where, result[names[i]]
			}
			exit bad > 0
		}'
}

. tools/do/setup.sh
. tools/do/build.sh
say "demo: building"
build_all
[ -z "${1:-}" ] || set -- "$(from_caller "$1")"
for picture in "${1:-}" /usr/share/pixmaps/debian-logo.png; do
	[ -z "$picture" ] || [ ! -r "$picture" ] || break
done
[ -r "$picture" ] || [ -z "${1:-}" ] || die "demo: cannot read $1"

demo=$out/demo
mkdir -p "$demo"
bin=$build/tests/programs/bin
guest_script=$(mktemp)
lines=$(mktemp)
trap 'rm -f "$guest_script" "$lines"' EXIT
{
	echo "#!/bin/busybox sh"
	for name in $demo_programs; do
		case $name in
		mandelbrot) args="--out /out/mandelbrot.png" ;;
		blur | sobel) args="${picture:+--in '$picture'} --out /out/$name.png" ;;
		*) args= ;;
		esac
		echo "echo DEMO $name; '$bin/$name' $args"
	done
} >"$guest_script"
chmod +x "$guest_script"

set -- --out "$demo" --add /bin/busybox --add "$guest_script"
[ -z "$picture" ] || set -- "$@" --add "$picture"
for name in $demo_programs; do
	[ -x "$bin/$name" ] || die "demo: $bin/$name was not built"
	set -- "$@" --add "$bin/$name"
done
say "demo: booting a VM"
"$out/bin/causeway" run "$@" -- "$guest_script" >"$lines" || {
	cat "$lines" >&2
	die "demo: the VM did not run the programs"
}
status=0
demo_table "VM, soft GPU" <"$lines" || status=1
[ ! -e /dev/nvidiactl ] || say "(with an NVIDIA driver on this machine, the GPU is that one)"
say "demo: pictures in $demo: $(cd "$demo" && echo *.png)"
exit $status
