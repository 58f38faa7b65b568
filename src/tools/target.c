/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See target.h. Files are opened for reading; nothing is run. */
#include "target.h"
#include "elf_facts.h"
#include "script.h"
#include "which.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The kernel follows four "#!" lines. */
#define SCRIPT_DEPTH 4

#define SHELL "/bin/sh"

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

static enum target_verdict not_found(struct target *target, int error, const char *what)
{
	if (error == ENOENT || error == ENOTDIR)
		return say(target, TARGET_MISSING, "%s: %s", what,
		           strchr(what, '/') ? strerror(ENOENT) : "command not found");
	return say(target, TARGET_NOEXEC, "%s: %s", what, strerror(error));
}

/* ---- ELF ------------------------------------------------------------------ */

/* The library is built together with this program, and so runs on the same machines. */
static const struct elf_facts *own_facts(void)
{
	static struct elf_facts facts;
	int fd;

	if (facts.is_elf)
		return &facts;
	fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		elf_facts_read(fd, &facts);
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

/* ---- the verdict ---------------------------------------------------------- */

static int same_file(const char *a, const char *b)
{
	struct stat first, second;

	return stat(a, &first) == 0 && stat(b, &second) == 0 && first.st_dev == second.st_dev &&
	       first.st_ino == second.st_ino;
}

/* The loader ignores LD_PRELOAD for programs that start with other rights than the caller's. */
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
	enum elf_libc theirs = elf_facts_libc(facts), ours = elf_facts_libc(own);

	if (!facts->interp[0]) {
		/* The loader itself is run as a command: it honours LD_PRELOAD for what it loads. */
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

	/* The program traces itself. With the library as well, each event would be seen twice. */
	if (facts->linked)
		return TARGET_LINKED;
	verdict = check_machine(target, facts);
	if (verdict == TARGET_PRELOAD)
		verdict = check_privileges(target, fd);
	if (verdict == TARGET_PRELOAD)
		verdict = check_loader(target, facts);
	return verdict == TARGET_PRELOAD ? check_allocator(target, facts) : verdict;
}

/* Closes FD. */
static enum target_verdict inspect_file(struct target *target, int fd, int depth)
{
	enum target_verdict verdict = TARGET_PRELOAD;
	char name[SCRIPT_LINE + 1];
	struct elf_facts facts;
	int error, script;

	elf_facts_read(fd, &facts);
	if (facts.is_elf)
		verdict = inspect_elf(target, fd, &facts);
	script = !facts.is_elf && script_interpreter(fd, name);
	close(fd);
	if (facts.is_elf)
		return verdict;
	if (depth == SCRIPT_DEPTH)
		return say(target, TARGET_NOEXEC, "%s: %s", target->path, strerror(ELOOP));
	/* execvp() runs a file of unknown format with the shell. */
	if (!script)
		snprintf(name, sizeof name, "%s", SHELL);
	error = which_find(target->program, name);
	if (error)
		return say(target, error == ENOENT ? TARGET_MISSING : TARGET_NOEXEC,
		           "%s: its interpreter '%s' can not be run: %s", target->path, name, strerror(error));
	fd = open(target->program, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? TARGET_PRELOAD : inspect_file(target, fd, depth + 1);
}

enum target_verdict target_inspect(struct target *target, const char *command)
{
	int error = which_find(target->path, command);
	int fd;

	target->reason[0] = '\0';
	if (error)
		return not_found(target, error, command);
	memcpy(target->program, target->path, sizeof target->program);
	fd = open(target->path, O_RDONLY | O_CLOEXEC);
	/* A program that may be run may be unreadable: then nothing is known about it. */
	return fd < 0 ? TARGET_PRELOAD : inspect_file(target, fd, 0);
}
