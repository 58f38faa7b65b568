/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See takeover.h. */
#include "takeover.h"
#include "array.h"
#include "machine.h"
#include "memory.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Memory is read in pieces of this size. */
enum { PIECE = 1 << 20, WORD = sizeof(uint64_t) };
#define TABLE_MAX ((uint64_t)1 << 28)
#define PAGE_REST ((uint64_t)4095)

/* ---- the functions ----------------------------------------------------------------- */

static bool is_interface(const char *name)
{
	static const char prefix[] = "log_malloc_";

	return strncmp(name, prefix, sizeof prefix - 1) == 0;
}

static int add_name(struct takeover_names *names, const Elf64_Sym *symbol, const char *name)
{
	struct takeover_pair *items;

	if (!name || !*name || symbol->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol->st_info) != STT_FUNC ||
	    is_interface(name))
		return 0;
	items = array_grow(names->items, &names->room, names->count + 1, sizeof *items);
	if (!items)
		return -ENOMEM;
	names->items = items;
	items[names->count] = (struct takeover_pair){.name = strdup(name)};
	return items[names->count++].name ? 0 : -ENOMEM;
}

/* Adds the names of the section, if it is the table of symbols. */
static int add_section(struct takeover_names *names, Elf *elf, Elf_Scn *section)
{
	Elf_Data *data;
	GElf_Shdr header;
	GElf_Sym symbol;
	int error = 0;

	if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM)
		return 0;
	data = elf_getdata(section, NULL);
	for (int i = 0; !error && data && gelf_getsym(data, i, &symbol); i++)
		error = add_name(names, &symbol, elf_strptr(elf, header.sh_link, symbol.st_name));
	return error;
}

int takeover_names(struct takeover_names *names, int file)
{
	Elf_Scn *section = NULL;
	int error = 0;
	Elf *elf;

	*names = (struct takeover_names){.count = 0};
	elf_version(EV_CURRENT);
	elf = elf_begin(file, ELF_C_READ, NULL);
	while (!error && elf && (section = elf_nextscn(elf, section)))
		error = add_section(names, elf, section);
	elf_end(elf);
	return error || names->count ? error : -EINVAL;
}

int takeover_names_loaded(struct takeover_names *names, const struct loaded *tracker)
{
	int error = 0;

	*names = (struct takeover_names){.count = 0};
	for (size_t i = 0; !error && i < tracker->symbol_count; i++)
		error = add_name(names, &tracker->symbols[i], loaded_symbol_name(tracker, i));
	return error;
}

void takeover_find(struct takeover_names *names, const struct loaded_list *list)
{
	const struct loaded *tracker = loaded_tracker(list);

	for (size_t i = 0; i < names->count; i++) {
		struct takeover_pair *pair = &names->items[i];
		const Elf64_Sym *symbol = tracker ? loaded_define(tracker, pair->name) : NULL;

		pair->real = loaded_find(list, pair->name, NULL);
		pair->ours = symbol ? loaded_address(tracker, symbol) : 0;
	}
}

static const struct takeover_pair *by_name(const struct takeover_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (strcmp(names->items[i].name, name) == 0)
			return names->items[i].real && names->items[i].ours ? &names->items[i] : NULL;
	}
	return NULL;
}

/* The range that the addresses of one side lie in: most words of memory are outside of it. */
struct range {
	uint64_t low, high;
};

static struct range range_of(const struct takeover_names *names, bool real)
{
	struct range range = {UINT64_MAX, 0};

	for (size_t i = 0; i < names->count; i++) {
		uint64_t address = real ? names->items[i].real : names->items[i].ours;

		if (!address)
			continue;
		range.low = address < range.low ? address : range.low;
		range.high = address > range.high ? address : range.high;
	}
	return range;
}

/* The function whose address VALUE is, the real one's if TO_OURS, else ours; or NULL. */
static const struct takeover_pair *by_address(const struct takeover_names *names, uint64_t value, bool to_ours)
{
	for (size_t i = 0; i < names->count; i++) {
		const struct takeover_pair *pair = &names->items[i];

		if (value && value == (to_ours ? pair->real : pair->ours))
			return pair;
	}
	return NULL;
}

/* ---- words in memory ------------------------------------------------------------------ */

