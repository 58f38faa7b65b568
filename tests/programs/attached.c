/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process that the preload library is loaded into while it runs, as the launcher does it: by the name of a
 * descriptor. Nothing is taken over here: the library's functions are called by pointers.
 *
 *     attached LIBRARY STEP...
 *
 *     begin=TRACE     a trace begins, in a new file, with a journal beside it
 *     on=PATH         the same on a file, a device or a FIFO that is there; no journal is made
 *     set=NAME=VALUE  a setting of the traces that follow
 *     torn, whole     the settings do not end where they should; and again they do
 *     closed          the descriptor of the next trace is closed already
 *     end             the trace ends
 *     error=ERRNO     the last begin or end has to return that; else 0
 *     work            a few calls of each kind: 10000, 10001 and so on bytes; all is released
 *     keep            20000 bytes, which stay
 *     before          a block that the real allocator was asked for is released by the library
 *     move            the same by realloc, to 30000 bytes
 *     free            what was kept last is released
 *     many=N          N times 64 bytes
 *     threads=N       N threads are there from now on; each makes 20 blocks of 64 bytes in every "step"
 *     step            they all work, and stand still again
 *     short=N         N threads come one after another, make 20 blocks each, and go
 *     child           the rest is done by a child, whose status is this process's
 *     fork            a child makes 3 blocks of 64 bytes, and ends
 *     raise=SIGNAL    by its number
 *     default=SIGNAL  fails if the signal has another effect than its default one
 *     pause           the process stops itself (SIGSTOP)
 *     kill            the process kills itself
 *     exec=PROGRAM    by the library's function
 *     mlockall        the same
 *     cycles=N        N times begin, step, short=2, fork, end, where the traces are called "cycle". Prints how many
 *                     mappings, KiB of its own and descriptors there were behind the second one, and behind the last
 * one. costs           how many there are now
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach.h"

#define THREADS_MAX 16

static struct {
	int (*begin)(struct lm_attach *);
	int (*end)(struct lm_attach *);
	void *(*malloc)(size_t);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*valloc)(size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*reallocarray)(void *, size_t, size_t);
	void (*free)(void *);
	void (*free_sized)(void *, size_t);
	int (*execv)(const char *, char *const[]);
	int (*mlockall)(int);
} library;

static struct lm_attach attach = {.version = LM_ATTACH_VERSION, .journal = -1};
static int is_closed;
static int result;
static void *kept;

static void fail(const char *what)
{
	fprintf(stderr, "attached: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *find(void *handle, const char *name)
{
	void *found = dlsym(handle, name);

	if (!found)
		fail(name);
	return found;
}

#define FIND(name) (*(void **)(void *)&library.name = find(handle, #name))

static void load(const char *path)
{
	char name[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *handle;

	if (fd < 0)
		fail(path);
	snprintf(name, sizeof name, LM_ATTACH_LOADED "%d", fd);
	handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		fprintf(stderr, "attached: %s\n", dlerror());
		exit(1);
	}
	close(fd);
	*(void **)(void *)&library.begin = find(handle, LM_ATTACH_BEGIN);
	*(void **)(void *)&library.end = find(handle, LM_ATTACH_END);
	FIND(malloc);
	FIND(calloc);
	FIND(realloc);
	FIND(memalign);
	FIND(valloc);
	FIND(posix_memalign);
	FIND(reallocarray);
	FIND(free);
	FIND(free_sized);
	FIND(execv);
	FIND(mlockall);
}

/* ---- the trace ---- */

static int make(const char *path, const char *suffix)
{
	char name[4096];
	int fd;

	snprintf(name, sizeof name, "%s%s", path, suffix);
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		fail(name);
	return fd;
}

static void begin_on(int trace, int journal)
{
	attach.trace = trace;
	attach.journal = journal;
	attach.before_bytes = 12345;
	if (is_closed)
		close(trace);
	is_closed = 0;
	errno = E2BIG;
	result = library.begin(&attach);
	if (errno != E2BIG)
		fail("errno has changed");
}

static void begin(const char *path)
{
	begin_on(make(path, ""), make(path, ".journal"));
}

static void begin_there(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	begin_on(fd, -1);
}

static void end(void)
{
	errno = E2BIG;
	result = library.end(&attach);
	if (errno != E2BIG)
		fail("errno has changed");
}

static void set(const char *setting)
{
	size_t size = strlen(setting) + 1;

	memcpy(attach.settings + attach.settings_size, setting, size);
	attach.settings_size += (uint32_t)size;
}

static void expect(int error)
{
	if (result == -error)
		return;
	fprintf(stderr, "attached: %d (%s), and not %d\n", result, strerror(-result), -error);
	exit(1);
}

/* ---- calls ---- */

static __attribute__((noinline)) void work(void)
{
	void *p = library.malloc(10000), *q;

	memset(p, 1, 10000);
	p = library.realloc(p, 10001);
	library.free(p);
	library.free(library.calloc(10, 1000));
	library.free(library.memalign(64, 10002));
	library.free(library.valloc(10003));
	if (library.posix_memalign(&q, 64, 10004) == 0)
		library.free(q);
	q = library.reallocarray(NULL, 5, 2001);
	library.free_sized(q, 10005);
}

static void many(int count)
{
	for (int i = 0; i < count; i++)
		library.free(library.malloc(64));
}

/* ---- threads that outlive traces ---- */

static struct {
	int count;
	sem_t go[THREADS_MAX], done;
} threads;

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		;
}

static void *run_thread(void *go)
{
	for (;;) {
		wait_for(go);
		many(20);
		sem_post(&threads.done);
	}
	return NULL;
}

static void start_threads(int count)
{
	pthread_attr_t small;

	sem_init(&threads.done, 0, 0);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 128 << 10);
	for (int i = 0; i < count; i++) {
		pthread_t thread;

		sem_init(&threads.go[i], 0, 0);
		if (pthread_create(&thread, &small, run_thread, &threads.go[i]) != 0)
			fail("pthread_create");
	}
	threads.count = count;
}

