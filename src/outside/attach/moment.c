/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See moment.h. Threads are unwound by elfutils, from the registers and the memory of the stopped process. */
#include "moment.h"
#include "array.h"
#include "machine.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Rounds in which only the threads run that are inside; and how often everything runs after them. */
enum { ROUNDS = 150, TRIES = 30 };

/*
 * How long: until they have had so much of the processors' time together. Where other processes have the processors, a
 * thread that is stopped again too soon has not run at all.
 */
enum { RUN_US = 50, LOOK_US = 50, LONGEST_US = 10000, ALL_RUN_MS = 20 };

/* ---- code that nobody may be in ---------------------------------------------------- */

static int add_range(struct moment *moment, struct moment_range range)
{
	struct moment_range *items =
		array_grow(moment->inside, &moment->inside_room, moment->inside_count + 1, sizeof *items);

	if (!items)
		return -ENOMEM;
	moment->inside = items;
	items[moment->inside_count++] = range;
	return 0;
}

/* All code of an object. */
static int add_object(struct moment *moment, const struct loaded *object, bool has_threads)
{
	int error = 0;

	for (size_t i = 0; !error && i < object->segment_count; i++) {
		if (!object->segments[i].writable)
			error = add_range(moment, (struct moment_range){object->segments[i].start,
			                                                object->segments[i].end, has_threads});
	}
	return error;
}

static bool is_code(const Elf64_Sym *symbol)
{
	return symbol->st_shndx != SHN_UNDEF && symbol->st_value && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC;
}

static int compare_addresses(const void *one, const void *other)
{
	const uint64_t first = *(const uint64_t *)one, second = *(const uint64_t *)other;

	return (first > second) - (first < second);
}

/* Is ADDRESS one of the COUNT sorted FUNCTIONS? One function can have several names. */
static bool is_one_of(const uint64_t *functions, size_t count, uint64_t address)
{
	return bsearch(&address, functions, count, sizeof address, compare_addresses) != NULL;
}

/*
 * Around each of FUNCTIONS, what has no other function's name belongs to it: static functions that work for it lie
 * beside it, and a stripped library has no names but those that it exports. RANGES gets the ranges.
 */
static void spread(struct moment_range *ranges, const struct loaded *object, const uint64_t *functions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ranges[i] = (struct moment_range){0, UINT64_MAX, false};
	for (size_t i = 0; i < object->symbol_count; i++) {
		const Elf64_Sym *symbol = &object->symbols[i];
		uint64_t start = object->base + symbol->st_value, end = start + symbol->st_size;

		if (!is_code(symbol) || is_one_of(functions, count, start))
			continue;
		for (size_t j = 0; j < count; j++) {
			if (start > functions[j] && start < ranges[j].end)
				ranges[j].end = start;
			if (start < functions[j] && end <= functions[j] && end > ranges[j].start)
				ranges[j].start = end;
		}
	}
}

/* The functions themselves, without what lies around them. */
static int add_functions(struct moment *moment, const struct loaded *object, const char *const *names, size_t count)
{
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		const Elf64_Sym *symbol = loaded_define(object, names[i]);
		uint64_t start = symbol ? loaded_address(object, symbol) : 0;

		if (symbol)
			error = add_range(moment, (struct moment_range){
							  start, start + symbol->st_size + !symbol->st_size, false});
	}
	return error;
}

enum { FAMILY_MAX = 64 };

static int add_family(struct moment *moment, const struct loaded *object, const char *const *names, size_t count)
{
	struct moment_range ranges[FAMILY_MAX];
	uint64_t functions[FAMILY_MAX] = {0};
	size_t found = 0;
	int error = 0;

	for (size_t i = 0; i < count && found < FAMILY_MAX; i++) {
		const Elf64_Sym *symbol = loaded_define(object, names[i]);

		if (symbol)
			functions[found++] = loaded_address(object, symbol);
	}
	qsort(functions, found, sizeof *functions, compare_addresses);
	spread(ranges, object, functions, found);
	for (size_t i = 0; !error && i < found; i++)
		error = add_range(moment, ranges[i]);
	return error;
}

/* Of the allocator. */
static const char *const allocating[] = {
	"malloc",
	"free",
	"calloc",
	"realloc",
	"reallocarray",
	"memalign",
	"valloc",
	"pvalloc",
	"aligned_alloc",
	"posix_memalign",
	"mallinfo",
	"mallinfo2",
	"mallopt",
	"malloc_trim",
	"malloc_stats",
	"malloc_info",
	"free_sized",
	"free_aligned_sized",
	"__libc_malloc",
	"__libc_free",
	"__libc_calloc",
	"__libc_realloc",
	"__libc_memalign",
	"__libc_mallopt",
	"__libc_valloc",
	"__libc_pvalloc",
	"__libc_mallinfo",
	"malloc_usable_size",
	"__libc_reallocarray",
};

