/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See walker.h. Threads are unwound by elfutils, from the registers and the memory of the stopped process. */
#include "walker.h"
#include "machine.h"
#include "memory.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Opens the file that is mapped at BASE. It can be deleted, or in another mount namespace. */
static int open_mapped(const struct walker *walker, const char *name, uint64_t base)
{
	const struct region *region = regions_find(walker->regions, base);
	char path[PATH_MAX + 64];
	struct stat st;
	int fd;

	if (!region || !region->inode)
		return -1;
	snprintf(path, sizeof path, "/proc/%d/root%s", (int)walker->pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == region->inode)
		return fd;
	if (fd >= 0)
		close(fd);
	snprintf(path, sizeof path, "/proc/%d/map_files/%lx-%lx", (int)walker->pid, (unsigned long)region->start,
	         (unsigned long)region->end);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Called by elfutils, which says nothing about the walker: it is one at a time. */
static const struct walker *current;

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
	struct walker *walker = argument;
	struct stop_thread *last = *thread;
	size_t index = last ? (size_t)(last - walker->stop->threads) + 1 : 0;

	(void)dwfl;
	if (index >= walker->stop->count)
		return 0;
	*thread = &walker->stop->threads[index];
	return walker->stop->threads[index].tid;
}

static bool set_registers(Dwfl_Thread *thread, void *argument)
{
	const struct stop_thread *own = argument;
	uint64_t words[MACHINE_DWARF_MAX];
	size_t count = machine_dwarf(&own->registers, words);

	dwfl_thread_state_register_pc(thread, machine_pc(&own->registers));
	return dwfl_thread_state_registers(thread, 0, (unsigned)count, words);
}

static bool is_executable(const struct walker *walker, uint64_t address)
{
	const struct region *region = regions_find(walker->regions, address);

	return region && region->executable;
}

/*
 * elfutils knows nothing of signed return addresses, and finds no frame behind one. So it gets them without their
 * signatures.
 */
static bool read_word(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *argument)
{
	const struct walker *walker = argument;
	uint64_t code;

	(void)dwfl;
	if (memory_read(walker->pid, address, word, sizeof *word) != sizeof *word)
		return false;
	code = machine_code_address(*word);
	if (code != *word && is_executable(walker, code - 1))
		*word = code;
	return true;
}

static bool report(struct walker *walker)
{
	/* Modules that are as they were are kept. */
	dwfl_report_begin(walker->dwfl);
	return dwfl_linux_proc_report(walker->dwfl, walker->pid) == 0 && dwfl_report_end(walker->dwfl, NULL, NULL) == 0;
}

bool walker_update(struct walker *walker)
{
	static const Dwfl_Callbacks callbacks = {.find_elf = find_elf, .find_debuginfo = find_no_debuginfo};
	static const Dwfl_Thread_Callbacks threads = {
		.next_thread = next_thread, .memory_read = read_word, .set_initial_registers = set_registers};

	current = walker;
	if (walker->dwfl)
		return report(walker);
	walker->dwfl = dwfl_begin(&callbacks);
	return walker->dwfl && report(walker) && dwfl_attach_state(walker->dwfl, NULL, walker->pid, &threads, walker);
}

struct walk {
	const struct walker *walker;
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
static bool is_from_file(const struct walker *walker, uint64_t pc)
{
	const struct region *region = regions_find(walker->regions, pc);

	return region && region->inode;
}

/* Do the unwind tables tell how to go on from PC? */
static bool has_tables(const struct walker *walker, uint64_t pc)
{
	Dwfl_Module *module = dwfl_addrmodule(walker->dwfl, pc);
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
	const struct inside_range *range;
	const struct loaded *object;
	bool activation;
	Dwarf_Addr pc;

	if (!dwfl_frame_pc(frame, &pc, &activation))
		return DWARF_CB_ABORT;
	pc -= !activation;
	range = inside_code_at(walk->walker->code, pc);
	object = loaded_at(walk->walker->loaded, pc);
	if (range && range->has_threads)
		walk->own = pc;
	else if (range)
		walk->inside = pc;
	else if (!object || !(object->is_libc || object->is_loader)) {
		walk->inside = walk->own;
		walk->left += is_from_file(walk->walker, pc);
	}
	walk->has_gap = !has_tables(walk->walker, pc);
	if (walk->inside || walk->has_gap)
		return DWARF_CB_ABORT;
	return ++walk->frames < FRAMES_MAX ? DWARF_CB_OK : DWARF_CB_ABORT;
}

/* Is ADDRESS a return address? Then a call ends there. */
static bool is_return_address(const struct walker *walker, uint64_t address)
{
	const struct region *region = regions_find(walker->regions, address - 1);
	unsigned char code[CALL_BYTES];

	return region && region->executable && address - region->start >= sizeof code &&
	       memory_read(walker->pid, address - sizeof code, code, sizeof code) == sizeof code &&
	       machine_ends_with_call(code, sizeof code);
}

/*
 * A thread that can't be unwound, as in musl, which has no tables. Return addresses on its stack are believed up to the
 * first one outside of libc, and a little further, since some are old.
 */
static uint64_t scan(const struct walker *walker, const struct stop_thread *thread)
{
	uint64_t words[SCAN_WORDS], pc = machine_pc(&thread->registers);
	size_t count, end = SCAN_WORDS;

	if (inside_code_at(walker->code, pc))
		return pc;
	count = memory_read(walker->pid, machine_sp(&thread->registers), words, sizeof words) / sizeof *words;
	for (size_t i = 0; i < count && i < end; i++) {
		const uint64_t address = machine_code_address(words[i]);
		const struct loaded *object;

		if (!is_return_address(walker, address))
			continue;
		if (inside_code_at(walker->code, address - 1))
			return address - 1;
		object = loaded_at(walker->loaded, address - 1);
		if (end == SCAN_WORDS && (!object || !(object->is_libc || object->is_loader)))
			end = i + SCAN_MORE;
	}
	return 0;
}

uint64_t walker_find_inside(const struct walker *walker, const struct stop_thread *thread)
{
	struct walk walk = {.walker = walker};
	int unwound = dwfl_getthread_frames(walker->dwfl, thread->tid, look_at_frame, &walk);

	/* Frames without tables behind the program's own do not matter. */
	if ((unwound < 0 || walk.has_gap) && !walk.inside && !walk.left)
		walk.inside = walk.own ? walk.own : scan(walker, thread);
	return walk.inside;
}

void walker_end(struct walker *walker)
{
	if (walker->dwfl)
		dwfl_end(walker->dwfl);
	walker->dwfl = NULL;
	current = NULL;
}
