/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See usage.h. */
#include "usage.h"

#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "sys.h"

/* "size resident ...", in pages. */
static uint64_t second_number(const char *text)
{
	uint64_t n = 0;

	while (*text && *text != ' ')
		text++;
	for (text += *text == ' '; *text >= '0' && *text <= '9'; text++)
		n = 10 * n + (uint64_t)(*text - '0');
	return n;
}

/* Bytes; 0 if PATH can't be read. */
static uint64_t read_resident(const char *path)
{
	int fd = lm_sys_open(path, O_RDONLY | O_CLOEXEC, 0);
	char text[160];
	long n;

	if (fd < 0)
		return 0;
	n = lm_sys_read_full(fd, text, sizeof text - 1);
	lm_sys_close(fd);
	text[n > 0 ? n : 0] = '\0';
	return second_number(text) * getauxval(AT_PAGESZ);
}

uint64_t lm_usage_resident(void)
{
	uint64_t bytes = read_resident("/proc/self/statm");

	/* "self" means the first thread. When that has ended, it has no memory. */
	return bytes ? bytes : read_resident("/proc/thread-self/statm");
}

uint64_t lm_usage_machine(void)
{
	struct sysinfo info;

	if (lm_sys(SYS_sysinfo, &info) != 0)
		return UINT64_MAX;
	return (uint64_t)info.totalram * (info.mem_unit ? info.mem_unit : 1);
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t lm_usage_allowed(uint64_t group)
{
	const uint64_t limits = lesser(lm_sys_limit(RLIMIT_AS), lm_sys_limit(RLIMIT_DATA));

	return lesser(lesser(lm_usage_machine(), group), limits);
}
