/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives a fuzz target the inputs of its corpus: one test per file.
 *
 *	fuzz_NAME [FILE|FOLDER]...
 *
 * A target says what is wrong by ending the process, as under libFuzzer, so
 * each input has a process.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (1u << 20)

static int tests, failed;

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	const char *name = strrchr(path, '/');
	uint8_t *buf, *exact;
	int status = -1;
	pid_t pid;
	size_t n;

	if (!f) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		return 1;
	}
	buf = malloc(INPUT_MAX);
	n = fread(buf, 1, INPUT_MAX, f);
	fclose(f);
	/* Exactly as large as the input: a sanitizer sees a read past its end. */
	exact = malloc(n ? n : 1);
	memcpy(exact, buf, n);
	free(buf);
	name = name ? name + 1 : path;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		LLVMFuzzerTestOneInput(exact, n);
		free(exact);
		exit(0);
	}
	free(exact);
	waitpid(pid, &status, 0);
	if (status)
		failed++;
	printf("%sok %d %s\n", status ? "not " : "", ++tests, name);
	return 0;
}

static int replay_folder(const char *path)
{
	struct dirent **list;
	int n = scandir(path, &list, NULL, alphasort);
	int bad = 0;

	if (n < 0) {
		printf("Bail out! %s: %s\n", path, strerror(errno));
		return 1;
	}
	for (int i = 0; i < n; i++) {
		char file[4096];

		snprintf(file, sizeof(file), "%s/%s", path, list[i]->d_name);
		if (!bad && list[i]->d_name[0] != '.')
			bad = replay_file(file);
		free(list[i]);
	}
	free(list);
	return bad;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct stat st;
		bool folder = !stat(argv[i], &st) && S_ISDIR(st.st_mode);

		if (folder ? replay_folder(argv[i]) : replay_file(argv[i]))
			return 1;
	}
	printf("1..%d\n", tests);
	return tests && !failed ? 0 : 1;
}
