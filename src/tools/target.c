/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See target.h. Only log-malloc asks; files are opened for reading, nothing is run. */
#include "target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The kernel follows four "#!" lines, of which it reads this much. */
#define SCRIPT_DEPTH 4
#define SCRIPT_LINE  256

/* How the program says that the tracker is linked in: the wrap archive carries this note. */
#define NOTE_OWNER "log-malloc2"
#define NOTE_TYPE  1

#define SHELL "/bin/sh"

/* What a file's ELF headers say. */
struct elf_facts {
	int is_elf;
	unsigned char class, data;
	unsigned machine;
	char interp[PATH_MAX]; /* empty: none */
	int linked;            /* has the tracker's note */
	int asan;              /* built with AddressSanitizer */
};

enum libc { LIBC_UNKNOWN, LIBC_GNU, LIBC_MUSL };

static enum target_verdict say(struct target *target, enum target_verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static enum target_verdict say(struct target *target, enum target_verdict verdict, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(target->reason, sizeof target->reason, fmt, args);
	va_end(args);
	return verdict;
}

/* ---- the path ------------------------------------------------------------- */

/* 0, or the errno that running PATH would end with. */
static int runnable(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

int target_search(char *found, const char *name)
{
	const char *path = getenv("PATH");
	int worst = ENOENT;

	if (!*name)
		return ENOENT;
	if (strchr(name, '/'))
		return snprintf(found, PATH_MAX, "%s", name) < PATH_MAX ? runnable(found) : ENAMETOOLONG;
	if (!path)
		path = "/bin:/usr/bin";
	for (;;) {
		size_t len = strcspn(path, ":");
		int n = snprintf(found, PATH_MAX, "%.*s/%s", len ? (int)len : 1, len ? path : ".", name);
		int error = n < PATH_MAX ? runnable(found) : ENAMETOOLONG;

		if (!error)
			return 0;
		/* One that may not be run is the better news than one that is not there. */
		if (error == EACCES)
			worst = EACCES;
		if (!path[len])
			return worst;
		path += len + 1;
	}
}

static enum target_verdict not_found(struct target *target, int error, const char *what)
{
	if (error == ENOENT || error == ENOTDIR)
		return say(target, TARGET_MISSING, "%s: %s", what,
		           strchr(what, '/') ? strerror(ENOENT) : "command not found");
	return say(target, TARGET_NOEXEC, "%s: %s", what, strerror(error));
}

/* ---- "#!" ----------------------------------------------------------------- */

/*
 * Behind "#!/usr/bin/env" stands the command that counts: the first word that
 * is neither an option nor an assignment. Returns NULL if there is none.
 */
static char *env_command(char *arguments)
{
	char *rest = NULL, *word;

	for (word = strtok_r(arguments, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
		if (word[0] == '-' && word[1] == 'S' && word[2])
			word += 2;
		if (word[0] != '-' && !strchr(word, '='))
			return word;
	}
	return NULL;
}

/*
 * If FD is a script, puts the interpreter into NAME (SCRIPT_LINE bytes) and
 * returns 1. A name without a slash is one that env will look for.
 */
static int script_interpreter(int fd, char *name)
{
	char line[SCRIPT_LINE + 1];
	ssize_t n = pread(fd, line, SCRIPT_LINE, 0);
	const char *base;
	char *end, *command;

	if (n < 2 || line[0] != '#' || line[1] != '!')
		return 0;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	command = line + 2 + strspn(line + 2, " \t");
	end = command + strcspn(command, " \t");
	if (*end)
		*end++ = '\0';
	base = strrchr(command, '/');
	if (base && strcmp(base, "/env") == 0 && runnable(command) == 0) {
		char *inner = env_command(end);

		command = inner ? inner : command;
	}
	memmove(name, command, strlen(command) + 1);
	return 1;
}

/* ---- ELF ------------------------------------------------------------------ */

static int has_note(Elf *elf, const GElf_Phdr *phdr)
{
	Elf_Data *notes = elf_getdata_rawchunk(elf, (int64_t)phdr->p_offset, phdr->p_filesz,
	                                       phdr->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while (notes && (at = gelf_getnote(notes, at, &note, &name, &desc)) > 0)
		if (note.n_type == NOTE_TYPE && note.n_namesz == sizeof NOTE_OWNER &&
		    memcmp((const char *)notes->d_buf + name, NOTE_OWNER, sizeof NOTE_OWNER) == 0)
			return 1;
	return 0;
}

static void read_interp(Elf *elf, const GElf_Phdr *phdr, struct elf_facts *facts)
{
	Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)phdr->p_offset, phdr->p_filesz, ELF_T_BYTE);

	/* One that can't be read is still one. */
	snprintf(facts->interp, sizeof facts->interp, "%.*s", data ? (int)data->d_size : 1,
	         data ? (const char *)data->d_buf : "?");
}

/* Linked with or against AddressSanitizer's runtime, of gcc or clang. */
static int has_asan(Elf *elf)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	GElf_Sym symbol;

	while ((section = elf_nextscn(elf, section))) {
		Elf_Data *symbols;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_DYNSYM)
			continue;
		symbols = elf_getdata(section, NULL);
		for (int i = 0; symbols && gelf_getsym(symbols, i, &symbol); i++) {
			const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);

			if (name && strcmp(name, "__asan_init") == 0)
				return 1;
		}
	}
	return 0;
}