static void step(void)
{
	for (int i = 0; i < threads.count; i++)
		sem_post(&threads.go[i]);
	for (int i = 0; i < threads.count; i++)
		wait_for(&threads.done);
}

static void *work_once(void *unused)
{
	(void)unused;
	many(20);
	return NULL;
}

static void run_short(int count)
{
	for (int i = 0; i < count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, work_once, NULL) != 0 || pthread_join(thread, NULL) != 0)
			fail("pthread_create");
	}
}

/* Returns in the child. */
static void go_on_in_child(void)
{
	int status;
	pid_t child = fork();

	if (child == 0)
		return;
	if (child < 0 || waitpid(child, &status, 0) != child)
		fail("fork");
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128);
}

static void expect_default(int number)
{
	struct sigaction now;

	if (sigaction(number, NULL, &now) != 0 || now.sa_handler != SIG_DFL)
		fail("the signal has a handler");
}

static void in_child(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		many(3);
		_exit(7);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
		fail("the child has failed");
}

/* ---- what it costs ---- */

/* By system calls alone: what stdio allocates would count. */
static char text[1 << 20];

static void read_all(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, text + length, sizeof text - 1 - length)) > 0)
		length += (size_t)n;
	close(fd);
	text[length] = '\0';
}

static void print_costs(void)
{
	long mappings = 0, descriptors = 0, kilobytes;
	const char *anonymous;

	/* Of a file's pages, the kernel maps some that are near, and takes them away when it likes. statm is not exact.
	 */
	read_all("/proc/self/smaps_rollup");
	anonymous = strstr(text, "Anonymous:");
	kilobytes = anonymous ? strtol(anonymous + sizeof "Anonymous:" - 1, NULL, 10) : 0;
	read_all("/proc/self/maps");
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		mappings++;
	for (int fd = 0; fd < 8192; fd++)
		descriptors += fcntl(fd, F_GETFD) != -1;
	printf("%ld %ld %ld\n", mappings, kilobytes, descriptors);
	fflush(stdout);
}

static void cycle(void)
{
	begin("cycle");
	expect(0);
	step();
	run_short(2);
	library.free(library.malloc(10000));
	in_child();
	many(600);
	end();
	expect(0);
}

static void run_cycles(int count)
{
	for (int i = 0; i < count; i++) {
		cycle();
		if (i == 1)
			print_costs();
	}
	print_costs();
}

/* ---- steps ---- */

/* What follows WORD in STEP, or NULL. */
static const char *behind(const char *step_, const char *word)
{
	size_t length = strlen(word);

	return strncmp(step_, word, length) == 0 ? step_ + length : NULL;
}

static void run_plain(const char *name)
{
	if (strcmp(name, "end") == 0)
		end();
	else if (strcmp(name, "closed") == 0)
		is_closed = 1;
	else if (strcmp(name, "torn") == 0)
		attach.settings_size = 0x10000;
	else if (strcmp(name, "whole") == 0)
		attach.settings_size = 0;
	else if (strcmp(name, "work") == 0)
		work();
	else if (strcmp(name, "keep") == 0)
		kept = library.malloc(20000);
	else if (strcmp(name, "before") == 0)
		library.free(malloc(4000));
	else if (strcmp(name, "move") == 0)
		kept = library.realloc(malloc(5000), 30000);
	else if (strcmp(name, "free") == 0)
		library.free(kept);
	else if (strcmp(name, "step") == 0)
		step();
	else if (strcmp(name, "child") == 0)
		go_on_in_child();
	else if (strcmp(name, "fork") == 0)
		in_child();
	else if (strcmp(name, "kill") == 0)
		raise(SIGKILL);
	else if (strcmp(name, "mlockall") == 0)
		library.mlockall(MCL_CURRENT);
	else if (strcmp(name, "pause") == 0)
		raise(SIGSTOP);
	else if (strcmp(name, "costs") == 0)
		print_costs();
	else
		fail(name);
}

static void run(const char *name)
{
	const char *value;

	if ((value = behind(name, "begin=")))
		begin(value);
	else if ((value = behind(name, "on=")))
		begin_there(value);
	else if ((value = behind(name, "set=")))
		set(value);
	else if ((value = behind(name, "error=")))
		expect(atoi(value));
	else if ((value = behind(name, "many=")))
		many(atoi(value));
	else if ((value = behind(name, "threads=")))
		start_threads(atoi(value));
	else if ((value = behind(name, "raise=")))
		raise(atoi(value));
	else if ((value = behind(name, "default=")))
		expect_default(atoi(value));
	else if ((value = behind(name, "short=")))
		run_short(atoi(value));
	else if ((value = behind(name, "exec=")))
		library.execv(value, (char *[]){(char *)value, NULL});
	else if ((value = behind(name, "cycles=")))
		run_cycles(atoi(value));
	else
		run_plain(name);
}

int main(int argc, char **argv)
{
	static char buffer[BUFSIZ];

	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	if (argc < 2)
		return 2;
	load(argv[1]);
	for (int i = 2; i < argc; i++)
		run(argv[i]);
	return 0;
}
