/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tracker reads of a loaded object: program headers, notes, unwind tables,
 * expressions; and of its file: symbols. The image is a small sound one with holes
 * in it, in which the input changes bytes. Whatever it says, only its own segments
 * are read: a touch of a hole ends the fuzzer.
 */
#include "fuzz.h"

#include <elf.h>
#include <link.h>
#include <sys/stat.h>

#include "cfi.h"
#include "expr.h"
#include "headers.h"
#include "module.h"
#include "symtab.h"

enum {
	PAGE = 4096,
	PAGES = 8, /* every other one is a hole */
	HEADERS = 6,
	NOTES = 0x200,
	TABLE = 0x2000, /* .eh_frame_hdr, and .eh_frame behind it */
	FRAMES = 0x2080,
	CODE = 0x4000,
	FUNCTIONS = 4,
	FUNCTION_SIZE = 64,
};

static uint8_t sound[PAGES * PAGE], *image;

static void add_segment(unsigned i, uint32_t type, uint64_t address, uint64_t size)
{
	ElfW(Phdr)
		header = {.p_type = type, .p_offset = address, .p_vaddr = address, .p_filesz = size, .p_memsz = size};

	memcpy(sound + sizeof(ElfW(Ehdr)) + i * sizeof header, &header, sizeof header);
}

static void make_headers(void)
{
	ElfW(Ehdr) elf = {.e_type = ET_DYN,
	                  .e_phoff = sizeof elf,
	                  .e_phentsize = sizeof(ElfW(Phdr)),
	                  .e_phnum = HEADERS,
	                  .e_shoff = PAGE / 2,
	                  .e_shentsize = sizeof(ElfW(Shdr)),
	                  .e_shnum = 3};

	memcpy(elf.e_ident, ELFMAG, SELFMAG);
	elf.e_ident[EI_CLASS] = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
	memcpy(sound, &elf, sizeof elf);
	add_segment(0, PT_LOAD, 0, PAGE);
	add_segment(1, PT_LOAD, TABLE, PAGE);
	add_segment(2, PT_LOAD, CODE, PAGE);
	add_segment(3, PT_GNU_EH_FRAME, TABLE, 12 + 8 * FUNCTIONS);
	add_segment(4, PT_NOTE, NOTES, 36);
	add_segment(5, PT_PHDR, sizeof elf, HEADERS * sizeof(ElfW(Phdr)));
}

static void make_notes(void)
{
	const ElfW(Nhdr) note = {.n_namesz = 4, .n_descsz = 20, .n_type = NT_GNU_BUILD_ID};

	memcpy(sound + NOTES, &note, sizeof note);
	memcpy(sound + NOTES + sizeof note, "GNU", 4);
	memset(sound + NOTES + sizeof note + 4, 0x5a, note.n_descsz);
}

/* Symbols, and names behind them, as sections 1 and 2. */
static void make_symbols(void)
{
	const ElfW(Shdr) sections[3] = {
		{.sh_type = SHT_NULL},
		{.sh_type = SHT_SYMTAB,
	         .sh_offset = 0x900,
	         .sh_size = FUNCTIONS * sizeof(ElfW(Sym)),
	         .sh_entsize = sizeof(ElfW(Sym)),
	         .sh_link = 2},
		{.sh_type = SHT_STRTAB, .sh_offset = 0xa00, .sh_size = 16},
	};

	memcpy(sound + PAGE / 2, sections, sizeof sections);
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		const ElfW(Sym) symbol = {.st_name = 1 + 3 * i,
		                          .st_info = STT_FUNC,
		                          .st_shndx = 1,
		                          .st_value = CODE + i * FUNCTION_SIZE,
		                          .st_size = FUNCTION_SIZE};

		memcpy(sound + 0x900 + i * sizeof symbol, &symbol, sizeof symbol);
	}
	memcpy(sound + 0xa00, "\0aa\0_b\0cc\0dd", 13);
}

static void put32(size_t at, uint32_t value)
{
	memcpy(sound + at, &value, sizeof value);
}

/* One entry of .eh_frame: SIZE bytes behind its length. Returns where the next one begins. */
static size_t put_entry(size_t at, const uint8_t *content, uint32_t size)
{
	put32(at, size);
	memcpy(sound + at + 4, content, size);
	return at + 4 + size;
}

static void make_frames(void)
{
	/* Version 1, "zR", alignments 1 and -8, the return address's register, pc-relative in four bytes. */
	static const uint8_t cie[24] = {
		0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, LM_DWARF_RA, 1, 0x1b, 0x0c, LM_DWARF_SP, 8, 0x80 | LM_DWARF_RA, 1};
	static const uint8_t instructions[FUNCTIONS][16] = {
		{0x41, 0x0e, 16, 0x80 | LM_DWARF_FP, 2, 0x43, 0x0d, LM_DWARF_FP},
		{0x0a, 0x41, 0x0e, 32, 0x0b, 0x2e, 8, 0x12, LM_DWARF_FP, 0x7e},
		{0x0f, 6, 0x70 | LM_DWARF_SP, 8, 0x06, 0x23, 8, 0x22, 0x10, LM_DWARF_FP, 2, 0x30, 0x22},
		{0x0c, 3, 16, 0x05, 3, 2, 0x16, LM_DWARF_FP, 2, 0x12, 0x06, 0x02, 4, 0x07, LM_DWARF_RA},
	};
	size_t at = put_entry(FRAMES, cie, sizeof cie);

	memcpy(sound + TABLE, (const uint8_t[]){1, 0x1b, 0x03, 0x3b}, 4);
	put32(TABLE + 4, FRAMES - TABLE - 4);
	put32(TABLE + 8, FUNCTIONS);
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		uint32_t start = CODE + i * FUNCTION_SIZE;
		uint8_t fde[32] = {0};

		put32(TABLE + 12 + 8 * i, start - TABLE);
		put32(TABLE + 16 + 8 * i, (uint32_t)at - TABLE);
		memcpy(fde, (const uint32_t[]){(uint32_t)at + 4 - FRAMES, start - ((uint32_t)at + 8), FUNCTION_SIZE},
		       12);
		memcpy(fde + 13, instructions[i], sizeof instructions[i]);
		at = put_entry(at, fde, sizeof fde);
	}
}