/* Of libc, which hold locks of the allocator or of the loader. */
static const char *const locking[] = {
	"fork",         "__fork", "_Fork",  "__libc_fork", "dlopen", "dlmopen",         "dlclose",
	"dlsym",        "dlvsym", "dladdr", "dladdr1",     "dlinfo", "dl_iterate_phdr", "__libc_dlopen_mode",
	"__libc_dlsym",
};

/* musl has its loader among them. */
static const char *const loading[] = {
	"dlopen", "dlclose", "dlsym", "dlvsym", "dladdr", "dlinfo", "dl_iterate_phdr", "dlerror", "__dls2b", "__dls3",
};

#define NAMES(list) list, sizeof(list) / sizeof *(list)

/* The allocator can be libc's, that of a library, or a part of the program. */
static int add_allocator(struct moment *moment, const struct loaded *libc)
{
	const struct loaded *definer = NULL;

	if (!loaded_find(&moment->loaded, "malloc", &definer) || definer == libc)
		return 0;
	if (definer == &moment->loaded.items[0])
		return add_functions(moment, definer, NAMES(allocating));
	return add_object(moment, definer, true);
}

static int find_ranges(struct moment *moment)
{
	const struct loaded *libc = loaded_libc(&moment->loaded);
	int error = 0;

	moment->inside_count = 0;
	for (size_t i = 0; !error && i < moment->loaded.count; i++) {
		const struct loaded *object = &moment->loaded.items[i];

		if (object->is_tracker || (object->is_loader && !object->is_libc))
			error = add_object(moment, object, false);
	}
	if (!error && libc)
		error = add_family(moment, libc, NAMES(allocating));
	if (!error && libc && libc->is_musl)
		error = add_family(moment, libc, NAMES(loading));
	if (!error && libc)
		error = add_functions(moment, libc, NAMES(locking));
	return error ? error : add_allocator(moment, libc);
}

/* The range that ADDRESS lies in, or NULL. */
static const struct moment_range *find_inside(const struct moment *moment, uint64_t address)
{
	for (size_t i = 0; i < moment->inside_count; i++) {
		if (address >= moment->inside[i].start && address < moment->inside[i].end)
			return &moment->inside[i];
	}
	return NULL;
}

/* ---- elfutils' view of the process --------------------------------------------------- */

