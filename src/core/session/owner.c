/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See owner.h. */
#include "owner.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "self.h"
#include "sys.h"
#include "text.h"
#include "trace_format.h"

/* So often a lock is asked for whose holder is gone when it is looked for. */
#define CLAIM_ROUNDS 3

static int claim(int fd, long *holder)
{
	for (int round = 0; round < CLAIM_ROUNDS; round++) {
		struct flock lock = {.l_type = F_WRLCK,
		                     .l_whence = SEEK_SET,
		                     .l_start = LM_TRACE_LOCK_START,
		                     .l_len = LM_TRACE_LOCK_LEN};

		/* A file that can't be locked at all is not taken by another process. */
		if (fcntl(fd, F_SETLK, &lock) == 0 || (errno != EAGAIN && errno != EACCES))
			return 0;
		*holder = LM_OWNER_UNNAMED;
		if (fcntl(fd, F_GETLK, &lock) != 0)
			return -1;
		if (lock.l_type == F_UNLCK)
			continue;
		if (lock.l_pid > 0)
			*holder = lock.l_pid;
		return -1;
	}
	return -1;
}

int lm_owner_claim(int fd, long *holder)
{
	long unused;
	int saved = errno, result = claim(fd, holder ? holder : &unused);

	errno = saved;
	return result;
}

/* Does *AT begin with STRING? Then passes over it. */
static int passes(const char **at, const char *string, size_t length)
{
	if (__builtin_strncmp(*at, string, length) != 0)
		return 0;
	*at += length;
	return 1;
}

static int passes_text(const char **at, const char *buffer, const struct lm_text *text)
{
	return passes(at, buffer, (size_t)(text->at - buffer));
}

/* OWNER is PID:DEVICE:INODE, and :IDENTITY where the launcher could find that out. Is it about FD's file? */
static int names_file(const char *owner, int fd)
{
	char file[64];
	struct lm_text text = {file, file + sizeof file};
	const char *at = __builtin_strchr(owner, ':');
	struct stat status;

	if (!at || fstat(fd, &status) != 0)
		return 0;
	lm_text_char(&text, ':');
	lm_text_unsigned(&text, status.st_dev);
	lm_text_char(&text, ':');
	lm_text_unsigned(&text, status.st_ino);
	return passes_text(&at, file, &text) && (*at == ':' || *at == '\0');
}

/* IDENTITY in OWNER; "" if there is none. */
static const char *identity_in(const char *owner)
{
	for (int colons = 0; colons < 3; owner++) {
		if (!*owner)
			return owner;
		colons += *owner == ':';
	}
	return owner;
}

/*
 * Did the process of OWNER begin the trace in FD's file? It may have gone on in files that the launcher did not open
 * (rotate.h), and a child can have each of them on descriptor 1022, also when it is an older one and not locked any
 * more.
 */
static int is_begun_by(const char *owner, int fd)
{
	char found[96];
	long n = lm_sys_pread(fd, found, sizeof found - 1, 0);
	const char *at = found, *colon = __builtin_strchr(owner, ':'), *identity = identity_in(owner);

	found[n > 0 ? n : 0] = '\0';
	return *identity && passes(&at, "# " LM_TRACE_PID " ", sizeof "# " LM_TRACE_PID " " - 1) &&
	       passes(&at, owner, (size_t)(colon - owner)) &&
	       passes(&at, "\n# " LM_TRACE_PROCESS " ", sizeof "\n# " LM_TRACE_PROCESS " " - 1) &&
	       passes(&at, identity, __builtin_strlen(identity)) && *at == '\n';
}

enum lm_owner lm_owner_find(int fd, const char *owner)
{
	char pid[32], identity[32];
	struct lm_text pid_text = {pid, pid + sizeof pid}, identity_text = {identity, identity + sizeof identity};
	const char *at = owner;
	uint64_t own;

	if (!owner || (!names_file(owner, fd) && !is_begun_by(owner, fd)))
		return LM_OWNER_UNKNOWN;
	lm_text_unsigned(&pid_text, (uint64_t)lm_sys(SYS_getpid));
	if (!passes_text(&at, pid, &pid_text) || *at != ':')
		return LM_OWNER_OTHER;
	at = identity_in(owner);
	own = *at ? lm_self_identity() : 0;
	if (!own)
		return LM_OWNER_US;
	lm_text_hex(&identity_text, own);
	return passes_text(&at, identity, &identity_text) && *at == '\0' ? LM_OWNER_US : LM_OWNER_OTHER;
}

/* The hexadecimal digits that TEXT begins with. */
static size_t count_digits(const char *text)
{
	size_t count = 0;

	while ((text[count] >= '0' && text[count] <= '9') || (text[count] >= 'a' && text[count] <= 'f'))
		count++;
	return count;
}

/* The environment may contain anything, and the trace gets digits alone. */
void lm_owner_find_run(const char *owner, char *run, size_t size)
{
	const char *identity;
	size_t pid_length, length;

	*run = '\0';
	if (!owner)
		return;
	identity = identity_in(owner);
	pid_length = count_digits(owner);
	length = count_digits(identity);
	if (!pid_length || owner[pid_length] != ':' || identity[length] || pid_length + length + 2 > size)
		return;
	__builtin_memcpy(run, owner, pid_length);
	if (length) {
		run[pid_length++] = ' ';
		__builtin_memcpy(run + pid_length, identity, length);
	}
	run[pid_length + length] = '\0';
}

enum lm_begun lm_owner_begun(int fd)
{
	char found[96], expected[64];
	struct lm_text pid = {expected, expected + sizeof expected}, identity = pid;
	long n = lm_sys_pread(fd, found, sizeof found - 1, 0);
	const char *at = found;
	uint64_t own;

	found[n > 0 ? n : 0] = '\0';
	lm_text_string(&pid, "# " LM_TRACE_PID " ");
	lm_text_unsigned(&pid, (uint64_t)lm_sys(SYS_getpid));
	lm_text_char(&pid, '\n');
	if (!passes_text(&at, expected, &pid))
		return LM_BEGUN_OTHERWISE;
	if (!passes(&at, "# " LM_TRACE_PROCESS " ", sizeof "# " LM_TRACE_PROCESS " " - 1))
		return LM_BEGUN_BY_US;
	own = lm_self_identity();
	if (!own)
		return LM_BEGUN_BY_US;
	lm_text_hex(&identity, own);
	lm_text_char(&identity, '\n');
	return passes_text(&at, expected, &identity) ? LM_BEGUN_BY_US : LM_BEGUN_BY_NAMESAKE;
}