static void prepare(void)
{
	make_headers();
	make_notes();
	make_symbols();
	make_frames();
	image = mmap(NULL, sizeof sound, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fuzz_assert(image != MAP_FAILED);
}

/* The sound image is read as what it is. Otherwise the fuzzer would not come far. */
static void check_sound(void)
{
	struct lm_loaded loaded = {.bias = (uintptr_t)image};
	struct lm_headers headers;
	struct lm_cfi_row row;

	memcpy(image, sound, sizeof sound);
	lm_image_flush();
	fuzz_assert(lm_headers_in_memory(&headers, (uintptr_t)image) == 0 && lm_headers_read(&headers, &loaded) == 0);
	fuzz_assert(loaded.build_id_size == 20 && loaded.image.count == 3);
	for (unsigned i = 0; i < FUNCTIONS; i++)
		fuzz_assert(lm_cfi_find(&loaded, (uintptr_t)image + CODE + i * FUNCTION_SIZE + 8, 3, &row) == 0);
}

/* Each three bytes of the input: which byte is another one, and which one. Behind a 0xff, four bytes are put at once.
 */
static void damage(const uint8_t *data, size_t len)
{
	memcpy(image, sound, sizeof sound);
	while (len >= 3) {
		size_t at = (data[0] & 7) * PAGE / 2 + data[1] * (data[0] & 8 ? 8 : 1);
		size_t bytes = data[0] & 16 && len >= 6 ? 4 : 1;

		memcpy(image + at % (sizeof sound - 4), data + 2, bytes);
		data += 2 + bytes;
		len -= 2 + bytes;
	}
}

static void set_holes(int protection)
{
	for (size_t i = 1; i < PAGES; i += 2)
		fuzz_assert(mprotect(image + i * PAGE, PAGE, protection) == 0);
	lm_image_flush();
}

static void evaluate(const uint8_t *expression, const uintptr_t *cfa)
{
	uintptr_t stack[16], result;
	const struct lm_registers r = {
		.pc = (uintptr_t)image + CODE, .sp = (uintptr_t)stack, .fp = (uintptr_t)&stack[8]};
	struct lm_extra extra = {.number = 3, .value = (uintptr_t)stack, .missing = LM_CFI_NO_EXTRA};

	for (unsigned i = 0; i < 16; i++)
		stack[i] = (uintptr_t)&stack[i];
	lm_expr_evaluate(expression, &r, &extra, cfa, &result);
}

static void unwind_at(const struct lm_loaded *loaded, uintptr_t pc)
{
	const uintptr_t cfa = pc;
	struct lm_cfi_row row;

	if (lm_cfi_find(loaded, pc, 3, &row) != 0)
		return;
	if (row.cfa_expression)
		evaluate(row.cfa_expression, NULL);
	for (unsigned i = 0; i < LM_CFI_REGISTERS; i++) {
		if (row.rule[i].how == LM_CFI_AT_EXPR || row.rule[i].how == LM_CFI_EXPR)
			evaluate(row.rule[i].expression, &cfa);
	}
}

static void read_image(void)
{
	struct lm_loaded loaded = {.bias = (uintptr_t)image};
	struct lm_headers headers;

	set_holes(PROT_NONE);
	if (lm_headers_in_memory(&headers, (uintptr_t)image) == 0 && lm_headers_read(&headers, &loaded) == 0) {
		fuzz_assert(loaded.start < loaded.end && loaded.build_id_size <= LM_BUILD_ID_MAX);
		for (unsigned at = 0; at < FUNCTIONS * FUNCTION_SIZE; at += 4)
			unwind_at(&loaded, (uintptr_t)image + CODE + at);
		unwind_at(&loaded, (uintptr_t)image);
		unwind_at(&loaded, UINTPTR_MAX);
	}
	set_holes(PROT_READ | PROT_WRITE);
}

static void read_symbols(void)
{
	char path[FUZZ_PATH_MAX];
	int fd = fuzz_file(image, sizeof sound, path);
	struct lm_module module = {.file = path};
	const struct lm_symtab *symtab;
	struct stat file;

	fuzz_assert(fstat(fd, &file) == 0);
	module.loaded.stamp = (struct lm_stamp){.device = file.st_dev,
	                                        .inode = file.st_ino,
	                                        .size = (uint64_t)file.st_size,
	                                        .seconds = file.st_mtim.tv_sec,
	                                        .nanoseconds = (uint32_t)file.st_mtim.tv_nsec};
	symtab = lm_symtab_open(&module);
	for (uint64_t at = 0; at < FUNCTIONS * FUNCTION_SIZE; at += FUNCTION_SIZE / 4) {
		uint64_t start = 0;
		const char *name = lm_symtab_find(symtab, CODE + at, &start);

		fuzz_assert(!name || (strlen(name) > 0 && start <= CODE + at));
	}
	lm_symtab_close(symtab);
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (!image) {
		prepare();
		check_sound();
	}
	damage(data, len);
	read_image();
	damage(data, len);
	read_symbols();
	return 0;
}