/* Opens the file that is mapped at BASE. It can be deleted, or in another mount namespace. */
static int open_mapped(const struct moment *moment, const char *name, uint64_t base)
{
	const struct region *region = regions_find(&moment->regions, base);
	char path[PATH_MAX + 64];
	struct stat st;
	int fd;

	if (!region || !region->inode)
		return -1;
	snprintf(path, sizeof path, "/proc/%d/root%s", (int)moment->pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == region->inode)
		return fd;
	if (fd >= 0)
		close(fd);
	snprintf(path, sizeof path, "/proc/%d/map_files/%lx-%lx", (int)moment->pid, (unsigned long)region->start,
	         (unsigned long)region->end);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Called by elfutils, which says nothing about the moment: it is one at a time. */
static const struct moment *current;

static int find_elf(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base, char **file, Elf **elf)
{
	int fd;

	/* The vdso has no file: elfutils reads it from the process's memory. */
	if (name[0] != '/')
		return dwfl_linux_proc_find_elf(module, data, name, base, file, elf);
	fd = current ? open_mapped(current, name, base) : -1;
	if (fd >= 0)
		*file = strdup(name);
	return fd;
}

/* Unwinding needs the tables that are in memory, too. */
static int find_no_debuginfo(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base, const char *file,
                             const char *link, GElf_Word crc, char **debug)
{
	(void)module, (void)data, (void)name, (void)base, (void)file, (void)link, (void)crc, (void)debug;
	return -1;
}

static pid_t next_thread(Dwfl *dwfl, void *argument, void **thread)
{
	struct moment *moment = argument;
	struct stop_thread *last = *thread;
	size_t index = last ? (size_t)(last - moment->stop.threads) + 1 : 0;

	(void)dwfl;
	if (index >= moment->stop.count)
		return 0;
	*thread = &moment->stop.threads[index];
	return moment->stop.threads[index].tid;
}

static bool set_registers(Dwfl_Thread *thread, void *argument)
{
	const struct stop_thread *own = argument;
	uint64_t words[MACHINE_DWARF_MAX];
	size_t count = machine_dwarf(&own->registers, words);

	dwfl_thread_state_register_pc(thread, machine_pc(&own->registers));
	return dwfl_thread_state_registers(thread, 0, (unsigned)count, words);
}

static bool is_executable(const struct moment *moment, uint64_t address)
{
	const struct region *region = regions_find(&moment->regions, address);

	return region && region->executable;
}

/*
 * elfutils knows nothing of signed return addresses, and finds no frame behind one. So it gets them without their
 * signatures.
 */
static bool read_word(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *argument)
{
	const struct moment *moment = argument;
	uint64_t code;

	(void)dwfl;
	if (memory_read(moment->pid, address, word, sizeof *word) != sizeof *word)
		return false;
	code = machine_code_address(*word);
	if (code != *word && is_executable(moment, code - 1))
		*word = code;
	return true;
}

static bool report(struct moment *moment)
{
	/* Modules that are as they were are kept. */
	dwfl_report_begin(moment->dwfl);
	return dwfl_linux_proc_report(moment->dwfl, moment->pid) == 0 && dwfl_report_end(moment->dwfl, NULL, NULL) == 0;
}

static bool open_dwfl(struct moment *moment)
{
	static const Dwfl_Callbacks callbacks = {.find_elf = find_elf, .find_debuginfo = find_no_debuginfo};
	static const Dwfl_Thread_Callbacks threads = {
		.next_thread = next_thread, .memory_read = read_word, .set_initial_registers = set_registers};

	current = moment;
	if (moment->dwfl)
		return report(moment);
	moment->dwfl = dwfl_begin(&callbacks);
	return moment->dwfl && report(moment) && dwfl_attach_state(moment->dwfl, NULL, moment->pid, &threads, moment);
}

/* ---- one thread ------------------------------------------------------------------------ */

struct walk {
	const struct moment *moment;
	uint64_t inside; /* the frame's address that was inside; 0: none was */
	uint64_t own; /* the same in a library with threads of its own: if nobody else called it, it does not count */
	size_t left;  /* frames that were in no library of the loader's or of libc's */
	size_t frames;
	bool has_gap; /* a frame has no unwind tables: elfutils guesses there by the frame pointer, which skips frames
	               */
};

/* Frames that are looked at. What is inside is called from the program, never the other way round, but for the loader.
 */
enum { FRAMES_MAX = 4096, SCAN_WORDS = 256, SCAN_MORE = 8, CALL_BYTES = 8 };

/* The kernel's vdso and code that the program generated are no files. libc and the tracker call the vdso. */
static bool is_from_file(const struct moment *moment, uint64_t pc)
{
	const struct region *region = regions_find(&moment->regions, pc);

	return region && region->inode;
}

/* Do the unwind tables tell how to go on from PC? */
static bool has_tables(const struct moment *moment, uint64_t pc)
{
	Dwfl_Module *module = dwfl_addrmodule(moment->dwfl, pc);
	Dwarf_Frame *frame;
	Dwarf_Addr bias;
	Dwarf_CFI *tables = module ? dwfl_module_eh_cfi(module, &bias) : NULL;

	if (!tables || dwarf_cfi_addrframe(tables, pc - bias, &frame) != 0)
		return false;
	free(frame);
	return true;
}

static int look_at_frame(Dwfl_Frame *frame, void *argument)
{
	struct walk *walk = argument;
	const struct moment_range *range;
	const struct loaded *object;
	bool activation;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(frame, &pc, &activation))
		return DWARF_CB_ABORT;
	pc -= !activation;
	range = find_inside(walk->moment, pc);
	object = loaded_at(&walk->moment->loaded, pc);
	if (range && range->has_threads)
		walk->own = pc;
	else if (range)
		walk->inside = pc;
	else if (!object || !(object->is_libc || object->is_loader)) {
		walk->inside = walk->own;
		walk->left += is_from_file(walk->moment, pc);
	}
	walk->has_gap = !has_tables(walk->moment, pc);
	if (walk->inside || walk->has_gap)
		return DWARF_CB_ABORT;
	return ++walk->frames < FRAMES_MAX ? DWARF_CB_OK : DWARF_CB_ABORT;
}

