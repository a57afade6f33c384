/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fat binaries, as much of them as a compiler of ours writes.
 */
#ifndef TOOLS_CC_FATBIN_H
#define TOOLS_CC_FATBIN_H

/**
 * cc_fatbin_pack() - Pack PTX text into a fat binary
 * @arch:	75 for sm_75
 * @ptx:	file with the text
 * @out:	file to write
 *
 * Return: 0, or a negative errno after a line on stderr; then @out is not there.
 */
int cc_fatbin_pack(unsigned int arch, const char *ptx, const char *out);

#endif
