/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See module.h. */
#include "module.h"

#include <dlfcn.h>
#include <elf.h>
#include <limits.h>
#include <link.h>
#include <sys/auxv.h>

#include "arena.h"
#include "atomic.h"
#include "path.h"
#include "sys.h"
#include "trace_format.h"
#include "wait.h"

static struct lm_module *list;
static unsigned last_pass, last_number;
static unsigned long long known_adds, known_subs;
/* The dynamic loader's own code. If it calls the allocator, dlopen or dlclose may be at work. */
struct lm_module_watch lm_module_watch;

/* ---- the loader's list ---- */

static struct {
	int readers; /* threads that read it just now */
	int forks;   /* threads that are about to fork */
	int barred;  /* fork may have left its lock held by a thread that no longer exists */
} loader;

/* Pauses until another thread's turn is not waited for any longer: that thread might be waiting for us. */
#define TURNS 250

/* 0, or -1: not now. */
static int read_list(int (*visitor)(struct dl_phdr_info *, size_t, void *), void *data)
{
	int refused;

	if (loader.barred)
		return -1;
	for (unsigned turn = 0; turn < TURNS && lm_load(&loader.forks); turn++)
		lm_wait_pause(turn);
	lm_add(&loader.readers, 1);
	refused = lm_load_ordered(&loader.forks) ? -1 : 0;
	if (!refused)
		dl_iterate_phdr(visitor, data);
	lm_add(&loader.readers, -1);
	return refused;
}

void lm_module_before_fork(void)
{
	lm_add(&loader.forks, 1);
	for (unsigned turn = 0; turn < TURNS && lm_load_ordered(&loader.readers); turn++)
		lm_wait_pause(turn);
}

void lm_module_after_fork(void)
{
	lm_add(&loader.forks, -1);
}

void lm_module_forked(int is_list_safe)
{
	loader.barred = !is_list_safe || loader.readers;
	loader.readers = loader.forks = 0;
	for (struct lm_module *module = list; module; module = module->next)
		module->announced = 0;
}

/* ---- objects ---- */

/* What dl_iterate_phdr() says of one object, as far as we need it. */
static void read_segments(struct lm_module *module, const struct dl_phdr_info *info)
{
	uintptr_t page = (uintptr_t)getauxval(AT_PAGESZ) - 1;
	int first = 1;

	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t start = (info->dlpi_addr + segment->p_vaddr) & ~page;
		uintptr_t end = (info->dlpi_addr + segment->p_vaddr + segment->p_memsz + page) & ~page;

		if (segment->p_type == PT_GNU_EH_FRAME)
			module->eh_frame_hdr = (const uint8_t *)(info->dlpi_addr + segment->p_vaddr);
		if (segment->p_type != PT_LOAD)
			continue;
		if (first || start < module->start) {
			module->start = start;
			module->offset = segment->p_offset & ~(uint64_t)page;
		}
		if (end > module->end)
			module->end = end;
		first = 0;
	}
}

static void read_build_id(struct lm_module *module, const uint8_t *notes, size_t size)
{
	while (size >= sizeof(ElfW(Nhdr))) {
		const ElfW(Nhdr) *note = (const void *)notes;
		size_t name = (note->n_namesz + 3u) & ~3u, content = (note->n_descsz + 3u) & ~3u;

		if (name + content > size - sizeof *note)
			return;
		if (note->n_type == NT_GNU_BUILD_ID && note->n_namesz == 4 && note->n_descsz <= LM_BUILD_ID_MAX &&
		    __builtin_memcmp(note + 1, "GNU", 4) == 0) {
			module->build_id_size = note->n_descsz;
			__builtin_memcpy(module->build_id, (const uint8_t *)(note + 1) + name, note->n_descsz);
			return;
		}
		notes += sizeof *note + name + content;
		size -= sizeof *note + name + content;
	}
}