/* Is ADDRESS a return address? Then a call ends there. */
static bool is_return_address(const struct moment *moment, uint64_t address)
{
	const struct region *region = regions_find(&moment->regions, address - 1);
	unsigned char code[CALL_BYTES];

	return region && region->executable && address - region->start >= sizeof code &&
	       memory_read(moment->pid, address - sizeof code, code, sizeof code) == sizeof code &&
	       machine_ends_with_call(code, sizeof code);
}

/*
 * A thread that can't be unwound, as in musl, which has no tables. Return addresses on its stack are believed up to the
 * first one outside of libc, and a little further, since some are old.
 */
static uint64_t scan(const struct moment *moment, const struct stop_thread *thread)
{
	uint64_t words[SCAN_WORDS], pc = machine_pc(&thread->registers);
	size_t count, end = SCAN_WORDS;

	if (find_inside(moment, pc))
		return pc;
	count = memory_read(moment->pid, machine_sp(&thread->registers), words, sizeof words) / sizeof *words;
	for (size_t i = 0; i < count && i < end; i++) {
		const uint64_t address = machine_code_address(words[i]);
		const struct loaded *object;

		if (!is_return_address(moment, address))
			continue;
		if (find_inside(moment, address - 1))
			return address - 1;
		object = loaded_at(&moment->loaded, address - 1);
		if (end == SCAN_WORDS && (!object || !(object->is_libc || object->is_loader)))
			end = i + SCAN_MORE;
	}
	return 0;
}

/* Is the thread inside? Then moment->busy is where. */
static bool look_at_thread(struct moment *moment, const struct stop_thread *thread)
{
	struct walk walk = {.moment = moment};
	int unwound = dwfl_getthread_frames(moment->dwfl, thread->tid, look_at_frame, &walk);

	/* Frames without tables behind the program's own do not matter. */
	if ((unwound < 0 || walk.has_gap) && !walk.inside && !walk.left)
		walk.inside = walk.own ? walk.own : scan(moment, thread);
	if (walk.inside)
		moment->busy = walk.inside;
	return walk.inside != 0;
}

/* ---- all threads ------------------------------------------------------------------------- */

static void forget_modules(struct moment *moment)
{
	loaded_free(&moment->loaded);
	regions_free(&moment->regions);
}

/* Has an object come or gone? Other memory comes and goes all the time. */
static bool is_same_code(const struct regions *one, const struct regions *other)
{
	size_t i = 0, j = 0;

	for (;;) {
		while (i < one->count && !(one->items[i].executable && one->items[i].inode))
			i++;
		while (j < other->count && !(other->items[j].executable && other->items[j].inode))
			j++;
		if (i == one->count || j == other->count)
			return i == one->count && j == other->count;
		if (one->items[i].start != other->items[j].start || one->items[i].inode != other->items[j].inode)
			return false;
		i++, j++;
	}
}

int moment_read_again(struct moment *moment)
{
	int error;

	forget_modules(moment);
	moment->is_stale = true;
	error = regions_read(&moment->regions, moment->pid);
	if (!error)
		error = loaded_read(&moment->loaded, moment->pid, &moment->regions);
	return error ? error : find_ranges(moment);
}

bool moment_may_pass(int error)
{
	return error && error != -ESRCH && error != -EPERM && error != -EACCES;
}

/* Reads what is loaded, unless that is known from an earlier moment. 0 or -errno. */
static int read_modules(struct moment *moment)
{
	struct regions now;
	int error = regions_read(&now, moment->pid);

	if (error)
		return error;
	if (moment->dwfl && !moment->is_stale && is_same_code(&moment->regions, &now)) {
		regions_free(&moment->regions);
		moment->regions = now;
		return 0;
	}
	regions_free(&now);
	error = moment_read_again(moment);
	if (error)
		return error;
	moment->is_stale = false;
	return open_dwfl(moment) ? 0 : -ENOMEM;
}

static void pause_for(long microseconds)
{
	nanosleep(&(struct timespec){.tv_nsec = microseconds * 1000}, NULL);
}

static bool is_waiting(const struct moment *moment, pid_t tid)
{
	for (size_t i = 0; i < moment->outside_count; i++) {
		if (moment->outside[i] == tid)
			return true;
	}
	return false;
}

static int keep_waiting(struct moment *moment, pid_t tid)
{
	pid_t *items = array_grow(moment->outside, &moment->outside_room, moment->outside_count + 1, sizeof *items);

	if (!items)
		return -ENOMEM;
	moment->outside = items;
	items[moment->outside_count++] = tid;
	return 0;
}

