/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See whole.h. */
#include "whole.h"

#include <fcntl.h>

#include "map.h"
#include "sys.h"

#define ROOM_FIRST ((size_t)1 << 16)
#define ROOM_LAST  ((size_t)1 << 28)

/* The kernel returns about a page at each read. The content can change between two reads, so it is read from the
 * start. */
int lm_whole_read(struct lm_whole *file, const char *path)
{
	int fd = lm_sys_open(path, O_RDONLY | O_CLOEXEC, 0);

	*file = (struct lm_whole){NULL, 0, 0};
	if (fd < 0)
		return -1;
	for (file->room = ROOM_FIRST; file->room <= ROOM_LAST; file->room *= 2) {
		long n;

		file->text = lm_sys_map(file->room);
		if (!file->text)
			break;
		lm_sys_seek(fd, 0, SEEK_SET);
		n = lm_sys_read_full(fd, file->text, file->room);
		if (n < (long)file->room) {
			file->length = n > 0 ? (size_t)n : 0;
			break;
		}
		lm_sys_unmap(file->text, file->room);
		file->text = NULL;
	}
	lm_sys_close(fd);
	return file->length ? 0 : -1;
}

void lm_whole_unread(struct lm_whole *file)
{
	if (file->text)
		lm_sys_unmap(file->text, file->room);
	file->text = NULL;
}
