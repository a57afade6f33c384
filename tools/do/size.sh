# SPDX-License-Identifier: Apache-2.0
#: size                lines per folder

{
	echo "FOLDER FILES CODE TEXT OTHER"
	git ls-files | awk -F/ '{
		print (NF > 1 ? $1 (($1 == "guest" || $1 == "tests") && NF > 2 ? "/" $2 : "") : ".") "\t" $0
	}' | while IFS="$(printf '\t')" read -r dir file; do
		case $file in
		*.c | *.h | *.S | *.cu | *.cuh) kind=code ;;
		*.md | LICENSES/*) kind=text ;;
		*) kind=other ;;
		esac
		[ ! -f "$file" ] || echo "$dir $kind $(wc -l <"$file")"
	done | awk '
		{ n[$1]++; l[$1, $2] += $3; n["total"]++; l["total", $2] += $3 }
		END {
			for (d in n)
				print (d == "total") " " d, n[d], l[d, "code"] + 0, l[d, "text"] + 0, l[d, "other"] + 0
		}' | sort -k1,1 -k2,2 | cut -d' ' -f2-
} | awk '{ printf "%-18s %7s %8s %8s %8s\n", $1, $2, $3, $4, $5 }'
