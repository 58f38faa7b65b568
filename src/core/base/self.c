/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See self.h. */
#include "self.h"

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/stat.h>

#include "identity.h"
#include "sys.h"
#include "text.h"

/* So many ancestors are looked at. */
#define ANCESTORS 64

/* Not on the stack, which may be small. */
struct room {
	char stat[LM_IDENTITY_STAT_MAX];
	char boot[LM_IDENTITY_BOOT_MAX];
	char path[64];
	char whole[1024]; /* all of STAT */
};

/* The first bytes of a file: how many; 0 if it can't be read. */
static size_t read_start(const char *path, char *buffer, size_t size)
{
	int fd = lm_sys_open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY, 0);
	long n;

	if (fd < 0)
		return 0;
	n = lm_sys_read_full(fd, buffer, size);
	lm_sys_close(fd);
	return n > 0 ? (size_t)n : 0;
}

static uint64_t find_namespace(void)
{
	struct stat status;
	int saved = errno;
	uint64_t inode = stat(LM_IDENTITY_NAMESPACE, &status) == 0 ? (uint64_t)status.st_ino : 0;

	errno = saved;
	return inode;
}

uint64_t lm_self_identity(void)
{
	struct room *room = lm_sys_map(sizeof *room);
	size_t stat_length, boot_length;
	uint64_t identity;

	if (!room)
		return 0;
	stat_length = read_start(LM_IDENTITY_STAT, room->stat, sizeof room->stat);
	boot_length = read_start(LM_IDENTITY_BOOT, room->boot, sizeof room->boot);
	identity = lm_identity_make(room->stat, stat_length, find_namespace(), room->boot, boot_length);
	lm_sys_unmap(room, sizeof *room);
	return identity;
}

/* The parent of PROCESS; 0 if it can't be found out. */
static long find_parent(struct room *room, long process)
{
	struct lm_text path = {room->path, room->path + sizeof room->path - 1};
	size_t length, size;
	const char *field;
	long parent = 0;

	lm_text_string(&path, "/proc/");
	lm_text_unsigned(&path, (uint64_t)process);
	lm_text_string(&path, "/stat");
	*path.at = '\0';
	length = read_start(room->path, room->stat, sizeof room->stat);
	field = lm_identity_field(room->stat, length, 4, &size);
	for (size_t i = 0; field && i < size && field[i] >= '0' && field[i] <= '9'; i++)
		parent = 10 * parent + (field[i] - '0');
	return parent;
}

int lm_self_descends_from(long process)
{
	long ancestor = lm_sys(SYS_getppid);
	struct room *room = lm_sys_map(sizeof *room);

	for (int i = 0; room && ancestor > 1 && ancestor != process && i < ANCESTORS; i++)
		ancestor = find_parent(room, ancestor);
	if (room)
		lm_sys_unmap(room, sizeof *room);
	return process > 0 && ancestor == process;
}

/* The number that is field FIELD of STAT; 0 if there is none. */
static uintptr_t find_number(const char *stat, size_t length, int field)
{
	size_t size;
	const char *text = lm_identity_field(stat, length, field, &size);
	uintptr_t value = 0;

	for (size_t i = 0; text && i < size && text[i] >= '0' && text[i] <= '9'; i++)
		value = value * 10 + (uintptr_t)(text[i] - '0');
	return value;
}

int lm_self_arguments(uintptr_t *start, uintptr_t *end, uintptr_t *limit)
{
	struct room *room = lm_sys_map(sizeof *room);
	size_t length;

	if (!room)
		return -1;
	length = read_start(LM_IDENTITY_STAT, room->whole, sizeof room->whole);
	*start = find_number(room->whole, length, 48);
	*end = find_number(room->whole, length, 49);
	*limit = find_number(room->whole, length, 51);
	lm_sys_unmap(room, sizeof *room);
	/* The program's name lies right behind the environment. Under an emulator, these are not the program's. */
	return *start && *start < *end && *end <= *limit && *limit == getauxval(AT_EXECFN) ? 0 : -1;
}
