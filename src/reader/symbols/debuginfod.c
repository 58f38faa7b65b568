/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See debuginfod.h. */
#include "debuginfod.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

/* Types as in elfutils/debuginfod.h. */
struct client;
typedef struct client *begin_function(void);
typedef int find_function(struct client *client, const unsigned char *build_id, int len, char **path);
typedef void end_function(struct client *client);

struct library {
	begin_function *begin;
	find_function *find;
	end_function *end;
};

/* The library stays loaded, since libdw has loaded it as well. */
static bool load(struct library *library)
{
	void *handle = dlopen("libdebuginfod.so.1", RTLD_NOW);

	if (!handle)
		return false;
	library->begin = (begin_function *)dlsym(handle, "debuginfod_begin");
	library->find = (find_function *)dlsym(handle, "debuginfod_find_debuginfo");
	library->end = (end_function *)dlsym(handle, "debuginfod_end");
	return library->begin && library->find && library->end;
}

bool debuginfod_works(void)
{
	struct library library;

	return load(&library);
}

int debuginfod_open(const char *build_id)
{
	struct library library;
	struct client *client;
	int fd;

	if (!load(&library))
		return -ENOSYS;
	client = library.begin();
	if (!client)
		return -ENOMEM;
	/* A length of 0 says that the build-id is given as digits. */
	fd = library.find(client, (const unsigned char *)build_id, 0, NULL);
	library.end(client);
	return fd;
}