/* Nanoseconds that the threads have run which do not stand outside. */
static uint64_t time_run(const struct moment *moment)
{
	unsigned long long sum = 0, own;
	char path[64];

	for (size_t i = 0; i < moment->stop.count; i++) {
		FILE *file;

		if (moment->stop.threads[i].is_stopped)
			continue;
		snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)moment->pid,
		         (int)moment->stop.threads[i].tid);
		file = fopen(path, "re");
		if (file && fscanf(file, "%llu", &own) == 1)
			sum += own;
		if (file)
			fclose(file);
	}
	return sum;
}

static bool are_asleep(const struct moment *moment)
{
	for (size_t i = 0; i < moment->stop.count; i++) {
		const struct stop_thread *thread = &moment->stop.threads[i];

		if (!thread->is_stopped && stop_state(moment->pid, thread->tid) != 'S')
			return false;
	}
	return true;
}

/* False if the threads that do not stand outside sleep: they may wait for one of those that stand. */
static bool let_run(struct moment *moment)
{
	const uint64_t before = time_run(moment);
	int waited = 0;

	do {
		pause_for(LOOK_US);
		waited += LOOK_US;
		stop_pass_signals(&moment->stop);
	} while (waited < LONGEST_US && time_run(moment) - before < RUN_US * UINT64_C(1000));
	return waited < LONGEST_US || !are_asleep(moment);
}

/*
 * Lets the threads that are inside run for a moment. The others stay where they are: the more threads there are, the
 * rarer is a moment in which all are outside by chance. 1: nobody was inside. 0: somebody was; or -errno. -EAGAIN:
 * those that are inside sleep.
 */
static int run_inside(struct moment *moment)
{
	int error = read_modules(moment);
	bool is_done = true, has_run;

	for (size_t i = 0; !error && i < moment->stop.count; i++) {
		struct stop_thread *thread = &moment->stop.threads[i];

		if (is_waiting(moment, thread->tid))
			continue;
		if (!look_at_thread(moment, thread)) {
			error = keep_waiting(moment, thread->tid);
			continue;
		}
		is_done = false;
		stop_resume_thread(thread);
	}
	if (error || is_done)
		return error ? error : 1;
	has_run = let_run(moment);
	error = stop_again(&moment->stop);
	return error || has_run ? error : -EAGAIN;
}

/* Is there a thread that is not just about to get a signal? Only such a one can be made to call something. */
static bool has_free_thread(const struct moment *moment)
{
	for (size_t i = 0; i < moment->stop.count; i++) {
		if (!moment->stop.threads[i].signal)
			return true;
	}
	return false;
}

/* 1: nobody is inside. 0: somebody is, who may wait for one of those that stand. Or -errno. */
static int try_once(struct moment *moment)
{
	int result = 0;

	moment->outside_count = 0;
	for (int round = 0; !result && round < ROUNDS; round++)
		result = run_inside(moment);
	if (moment_may_pass(result < 0 ? result : 0))
		return 0;
	return result > 0 ? !loaded_changes(&moment->loaded) && has_free_thread(moment) : result;
}

int moment_find_again(struct moment *moment)
{
	int found = 0;

	for (int i = 0; !found && i < TRIES; i++) {
		found = try_once(moment);
		if (found)
			break;
		found = stop_resume(&moment->stop);
		for (int ms = 0; !found && ms < ALL_RUN_MS; ms++) {
			pause_for(1000);
			stop_pass_signals(&moment->stop);
		}
		clock_gettime(CLOCK_MONOTONIC, &moment->since);
		if (!found)
			found = stop_again(&moment->stop);
	}
	if (found > 0)
		return 0;
	moment_end(moment);
	return found ? found : -EBUSY;
}

int moment_find(struct moment *moment, pid_t pid)
{
	int error;

	*moment = (struct moment){.pid = pid};
	/* While the process runs, so that it stands still for a shorter time. */
	error = read_modules(moment);
	if (moment_may_pass(error))
		error = 0;
	clock_gettime(CLOCK_MONOTONIC, &moment->since);
	if (!error)
		error = stop_attach(&moment->stop, pid);
	if (!error)
		return moment_find_again(moment);
	moment_end(moment);
	return error;
}

void moment_end(struct moment *moment)
{
	stop_release(&moment->stop);
	forget_modules(moment);
	if (moment->dwfl)
		dwfl_end(moment->dwfl);
	moment->dwfl = NULL;
	free(moment->outside);
	free(moment->inside);
	moment->outside = NULL;
	moment->outside_count = moment->outside_room = 0;
	moment->inside = NULL;
	moment->inside_count = moment->inside_room = 0;
	current = NULL;
}