static void read_notes(struct lm_module *module, const struct dl_phdr_info *info)
{
	for (int i = 0; i < info->dlpi_phnum && !module->build_id_size; i++) {
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			read_build_id(module, (const uint8_t *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
			              info->dlpi_phdr[i].p_memsz);
	}
}

static char *kept_escaped(const char *path)
{
	/* Four bytes for each at most. */
	size_t room = 4 * __builtin_strlen(path) + 1;
	char *copy = lm_arena_alloc(room);
	struct lm_text text;

	if (!copy)
		return NULL;
	text = (struct lm_text){copy, copy + room - 1};
	lm_text_path(&text, path);
	*text.at = '\0';
	return copy;
}

/* How libcs name the program itself: glibc by "", musl's static libc by the kernel's link. */
static int is_program(const char *name)
{
	return name[0] == '\0' || __builtin_strcmp(name, "/proc/self/exe") == 0;
}

/* A library is named as it was asked for; the vdso has no file. 0 with PATH (PATH_MAX bytes), or -1. */
static int find_path(char *path, const char *name)
{
	if (is_program(name))
		return lm_path_exe(path, PATH_MAX);
	if (__builtin_strchr(name, '/'))
		return lm_path_absolute(path, PATH_MAX, name);
	return -1;
}

static struct lm_module *listed(uintptr_t pc)
{
	struct lm_module *module = lm_load_acquire(&list);

	for (; module; module = module->next) {
		if (pc >= module->start && pc < module->end && !lm_load(&module->gone))
			return module;
	}
	return NULL;
}

static int are_same(const struct lm_module *a, const struct lm_module *b)
{
	return a->start == b->start && a->end == b->end && a->bias == b->bias && lm_module_is_same_build(a, b);
}

static struct lm_module *known(const struct lm_module *like)
{
	struct lm_module *module = lm_load_acquire(&list);

	for (; module; module = module->next) {
		if (are_same(module, like) && !lm_load(&module->gone))
			return module;
	}
	return NULL;
}

/* The same file is back at the same address, so all that is known of it is right again. Only a build-id proves that. */
static struct lm_module *revived(const struct lm_module *like, const char *path)
{
	struct lm_module *module = lm_load_acquire(&list);

	for (; module; module = module->next) {
		if (!like->build_id_size || !module->file || !are_same(module, like) ||
		    __builtin_strcmp(module->file, path) != 0)
			continue;
		lm_store(&module->gone, 0);
		return module;
	}
	return NULL;
}

/* PATH is NULL where there is none. */
static struct lm_module *added(const struct lm_module *found, const char *path)
{
	struct lm_module *module = lm_arena_alloc(sizeof *module);

	if (!module)
		return NULL;
	*module = *found;
	module->number = lm_add(&last_number, 1);
	if (path)
		module->file = lm_arena_string(path);
	if (module->file)
		module->name = kept_escaped(module->file);
	module->next = lm_load(&list);
	while (!lm_compare_exchange(&list, &module->next, module))
		;
	return module;
}

static struct lm_module *revived_or_added(const struct lm_module *found, const char *name)
{
	/* Stacks may be short. */
	char *room = lm_sys_map(PATH_MAX), *path = room && find_path(room, name) == 0 ? room : NULL;
	struct lm_module *module = path ? revived(found, path) : NULL;

	if (!module)
		module = added(found, path);
	if (room)
		lm_sys_unmap(room, PATH_MAX);
	return module;
}

struct pass {
	unsigned number;
	unsigned long long adds, subs;
};

/* One object of the loader's list. The loader holds its lock during a pass, so there is one pass at a time. */
static int visit(struct dl_phdr_info *info, size_t size, void *data)
{
	struct pass *pass = data;
	struct lm_module found = {.bias = info->dlpi_addr};
	struct lm_module *module;

	if (!pass->number) {
		pass->number = lm_add(&last_pass, 1);
		if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs) {
			pass->adds = info->dlpi_adds;
			pass->subs = info->dlpi_subs;
		}
	}
	read_segments(&found, info);
	if (found.start == found.end)
		return 0;
	read_notes(&found, info);
	module = known(&found);
	if (!module)
		module = revived_or_added(&found, info->dlpi_name ? info->dlpi_name : "");
	if (module)
		lm_store(&module->seen, pass->number);
	return 0;
}

