// SPDX-License-Identifier: Apache-2.0
// printf() in a kernel: the text is on the program's stdout when the call that
// waits for the kernel returns. The program reads its own output back.
#include <cuda_runtime.h>
#include <unistd.h>

#include "prog.h"

__global__ void speak(int base)
{
	if (threadIdx.x == 0)
		printf("block %d of %d: %s %5.2f %c %#x %lld%%\n", blockIdx.x, gridDim.x, "pi",
		       3.14159, 'z', base + 255, 1234567890123LL);
}

static size_t capture(char *text, size_t room)
{
	char path[] = "/tmp/causeway-printf-XXXXXX";
	int file = mkstemp(path), saved = dup(1);
	ssize_t n;

	fflush(stdout);
	dup2(file, 1);
	for (int i = 0; i < 3; i++) {
		speak<<<1, 32>>>(i);
		CUDA(cudaDeviceSynchronize());
	}
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	n = pread(file, text, room - 1, 0);
	close(file);
	unlink(path);
	text[n > 0 ? n : 0] = 0;
	return n > 0 ? n : 0;
}

int main(int argc, char **argv)
{
	static const char want[] = "block 0 of 1: pi  3.14 z 0xff 1234567890123%\n"
				   "block 0 of 1: pi  3.14 z 0x100 1234567890123%\n"
				   "block 0 of 1: pi  3.14 z 0x101 1234567890123%\n";
	char text[1024];
	size_t n;

	prog_begin(argc, argv, "printf", 3);
	n = capture(text, sizeof(text));
	if (strcmp(text, want))
		prog_fail("%d bytes, not the wanted text", (int)n);
	prog_int("bytes", n);
	return prog_end();
}
