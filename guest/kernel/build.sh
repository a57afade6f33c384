#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds virtio_cuda.ko for the build system, outside the source tree.
#
# usage: build.sh HEADERS SOURCE UAPI WORK OUTPUT [ROOT]
#
# ROOT is where another release's compiler and headers are: HEADERS is a path in
# it, WORK a folder below it.
#
# Kbuild leaves its objects beside the sources, so these are copied to WORK
# first. make compares times: an unchanged file keeps its own there.
set -eu
headers=$1 source=$2 uapi=$3 work=$4 output=$5 top=${6:-}

mkdir -p "$work/uapi/linux"
cp -pu "$source"/*.[ch] "$source/Kbuild" "$work/"
cp -pu "$uapi/linux/vcuda.h" "$uapi/linux/virtio_cuda.h" "$work/uapi/linux/"
unset MAKEFLAGS MAKELEVEL
${top:+chroot "$top"} make -s -j2 -C "$headers" M="${work#"$top"}" \
	CONFIG_DEBUG_INFO_BTF_MODULES= modules
strip --strip-debug -o "$output" "$work/virtio_cuda.ko"