static void read_elf(int fd, struct elf_facts *facts)
{
	size_t count = 0;
	GElf_Ehdr ehdr;
	GElf_Phdr phdr;
	Elf *elf;

	memset(facts, 0, sizeof *facts);
	elf_version(EV_CURRENT);
	elf = elf_begin(fd, ELF_C_READ, NULL);
	if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &ehdr)) {
		facts->is_elf = 1;
		facts->class = ehdr.e_ident[EI_CLASS];
		facts->data = ehdr.e_ident[EI_DATA];
		facts->machine = ehdr.e_machine;
		elf_getphdrnum(elf, &count);
	}
	for (size_t i = 0; i < count && gelf_getphdr(elf, (int)i, &phdr); i++) {
		if (phdr.p_type == PT_INTERP)
			read_interp(elf, &phdr, facts);
		else if (phdr.p_type == PT_NOTE && !facts->linked)
			facts->linked = has_note(elf, &phdr);
	}
	facts->asan = facts->is_elf && facts->interp[0] && has_asan(elf);
	elf_end(elf);
}

/* This program and the library are built together: what it runs on, the library does. */
static const struct elf_facts *own_facts(void)
{
	static struct elf_facts facts;
	int fd;

	if (facts.is_elf)
		return &facts;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		read_elf(fd, &facts);
		close(fd);
	}
	return &facts;
}

static const char *machine_name(unsigned machine, char *number, size_t size)
{
	static const struct {
		unsigned machine;
		const char *name;
	} names[] = {{EM_X86_64, "x86-64"}, {EM_386, "i386"},     {EM_AARCH64, "aarch64"}, {EM_ARM, "arm"},
	             {EM_RISCV, "riscv"},   {EM_PPC64, "ppc64"},  {EM_PPC, "ppc"},         {EM_S390, "s390"},
	             {EM_MIPS, "mips"},     {EM_SPARCV9, "sparc"}};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (names[i].machine == machine)
			return names[i].name;
	snprintf(number, size, "ELF machine %u", machine);
	return number;
}

static enum libc libc_of(const char *interp)
{
	const char *base = strrchr(interp, '/');

	base = base ? base + 1 : interp;
	if (strncmp(base, "ld-musl", 7) == 0)
		return LIBC_MUSL;
	if (strncmp(base, "ld-linux", 8) == 0 || strncmp(base, "ld64.so", 7) == 0 || strncmp(base, "ld.so", 5) == 0)
		return LIBC_GNU;
	return LIBC_UNKNOWN;
}

/* ---- the verdict ---------------------------------------------------------- */

static int same_file(const char *a, const char *b)
{
	struct stat first, second;

	return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

/* Programs that start with other rights than the caller's: the loader ignores LD_PRELOAD for them. */
static enum target_verdict check_privileges(struct target *target, int fd)
{
	const struct passwd *owner;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return TARGET_PRELOAD;
	if ((st.st_mode & S_ISUID) && st.st_uid != getuid()) {
		owner = getpwuid(st.st_uid);
		return say(target, TARGET_REFUSED,
		           "%s is set-user-id, and the loader ignores LD_PRELOAD for it: trace it as user %s, "
		           "or trace a copy without that bit",
		           target->program, owner ? owner->pw_name : "that owns it");
	}
	if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st.st_gid != getgid())
		return say(target, TARGET_REFUSED,
		           "%s is set-group-id, and the loader ignores LD_PRELOAD for it: trace a copy without that "
		           "bit",
		           target->program);
	if (geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0)
		return say(target, TARGET_REFUSED,
		           "%s has file capabilities, and the loader ignores LD_PRELOAD for it: trace it as root, "
		           "or trace a copy of it (cp leaves them out)",
		           target->program);
	return TARGET_PRELOAD;
}