/*
 * The program as the kernel described it: a static one allocates before its
 * libc has a list of objects.
 */
static void add_program(unsigned pass)
{
	struct dl_phdr_info info = {0};
	struct lm_module found = {0};
	uintptr_t headers = (uintptr_t)getauxval(AT_PHDR);
	const ElfW(Ehdr) *elf = (const void *)(headers & ~((uintptr_t)getauxval(AT_PAGESZ) - 1));

	if (!headers || __builtin_memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 ||
	    (uintptr_t)elf + elf->e_phoff != headers)
		return;
	info.dlpi_addr = elf->e_type == ET_DYN ? (uintptr_t)elf : 0;
	info.dlpi_phdr = (const void *)headers;
	info.dlpi_phnum = (ElfW(Half))getauxval(AT_PHNUM);
	read_segments(&found, &info);
	if (found.start == found.end)
		return;
	found.bias = info.dlpi_addr;
	read_notes(&found, &info);
	found.seen = pass;
	revived_or_added(&found, "");
}

/* ---- objects of other namespaces ---- */

#ifdef DLFO_STRUCT_HAS_EH_DBASE

extern __typeof__(_dl_find_object) _dl_find_object __attribute__((weak));

/* The smallest page that there is. */
#define PAGE ((size_t)4096)

/* Finds the object that PC lies in, of whatever namespace. Takes no lock. 0, or -1. */
static int find_anywhere(uintptr_t pc, struct dl_phdr_info *info)
{
	struct dl_find_object object;
	const ElfW(Ehdr) * elf;

	if (!_dl_find_object || _dl_find_object((void *)pc, &object) != 0 || !object.dlfo_link_map)
		return -1;
	/* Headers that do not lie in the first page are nothing that a linker makes. */
	elf = object.dlfo_map_start;
	if (!lm_sys_readable((uintptr_t)elf) || __builtin_memcmp(elf->e_ident, ELFMAG, SELFMAG) != 0 ||
	    elf->e_phentsize != sizeof(ElfW(Phdr)) || elf->e_phoff > PAGE ||
	    elf->e_phnum > (PAGE - elf->e_phoff) / sizeof(ElfW(Phdr)))
		return -1;
	info->dlpi_addr = object.dlfo_link_map->l_addr;
	info->dlpi_name = object.dlfo_link_map->l_name;
	info->dlpi_phdr = (const void *)((const char *)elf + elf->e_phoff);
	info->dlpi_phnum = elf->e_phnum;
	return 0;
}

#else

static int find_anywhere(uintptr_t pc, struct dl_phdr_info *info)
{
	(void)pc;
	(void)info;
	return -1;
}

#endif

/* What can be said of the object that PC lies in, of whatever namespace. 0, or -1; INFO has its name. */
static int read_anywhere(uintptr_t pc, struct lm_module *module, struct dl_phdr_info *info)
{
	if (find_anywhere(pc, info) != 0)
		return -1;
	module->bias = info->dlpi_addr;
	module->elsewhere = 1;
	read_segments(module, info);
	if (pc < module->start || pc >= module->end)
		return -1;
	read_notes(module, info);
	return 0;
}

/* The object that PC lies in, which is not on the loader's list of our namespace; or NULL. */
static struct lm_module *found_elsewhere(uintptr_t pc)
{
	struct dl_phdr_info info = {0};
	struct lm_module found = {0}, *module;

	if (read_anywhere(pc, &found, &info) != 0)
		return NULL;
	found.seen = lm_add(&last_pass, 1);
	module = revived_or_added(&found, info.dlpi_name ? info.dlpi_name : "");
	if (module)
		lm_store(&module->elsewhere, 1);
	return module;
}

