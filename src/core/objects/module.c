/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See module.h. */
#include "module.h"

#include <limits.h>
#include <stddef.h>
#include <sys/auxv.h>

#include "arena.h"
#include "filter.h"
#include "map.h"
#include "path.h"
#include "signals.h"
#include "sys.h"
#include "trace_format.h"
#include "wait.h"

static struct lm_module *list;
static unsigned last_number, generation;
/* The dynamic loader's own code. If it calls the allocator, dlopen or dlclose may be at work. */
struct lm_module_watch lm_module_watch;

/* ---- the modules that are loaded ---- */

/* They are few, those that ever were can be many. So they have a table of their own. */
#define PLACES 62
struct places {
	struct lm_module *place[PLACES];
	struct places *next;
};
static struct places loaded_modules;

/* Walks over all: FOR_EACH(module) statement. */
#define FOR_EACH_LOADED(module)                                                                                        \
	for (struct places *places_ = &loaded_modules; places_; places_ = lm_load_acquire(&places_->next))             \
		for (unsigned i_ = 0; i_ < PLACES; i_++)                                                               \
			if (((module) = lm_load_acquire(&places_->place[i_])))

static struct lm_module *loaded_at(uintptr_t pc)
{
	struct lm_module *module;

	FOR_EACH_LOADED(module)
	{
		if (pc >= module->loaded.start && pc < module->loaded.end)
			return module;
	}
	return NULL;
}

static struct lm_module **take_place(struct places *places, struct lm_module *module)
{
	for (unsigned i = 0; i < PLACES; i++) {
		struct lm_module *empty = NULL;

		if (!lm_load(&places->place[i]) && lm_compare_exchange(&places->place[i], &empty, module))
			return &places->place[i];
	}
	return NULL;
}

/* Is there, or was there, a handle with this hash? So a release mostly needs one look. */
#define HANDLES 1024
static unsigned char has_handles[HANDLES];

static unsigned char *handles_like(const void *p)
{
	return &has_handles[(uintptr_t)p / 16 % HANDLES];
}

static void watch_handle(struct lm_module *module)
{
	const void *handle = lm_load(&module->loaded.handle);

	lm_store(&module->unloaded, 0);
	module->is_watched = handle && lm_filter_is_kept();
	if (!module->is_watched)
		return;
	lm_store(handles_like(handle), 1);
	lm_filter_add(handle);
}

static void unwatch_handle(struct lm_module *module)
{
	if (module->is_watched)
		lm_filter_remove(lm_load(&module->loaded.handle));
	module->is_watched = 0;
}

/* MODULE is loaded. 0, or -1 without memory. Only for the thread whose turn it is. */
static int enter(struct lm_module *module)
{
	for (struct places *places = &loaded_modules;;) {
		struct lm_module **place = take_place(places, module);
		struct places *next = lm_load_acquire(&places->next), *more;

		if (place) {
			lm_store(&module->place, place);
			watch_handle(module);
			lm_add(&generation, 1);
			return 0;
		}
		if (!next) {
			more = lm_arena_alloc(sizeof *more);
			if (!more)
				return -1;
			if (lm_compare_exchange(&places->next, &next, more))
				next = more;
		}
		places = next;
	}
}

/* MODULE was unloaded. Only the thread that empties its place gets a 1. */
static int leave(struct lm_module *module)
{
	struct lm_module *expected = module;

	if (!lm_compare_exchange(lm_load(&module->place), &expected, NULL))
		return 0;
	unwatch_handle(module);
	lm_add(&generation, 1);
	lm_store_release(&module->gone, 1);
	return 1;
}

/* ---- objects that come ---- */

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

/* The same file is back at the same address, so all that is known of it is right again. */
static struct lm_module *revived(const struct lm_loaded *like, const char *path)
{
	struct lm_module *module = lm_load_acquire(&list);

	for (; module; module = module->next) {
		int gone = 1;

		if (!lm_load_acquire(&module->gone) || !lm_loaded_is_same(&module->loaded, like) || !module->file ||
		    __builtin_strcmp(module->file, path) != 0)
			continue;
		if (!lm_compare_exchange(&module->gone, &gone, 0))
			continue;
		/* Another thread may just look whether it is there. */
		lm_store(&module->loaded.handle, like->handle);
		return module;
	}
	return NULL;
}

/* PATH is "" where there is none. */
static struct lm_module *added(const struct lm_loaded *loaded, const char *path)
{
	struct lm_module *module = lm_arena_alloc(sizeof *module);

	if (!module)
		return NULL;
	module->loaded = *loaded;
	module->number = lm_add(&last_number, 1);
	if (path[0])
		module->file = lm_arena_string(path);
	if (module->file)
		module->name = kept_escaped(module->file);
	module->next = lm_load(&list);
	while (!lm_compare_exchange(&list, &module->next, module))
		;
	return module;
}

/*
 * One thread at a time, so that an object is not added twice. A thread that died in here is not waited for long.
 * Signals are blocked: a handler that left by longjmp would leave its thread's turn behind.
 */
static int adding;
#define TURNS 250

static void take_turn(struct lm_signals *signals)
{
	lm_signals_block(signals);
	for (unsigned turn = 0; turn < TURNS && lm_exchange(&adding, 1); turn++)
		lm_wait_pause(turn);
}

static void end_turn(const struct lm_signals *signals)
{
	lm_store_release(&adding, 0);
	lm_signals_unblock(signals, 0);
}

/* Stacks may be short. */
struct room {
	struct lm_loaded loaded;
	char path[PATH_MAX];
};

