/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/list/card.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

static int card_find(const char *path, pid_t pid, struct cw_card_vm *ret)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), err = -ENOENT;
	const struct cw_card *card = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		return -ENOENT;
	if (!fstat(fd, &st) && st.st_size >= (off_t)sizeof(*card))
		card = mmap(NULL, sizeof(*card), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (card == MAP_FAILED)
		return -ENOENT;
	for (uint32_t i = 0; i < CW_CARD_VMS && i < card->top; i++) {
		if (card->magic != CW_CARD_MAGIC || card->vm[i].pid != (uint32_t)pid)
			continue;
		*ret = card->vm[i];
		err = 0;
		break;
	}
	munmap((void *)card, sizeof(*card));
	return err;
}

int card_vm_of(const struct proc *daemon, struct cw_card_vm *ret)
{
	static const char *const files[] = { CW_CARD_FILE, CW_CARD_FILE_NVIDIA };
	const char *dir = proc_option(daemon, "card-dir");
	char usual[PATH_MAX], path[PATH_MAX + 32];

	cw_card_dir(usual, sizeof(usual), daemon->uid);
	for (size_t i = 0; i < CW_ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir ? dir : usual, files[i]);
		if (!card_find(path, daemon->pid, ret))
			return 0;
	}
	return -ENOENT;
}

unsigned long long card_client_memory(const struct cw_card_vm *vm, pid_t worker)
{
	for (int i = 0; i < CW_CARD_CLIENTS; i++) {
		if (vm->client[i].pid == (uint32_t)worker)
			return vm->client[i].memory;
	}
	return 0;
}