static int is_still_elsewhere(const struct lm_module *module)
{
	struct dl_phdr_info info = {0};
	struct lm_module now = {0};

	return lm_load(&module->elsewhere) && !lm_load(&module->gone) &&
	       read_anywhere(module->start, &now, &info) == 0 && are_same(module, &now);
}

/* ---- the list ---- */

static void find_loader(void)
{
	uintptr_t base = (uintptr_t)getauxval(AT_BASE);

	for (const struct lm_module *module = list; base && module; module = module->next) {
		if (module->start != base)
			continue;
		lm_store(&lm_module_watch.loader, module->start);
		lm_store(&lm_module_watch.loader_size, module->end - module->start);
	}
}

/* Reads the loader's list anew. */
static void refresh(void)
{
	struct pass pass = {0};

	if (read_list(visit, &pass) != 0)
		return;
	if (!listed((uintptr_t)getauxval(AT_PHDR)))
		add_program(pass.number);
	lm_store(&known_adds, pass.adds);
	lm_store(&known_subs, pass.subs);
	for (struct lm_module *module = lm_load_acquire(&list); module; module = module->next) {
		if (lm_load(&module->seen) < pass.number && !is_still_elsewhere(module))
			lm_store(&module->gone, 1);
	}
	if (!lm_load(&lm_module_watch.loader))
		find_loader();
}

struct counts {
	unsigned long long adds, subs;
};

static int read_counts(struct dl_phdr_info *info, size_t size, void *data)
{
	struct counts *counts = data;

	if (size >= offsetof(struct dl_phdr_info, dlpi_subs) + sizeof info->dlpi_subs) {
		counts->adds = info->dlpi_adds;
		counts->subs = info->dlpi_subs;
	}
	return 1;
}

int lm_module_is_same_build(const struct lm_module *a, const struct lm_module *b)
{
	return a->build_id_size == b->build_id_size &&
	       __builtin_memcmp(a->build_id, b->build_id, a->build_id_size) == 0;
}

const struct lm_module *lm_module_first(void)
{
	return lm_load_acquire(&list);
}

unsigned lm_module_number(uintptr_t pc)
{
	const struct lm_module *module = listed(pc);

	return module ? module->number : 0;
}

struct lm_module *lm_module_find(uintptr_t pc)
{
	struct lm_module *module = listed(pc);
	struct counts now = {0, 0};

	if (module)
		return module;
	/* Code that a program generated lies in no object. So the list is read again only if objects came. */
	if (read_list(read_counts, &now) != 0)
		return found_elsewhere(pc);
	/* Another thread may have added the object while this one waited for the loader's lock. */
	module = listed(pc);
	if (module)
		return module;
	if (lm_load(&list) && now.adds == lm_load(&known_adds))
		return found_elsewhere(pc);
	refresh();
	module = listed(pc);
	return module ? module : found_elsewhere(pc);
}

int lm_module_check(void)
{
	struct counts now = {0, 0};
	unsigned long long subs = lm_load(&known_subs);

	if (read_list(read_counts, &now) != 0) {
		lm_store(&lm_module_watch.suspect, !loader.barred);
		return 0;
	}
	if (now.subs == subs && now.adds == lm_load(&known_adds))
		return 0;
	refresh();
	return now.subs != subs;
}

unsigned lm_module_generation(void)
{
	return lm_load(&last_pass);
}

void lm_module_record(struct lm_text *text, const struct lm_module *module)
{
	static const char digits[] = "0123456789abcdef";

	lm_text_string(text, "# " LM_TRACE_MODULE " ");
	lm_text_hex(text, module->start);
	lm_text_char(text, '-');
	lm_text_hex(text, module->end);
	lm_text_char(text, ' ');
	lm_text_hex(text, module->offset);
	lm_text_char(text, ' ');
	for (unsigned i = 0; i < module->build_id_size; i++) {
		lm_text_char(text, digits[module->build_id[i] >> 4]);
		lm_text_char(text, digits[module->build_id[i] & 15]);
	}
	if (!module->build_id_size)
		lm_text_char(text, '-');
	lm_text_char(text, ' ');
}