/*
 * Finds the loader's pages, once. A static program has no loader. musl's is the libc
 * itself, which allocates all the time, and never unloads anything.
 */
static void find_loader(struct room *room)
{
#ifdef __GLIBC__
	uintptr_t base = (uintptr_t)getauxval(AT_BASE);
#else
	uintptr_t base = 0;
#endif

	if (!base || lm_load(&lm_module_watch.loader) || lm_loaded_find(base, &room->loaded, room->path) != 0)
		return;
	lm_store(&lm_module_watch.loader_size, room->loaded.end - room->loaded.start);
	lm_store_release(&lm_module_watch.loader, room->loaded.start);
}

static struct lm_module *found(uintptr_t pc, struct room *room)
{
	struct lm_signals signals;
	struct lm_module *module;

	find_loader(room);
	if (lm_loaded_find(pc, &room->loaded, room->path) != 0)
		return NULL;
	take_turn(&signals);
	/* Another thread may have added the object meanwhile. */
	module = loaded_at(pc);
	if (!module) {
		module = revived(&room->loaded, room->path);
		if (!module)
			module = added(&room->loaded, room->path);
		if (module && enter(module) != 0)
			module = NULL;
	}
	end_turn(&signals);
	return module;
}

struct lm_module *lm_module_find(uintptr_t pc)
{
	struct lm_module *module = loaded_at(pc);
	struct room *room;

	if (module || lm_loaded_is_nowhere(pc))
		return module;
	room = lm_sys_map(sizeof *room);
	if (!room)
		return NULL;
	module = found(pc, room);
	lm_sys_unmap(room, sizeof *room);
	return module;
}

/* The program was looked for. */
static int has_program;

struct lm_module *lm_module_known(uintptr_t pc)
{
	if (unlikely(!lm_load(&has_program))) {
		lm_store(&has_program, 1);
		lm_module_find((uintptr_t)getauxval(AT_ENTRY));
	}
	return loaded_at(pc);
}

const struct lm_module *lm_module_first(void)
{
	return lm_load_acquire(&list);
}

/* ---- objects that go ---- */

/* An object is added or taken away in one thread's turn, so that it is not taken for a new one in between. */
static int left_in_turn(struct lm_module *module)
{
	struct lm_signals signals;
	int result;

	take_turn(&signals);
	result = leave(module);
	end_turn(&signals);
	return result;
}

void lm_module_note_release(const void *p)
{
	struct lm_module *module;

	if (likely(!lm_load(handles_like(p))))
		return;
	FOR_EACH_LOADED(module)
	{
		if (lm_load(&module->loaded.handle) != p)
			continue;
		lm_store(&module->unloaded, 1);
		lm_store_release(&lm_module_watch.suspect, 1);
	}
}

void lm_module_watch_again(void)
{
	struct lm_module *module;

	FOR_EACH_LOADED(module)
	{
		watch_handle(module);
	}
}

int lm_module_check(int is_suspect)
{
	int distrusted = is_suspect && lm_exchange(&lm_module_watch.distrusted, 0), gone = 0;
	struct lm_loaded_look look;
	struct lm_module *module;

	lm_loaded_look_begin(&look, is_suspect);
	FOR_EACH_LOADED(module)
	{
		if ((distrusted && lm_load(&module->loaded.handle)) || lm_load(&module->unloaded) ||
		    !lm_loaded_is_there(&look, &module->loaded))
			gone |= left_in_turn(module);
	}
	lm_loaded_look_end(&look);
	if (gone)
		lm_image_flush();
	return gone;
}

void lm_module_renew(void)
{
	for (struct lm_module *module = lm_load_acquire(&list); module; module = module->next)
		lm_store(&module->announced, 0);
}

void lm_module_forked(void)
{
	adding = 0;
	lm_module_renew();
}

void lm_module_release(void)
{
	list = NULL;
	last_number = 0;
	has_program = adding = 0;
	__builtin_memset(&loaded_modules, 0, sizeof loaded_modules);
	__builtin_memset(has_handles, 0, sizeof has_handles);
	lm_module_watch = (struct lm_module_watch){0};
	lm_loaded_forget();
	lm_image_forget();
}

unsigned lm_module_generation(void)
{
	return lm_load(&generation);
}

/* ---- in the trace ---- */

/* Who reads the trace has to know whether the file at hand is the one that was traced. */
static void put_identity(struct lm_text *text, const struct lm_loaded *loaded)
{
	static const char digits[] = "0123456789abcdef";

	for (unsigned i = 0; i < loaded->build_id_size; i++) {
		lm_text_char(text, digits[loaded->build_id[i] >> 4]);
		lm_text_char(text, digits[loaded->build_id[i] & 15]);
	}
	if (loaded->build_id_size)
		return;
	if (!loaded->stamp.inode) {
		lm_text_char(text, '-');
		return;
	}
	lm_text_unsigned(text, loaded->stamp.size);
	lm_text_char(text, '@');
	lm_text_signed(text, loaded->stamp.seconds);
	lm_text_char(text, '.');
	for (uint32_t unit = 100000000; unit; unit /= 10)
		lm_text_char(text, (char)('0' + loaded->stamp.nanoseconds / unit % 10));
}

void lm_module_record(struct lm_text *text, const struct lm_module *module)
{
	lm_text_string(text, "# " LM_TRACE_MODULE " ");
	lm_text_hex(text, module->loaded.start);
	lm_text_char(text, '-');
	lm_text_hex(text, module->loaded.end);
	lm_text_char(text, ' ');
	lm_text_hex(text, module->loaded.offset);
	lm_text_char(text, ' ');
	put_identity(text, &module->loaded);
	lm_text_char(text, ' ');
}