/* What is done with each word between START and END that has one of the addresses. */
typedef int (*word_job)(void *context, uint64_t at, uint64_t value);

static int each_word(pid_t pid, uint64_t start, uint64_t end, const struct range *range, word_job job, void *context)
{
	static uint64_t words[PIECE / WORD];
	int error = 0;

	start = (start + WORD - 1) & ~(uint64_t)(WORD - 1);
	while (!error && start < end) {
		size_t want = end - start < sizeof words ? (size_t)(end - start) : sizeof words;
		size_t got = memory_read(pid, start, words, want) / WORD;

		for (size_t i = 0; !error && i < got; i++) {
			if (words[i] >= range->low && words[i] <= range->high)
				error = job(context, start + i * WORD, words[i]);
		}
		/* A page that can't be read is passed over. */
		start += got ? got * WORD : 4096;
	}
	return error;
}

struct search {
	struct takeover_found *found;
	const struct takeover_names *names;
	bool to_ours;
};

static int keep_place(void *context, uint64_t at, uint64_t value)
{
	struct search *search = context;
	struct takeover_found *found = search->found;
	uint64_t *items;

	if (!by_address(search->names, value, search->to_ours))
		return 0;
	items = array_grow(found->items, &found->room, found->count + 1, sizeof *items);
	if (!items)
		return -ENOMEM;
	found->items = items;
	items[found->count++] = at;
	return 0;
}

/* Private memory without a file, which can be written to, and is no object's. */
static bool is_searched(const struct region *region, const struct loaded_list *list)
{
	return region->readable && region->writable && !region->shared && !region->inode &&
	       !loaded_at(list, region->start);
}

int takeover_search(struct takeover_found *found, const struct takeover_names *names, const struct loaded_list *list,
                    const struct regions *regions, bool to_ours)
{
	struct search search = {found, names, to_ours};
	struct range range = range_of(names, to_ours);
	int error = 0;

	*found = (struct takeover_found){.count = 0};
	for (size_t i = 0; !error && i < regions->count; i++) {
		const struct region *region = &regions->items[i];

		if (is_searched(region, list))
			error = each_word(list->pid, region->start, region->end, &range, keep_place, &search);
	}
	if (error)
		free(found->items);
	return error;
}

/* ---- changing ---------------------------------------------------------------------------- */

struct change {
	int memory;
	const struct takeover_names *names;
	bool to_ours;
	size_t count;
};

static int put(struct change *change, uint64_t at, uint64_t value)
{
	int error = memory_put(change->memory, at, &value, sizeof value);

	change->count += !error;
	return error;
}

static int change_word(void *context, uint64_t at, uint64_t value)
{
	struct change *change = context;
	const struct takeover_pair *pair = by_address(change->names, value, change->to_ours);
	const uint64_t other = !pair ? 0 : change->to_ours ? pair->ours : pair->real;

	return other ? put(change, at, other) : 0;
}

/*
 * Does VALUE lead back into OBJECT, as that of a call which was not resolved yet? The object's own function of that
 * name stays what it is.
 */
static bool is_unresolved(const struct loaded_list *list, const struct loaded *object, const char *name, uint64_t value)
{
	return loaded_at(list, value) == object && !loaded_define(object, name);
}

struct slots {
	struct change *change;
	const struct loaded_list *list;
	const struct loaded *object;
};

static int change_slot(const struct slots *slots, const Elf64_Rela *relocation)
{
	const bool is_lazy = machine_is_jump_slot((uint32_t)ELF64_R_TYPE(relocation->r_info));
	const uint64_t at = slots->object->base + relocation->r_offset;
	const char *name = loaded_symbol_name(slots->object, ELF64_R_SYM(relocation->r_info));
	const struct takeover_pair *pair;
	uint64_t value, from, to;

	if (!is_lazy && !machine_is_address((uint32_t)ELF64_R_TYPE(relocation->r_info)))
		return 0;
	pair = by_name(slots->change->names, name);
	if (!pair || memory_read(slots->list->pid, at, &value, sizeof value) != sizeof value)
		return 0;
	from = slots->change->to_ours ? pair->real : pair->ours;
	to = slots->change->to_ours ? pair->ours : pair->real;
	if (value == from ||
	    (slots->change->to_ours && is_lazy && is_unresolved(slots->list, slots->object, name, value)))
		return put(slots->change, at, to);
	return 0;
}