static enum target_verdict check_machine(struct target *target, const struct elf_facts *facts)
{
	const struct elf_facts *own = own_facts();
	char theirs[32], ours[32];

	if (!own->is_elf || (own->class == facts->class && own->data == facts->data && own->machine == facts->machine))
		return TARGET_PRELOAD;
	return say(target, TARGET_REFUSED,
	           "%s is a %d-bit program for %s, and this log-malloc traces %d-bit programs for %s: use one that "
	           "was built for it",
	           target->program, facts->class == ELFCLASS64 ? 64 : 32,
	           machine_name(facts->machine, theirs, sizeof theirs), own->class == ELFCLASS64 ? 64 : 32,
	           machine_name(own->machine, ours, sizeof ours));
}

static enum target_verdict check_loader(struct target *target, const struct elf_facts *facts)
{
	static const char *const names[] = {"another C library", "glibc", "musl"};
	const struct elf_facts *own = own_facts();
	enum libc theirs = libc_of(facts->interp), ours = libc_of(own->interp);

	if (!facts->interp[0]) {
		/* The loader itself, run as a command: what it loads can be preloaded to. */
		if (own->interp[0] && same_file(own->interp, target->program))
			return TARGET_PRELOAD;
		return say(target, TARGET_REFUSED,
		           "%s is statically linked, nothing can be preloaded into it: link the tracker in, with "
		           "cc -static ... $(pkg-config --static --libs log-malloc2-wrap)",
		           target->program);
	}
	if (!own->interp[0] || theirs == ours)
		return TARGET_PRELOAD;
	return say(target, TARGET_REFUSED,
	           "%s runs on %s (its loader is %s), and this log-malloc's library on %s: use one that was built "
	           "for it, or link the tracker in, with $(pkg-config --libs log-malloc2-wrap)",
	           target->program, names[theirs], facts->interp, names[ours]);
}

static enum target_verdict check_allocator(struct target *target, const struct elf_facts *facts)
{
	if (!facts->asan)
		return TARGET_PRELOAD;
	return say(target, TARGET_REFUSED,
	           "%s was built with AddressSanitizer, whose allocator is in charge there and finds leaks itself: "
	           "trace a build without -fsanitize=address",
	           target->program);
}

static enum target_verdict inspect_elf(struct target *target, int fd, const struct elf_facts *facts)
{
	enum target_verdict verdict;

	/* Whatever it is, it traces itself; with the library on top, each event would be seen twice. */
	if (facts->linked)
		return TARGET_LINKED;
	verdict = check_machine(target, facts);
	if (verdict == TARGET_PRELOAD)
		verdict = check_privileges(target, fd);
	if (verdict == TARGET_PRELOAD)
		verdict = check_loader(target, facts);
	return verdict == TARGET_PRELOAD ? check_allocator(target, facts) : verdict;
}

/* Takes FD over. */
static enum target_verdict inspect_file(struct target *target, int fd, int depth)
{
	enum target_verdict verdict = TARGET_PRELOAD;
	char name[SCRIPT_LINE + 1];
	struct elf_facts facts;
	int error, script;

	read_elf(fd, &facts);
	if (facts.is_elf)
		verdict = inspect_elf(target, fd, &facts);
	script = !facts.is_elf && script_interpreter(fd, name);
	close(fd);
	if (facts.is_elf)
		return verdict;
	if (depth == SCRIPT_DEPTH)
		return say(target, TARGET_NOEXEC, "%s: %s", target->path, strerror(ELOOP));
	/* A file that the kernel does not know is left to the shell, by execvp() too. */
	if (!script)
		snprintf(name, sizeof name, "%s", SHELL);
	error = target_search(target->program, name);
	if (error)
		return say(target, error == ENOENT ? TARGET_MISSING : TARGET_NOEXEC,
		           "%s: its interpreter '%s' can not be run: %s", target->path, name, strerror(error));
	fd = open(target->program, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? TARGET_PRELOAD : inspect_file(target, fd, depth + 1);
}

enum target_verdict target_inspect(struct target *target, const char *command)
{
	int error = target_search(target->path, command);
	int fd;

	target->reason[0] = '\0';
	if (error)
		return not_found(target, error, command);
	memcpy(target->program, target->path, sizeof target->program);
	fd = open(target->path, O_RDONLY | O_CLOEXEC);
	/* One may run what one may not read: then nothing is known about it. */
	return fd < 0 ? TARGET_PRELOAD : inspect_file(target, fd, 0);
}