static int change_table(const struct slots *slots, const struct loaded_table *table)
{
	Elf64_Rela *relocations = table->size && table->size < TABLE_MAX ? malloc(table->size) : NULL;
	size_t count;
	int error = 0;

	if (!relocations)
		return 0;
	count = memory_read(slots->list->pid, table->at, relocations, table->size) / sizeof *relocations;
	for (size_t i = 0; !error && i < count; i++)
		error = change_slot(slots, &relocations[i]);
	free(relocations);
	return error;
}

/* The tables come first: their symbols tell functions apart that have one address, such as memalign and aligned_alloc.
 */
static int change_objects(struct change *change, const struct loaded_list *list)
{
	int error = 0;

	for (size_t i = 0; !error && i < list->count; i++) {
		struct slots slots = {change, list, &list->items[i]};

		if (slots.object->is_tracker)
			continue;
		error = change_table(&slots, &slots.object->lazy);
		if (!error)
			error = change_table(&slots, &slots.object->relocations);
	}
	return error;
}

static int change_pointers(struct change *change, const struct loaded_list *list)
{
	struct range range = range_of(change->names, change->to_ours);
	int error = 0;

	for (size_t i = 0; !error && i < list->count; i++) {
		const struct loaded *object = &list->items[i];

		for (size_t j = 0; !error && !object->is_tracker && j < object->segment_count; j++) {
			const struct loaded_segment *segment = &object->segments[j];

			/* musl's heap has what is left of the segment's pages. */
			if (segment->writable)
				error = each_word(list->pid, segment->start & ~PAGE_REST,
				                  (segment->end + PAGE_REST) & ~PAGE_REST, &range, change_word, change);
		}
	}
	return error;
}

/* A place in memory that was freed meanwhile can be unmapped: that is no trouble. */
static void change_found(struct change *change, const struct loaded_list *list, const struct takeover_found *found)
{
	uint64_t value;

	for (size_t i = 0; i < found->count; i++) {
		if (memory_read(list->pid, found->items[i], &value, sizeof value) == sizeof value)
			change_word(change, found->items[i], value);
	}
}

int takeover(const struct takeover_names *names, const struct takeover_found *found, const struct loaded_list *list,
             bool to_ours, struct takeover_count *count)
{
	struct change change = {.memory = memory_open(list->pid), .names = names, .to_ours = to_ours};
	int error;

	*count = (struct takeover_count){.slots = 0};
	if (change.memory < 0)
		return change.memory;
	error = change_objects(&change, list);
	count->slots = change.count;
	if (!error)
		error = change_pointers(&change, list);
	if (!error)
		change_found(&change, list, found);
	count->pointers = change.count - count->slots;
	close(change.memory);
	return error;
}

/* ---- has it been done? ---------------------------------------------------------------------- */

static bool table_leads_to_ours(const struct takeover_names *names, const struct loaded_list *list,
                                const struct loaded *object, const struct loaded_table *table)
{
	Elf64_Rela *relocations = table->size && table->size < TABLE_MAX ? malloc(table->size) : NULL;
	size_t count =
		relocations ? memory_read(list->pid, table->at, relocations, table->size) / sizeof *relocations : 0;
	bool found = false;

	for (size_t i = 0; !found && i < count; i++) {
		const struct takeover_pair *pair =
			by_name(names, loaded_symbol_name(object, ELF64_R_SYM(relocations[i].r_info)));
		uint64_t value;

		found = pair &&
		        memory_read(list->pid, object->base + relocations[i].r_offset, &value, sizeof value) ==
		                sizeof value &&
		        value == pair->ours;
	}
	free(relocations);
	return found;
}

bool takeover_is_done(const struct takeover_names *names, const struct loaded_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct loaded *object = &list->items[i];

		if (!object->is_tracker && (table_leads_to_ours(names, list, object, &object->lazy) ||
		                            table_leads_to_ours(names, list, object, &object->relocations)))
			return true;
	}
	return false;
}

void takeover_free(struct takeover_names *names, struct takeover_found *found)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i].name);
	free(names->items);
	free(found->items);
	*names = (struct takeover_names){.count = 0};
	*found = (struct takeover_found){.count = 0};
}
