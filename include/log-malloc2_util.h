/* SPDX-License-Identifier: MIT */
/*
 * log-malloc2_util: writes the current backtrace to a descriptor, in a form that
 * backtrace2line can read. Header only: nothing has to be linked, since the
 * unwinder is the compiler's own libgcc or libunwind. For C11 and C++17 on ELF
 * systems with /proc. log-malloc2(3) is the manual page.
 *
 * Copyright (c) the log-malloc2 authors
 *
 * Permission is hereby granted, free of charge, to any person obtaining a copy
 * of this software and associated documentation files (the "Software"), to
 * deal in the Software without restriction, including without limitation the
 * rights to use, copy, modify, merge, publish, distribute, sublicense, and/or
 * sell copies of the Software, and to permit persons to whom the Software is
 * furnished to do so, subject to the following conditions:
 *
 * The above copyright notice and this permission notice shall be included in
 * all copies or substantial portions of the Software.
 *
 * THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
 * IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
 * FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
 * AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
 * LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING
 * FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
 * IN THE SOFTWARE.
 */
#ifndef LOG_MALLOC2_UTIL_H
#define LOG_MALLOC2_UTIL_H

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <unistd.h>
#include <unwind.h>

/*
 * void log_malloc_backtrace_init(void)
 *
 * Makes the unwinder do now what it does once at its first use. For that, it may
 * load a library or allocate. Optional: useful if a signal handler will print a
 * backtrace later. Thread-safe, not async-signal-safe.
 *
 * ssize_t log_malloc_backtrace(int fd)
 *
 * Writes to FD the backtrace of the calling thread, innermost frame first,
 * starting with the caller of this function: one line a frame,
 *
 *	OBJECT(+0xOFFSET)[0xADDRESS]	OFFSET from OBJECT's load bias
 *	[0xADDRESS]			if the object is not known
 *
 * then the line "# FILE /proc/self/maps" and that file's content, if /proc is
 * there. At most 64 frames. The format is that of log-malloc2(5).
 *
 * Returns the number of bytes written and leaves errno alone. If writing to FD
 * fails, returns -1 with the errno of write(2); what was written before stays.
 * Allocates nothing, takes no lock of its own, needs about 6 KiB of stack.
 * Thread-safe, and as async-signal-safe as the unwinder of the platform: good
 * enough for a handler that reports a crash and ends the program.
 */
static void log_malloc_backtrace_init(void) __attribute__((unused));
static ssize_t log_malloc_backtrace(int fd) __attribute__((unused, noinline));

/* Everything below is the implementation. Programs should not call any of it. */

#ifdef O_CLOEXEC
#define LOG_MALLOC_UTIL_OPEN (O_RDONLY | O_CLOEXEC)
#else
#define LOG_MALLOC_UTIL_OPEN O_RDONLY
#endif

#if UINTPTR_MAX > 0xffffffffu
typedef Elf64_Ehdr log_malloc_util_ehdr;
typedef Elf64_Phdr log_malloc_util_phdr;
#else
typedef Elf32_Ehdr log_malloc_util_ehdr;
typedef Elf32_Phdr log_malloc_util_phdr;
#endif

enum { LOG_MALLOC_UTIL_DEPTH = 64, LOG_MALLOC_UTIL_BUFFER = 512, LOG_MALLOC_UTIL_PATH = 512 };

/* The return addresses, innermost first. */
struct log_malloc_util_stack {
	uintptr_t pc[LOG_MALLOC_UTIL_DEPTH];
	int count;
};

/* A buffer for output or input, so that not every byte needs a system call. */
struct log_malloc_util_file {
	int fd;
	int error; /* of the first call that failed */
	size_t at;
	size_t len;
	size_t total;
	char data[LOG_MALLOC_UTIL_BUFFER];
};

/* The mapping that was looked up last. Consecutive frames are mostly in the same one. */
struct log_malloc_util_object {
	uintptr_t from, to;
	uintptr_t bias;
	char path[LOG_MALLOC_UTIL_PATH];
};

static inline void log_malloc_util_file_init(struct log_malloc_util_file *file, int fd)
{
	file->fd = fd;
	file->error = 0;
	file->at = file->len = file->total = 0;
}

static inline void log_malloc_util_flush(struct log_malloc_util_file *out)
{
	size_t done = 0;

	while (done < out->len && !out->error) {
		ssize_t n = write(out->fd, out->data + done, out->len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			out->error = n == 0 ? EIO : errno;
	}
	out->total += done;
	out->len = 0;
}

static inline void log_malloc_util_put(struct log_malloc_util_file *out, char c)
{
	out->data[out->len++] = c;
	if (out->len == sizeof out->data)
		log_malloc_util_flush(out);
}

static inline void log_malloc_util_puts(struct log_malloc_util_file *out, const char *text)
{
	while (*text)
		log_malloc_util_put(out, *text++);
}

static inline void log_malloc_util_put_hex(struct log_malloc_util_file *out, uintptr_t value)
{
	int shift = (int)sizeof value * 8 - 4;

	while (shift > 0 && !(value >> shift))
		shift -= 4;
	log_malloc_util_puts(out, "0x");
	for (; shift >= 0; shift -= 4)
		log_malloc_util_put(out, "0123456789abcdef"[value >> shift & 15]);
}

/* A path in the trace's format: bytes that would end or split it are written as \ooo. */
static inline void log_malloc_util_put_path(struct log_malloc_util_file *out, const char *path)
{
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;

		/* The kernel has already written a newline as \012. */
		if (c > ' ' && c != '(' && c != '[' &&
		    (c != '\\' || (path[1] == '0' && path[2] == '1' && path[3] == '2'))) {
			log_malloc_util_put(out, *path);
			continue;
		}
		log_malloc_util_put(out, '\\');
		log_malloc_util_put(out, (char)('0' + (c >> 6)));
		log_malloc_util_put(out, (char)('0' + (c >> 3 & 7)));
		log_malloc_util_put(out, (char)('0' + (c & 7)));
	}
}

/* The next byte, or -1 at the end. */
static inline int log_malloc_util_get(struct log_malloc_util_file *in)
{
	if (in->at == in->len) {
		ssize_t n;

		do {
			n = read(in->fd, in->data, sizeof in->data);
		} while (n < 0 && errno == EINTR);
		if (n <= 0)
			return -1;
		in->at = 0;
		in->len = (size_t)n;
	}
	return (unsigned char)in->data[in->at++];
}

/* Reads a hexadecimal number. *C is the first byte after it. */
static inline uintptr_t log_malloc_util_get_hex(struct log_malloc_util_file *in, int *c)
{
	uintptr_t value = 0;

	for (;;) {
		*c = log_malloc_util_get(in);
		if (*c >= '0' && *c <= '9')
			value = value * 16 + (uintptr_t)(*c - '0');
		else if (*c >= 'a' && *c <= 'f')
			value = value * 16 + (uintptr_t)(*c - 'a' + 10);
		else
			return value;
	}
}

/* Skips the rest of a word, from its byte C on. Returns the blank after it, or the newline or -1 that ends the line. */
static inline int log_malloc_util_skip_word(struct log_malloc_util_file *in, int c)
{
	while (c != ' ' && c != '\n' && c != -1)
		c = log_malloc_util_get(in);
	return c;
}

static inline int log_malloc_util_skip_blanks(struct log_malloc_util_file *in, int c)
{
	while (c == ' ')
		c = log_malloc_util_get(in);
	return c;
}

/* Reads the rest of the line, from its byte C on. Is it the path of a file, and did PATH have room for it? */
static inline int log_malloc_util_get_path(struct log_malloc_util_file *in, int c, char *path)
{
	static const char deleted[] = " (deleted)";
	size_t len = 0, i, mark = sizeof deleted - 1;
	int usable = c == '/';

	for (; c != '\n' && c != -1; c = log_malloc_util_get(in)) {
		if (len == LOG_MALLOC_UTIL_PATH - 1)
			usable = 0;
		else
			path[len++] = (char)c;
	}
	for (i = 0; len > mark && i < mark && path[len - mark + i] == deleted[i];)
		i++;
	if (len > mark && i == mark)
		len -= mark;
	path[len] = '\0';
	return usable;
}

/*
 * The load bias of an ELF file: what has to be added to its addresses. The file's beginning is mapped at BASE, SIZE
 * bytes of it. *KNOWN is 0 if the bias can't be told.
 */
static inline uintptr_t log_malloc_util_bias(uintptr_t base, size_t size, int *known)
{
	const log_malloc_util_ehdr *ehdr = (const log_malloc_util_ehdr *)base;
	const log_malloc_util_phdr *phdr;
	int i;

	*known = 0;
	if (size < sizeof *ehdr || ehdr->e_ident[0] != 0x7f || ehdr->e_ident[1] != 'E' || ehdr->e_ident[2] != 'L' ||
	    ehdr->e_ident[3] != 'F')
		return 0;
	if (ehdr->e_phentsize != sizeof *phdr || ehdr->e_phoff > size ||
	    ehdr->e_phnum > (size - ehdr->e_phoff) / sizeof *phdr)
		return 0;
	phdr = (const log_malloc_util_phdr *)(base + ehdr->e_phoff);
	for (i = 0; i < ehdr->e_phnum; i++) {
		if (phdr[i].p_type != PT_LOAD)
			continue;
		*known = 1;
		return base - (phdr[i].p_vaddr - phdr[i].p_offset);
	}
	return 0;
}

static inline int log_malloc_util_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/* Finds the file that is mapped at PC in the memory map that is read from IN. 1 if there is one with a known bias. */
static inline int log_malloc_util_find(struct log_malloc_util_file *in, uintptr_t pc,
                                       struct log_malloc_util_object *object)
{
	char first[LOG_MALLOC_UTIL_PATH];
	uintptr_t base = 0, offset;
	size_t size = 0;
	int c, readable, known;

	first[0] = '\0';
	for (;;) {
		object->from = log_malloc_util_get_hex(in, &c);
		if (c != '-')
			return 0;
		object->to = log_malloc_util_get_hex(in, &c);
		readable = log_malloc_util_get(in) == 'r';
		log_malloc_util_skip_word(in, 'p');
		offset = log_malloc_util_get_hex(in, &c);
		/* Device and inode. */
		c = log_malloc_util_skip_word(in, log_malloc_util_skip_blanks(in, c));
		c = log_malloc_util_skip_word(in, log_malloc_util_skip_blanks(in, c));
		c = log_malloc_util_skip_blanks(in, c);
		if (!log_malloc_util_get_path(in, c, object->path)) {
			if (pc >= object->from && pc < object->to)
				return 0;
			continue;
		}
		if (!offset && readable) {
			size_t i = 0;

			do {
				first[i] = object->path[i];
			} while (object->path[i++]);
			base = object->from;
			size = object->to - object->from;
		}
		if (pc < object->from || pc >= object->to)
			continue;
		if (!base || !log_malloc_util_same(first, object->path))
			return 0;
		object->bias = log_malloc_util_bias(base, size, &known);
		return known;
	}
}

static inline void log_malloc_util_put_frame(struct log_malloc_util_file *out, uintptr_t pc,
                                             struct log_malloc_util_object *object)
{
	struct log_malloc_util_file maps;
	int known = pc > object->from && pc <= object->to;
	int fd;

	if (!known) {
		fd = open("/proc/self/maps", LOG_MALLOC_UTIL_OPEN);
		if (fd >= 0) {
			log_malloc_util_file_init(&maps, fd);
			known = log_malloc_util_find(&maps, pc - 1, object);
			close(fd);
		}
		if (!known)
			object->from = object->to = 0;
	}
	if (known) {
		log_malloc_util_put_path(out, object->path);
		log_malloc_util_puts(out, "(+");
		log_malloc_util_put_hex(out, pc - object->bias);
		log_malloc_util_put(out, ')');
	}
	log_malloc_util_put(out, '[');
	log_malloc_util_put_hex(out, pc);
	log_malloc_util_puts(out, "]\n");
}

static inline void log_malloc_util_put_maps(struct log_malloc_util_file *out)
{
	struct log_malloc_util_file maps;
	int fd = open("/proc/self/maps", LOG_MALLOC_UTIL_OPEN);
	int c;

	if (fd < 0)
		return;
	log_malloc_util_puts(out, "# FILE /proc/self/maps\n");
	log_malloc_util_file_init(&maps, fd);
	while ((c = log_malloc_util_get(&maps)) != -1)
		log_malloc_util_put(out, (char)c);
	close(fd);
}

static inline _Unwind_Reason_Code log_malloc_util_frame(struct _Unwind_Context *context, void *data)
{
	struct log_malloc_util_stack *stack = (struct log_malloc_util_stack *)data;
	int interrupted = 0;
	uintptr_t pc = (uintptr_t)_Unwind_GetIPInfo(context, &interrupted);

	if (!pc || stack->count == LOG_MALLOC_UTIL_DEPTH)
		return _URC_END_OF_STACK;
	/*
	 * Readers look up the address before a return address. In a frame that
	 * a signal interrupted, pc is the interrupted instruction itself, and the
	 * frame before it is the first byte of the signal trampoline. Adding one
	 * makes both right.
	 */
	if (interrupted) {
		pc++;
		if (stack->count > 0)
			stack->pc[stack->count - 1]++;
	}
	stack->pc[stack->count++] = pc;
	return _URC_NO_REASON;
}

static void log_malloc_backtrace_init(void)
{
	struct log_malloc_util_stack stack;

	stack.count = 0;
	_Unwind_Backtrace(log_malloc_util_frame, &stack);
}

static ssize_t log_malloc_backtrace(int fd)
{
	uintptr_t caller = (uintptr_t)__builtin_extract_return_addr(__builtin_return_address(0));
	struct log_malloc_util_stack stack;
	struct log_malloc_util_object object;
	struct log_malloc_util_file out;
	int saved_errno = errno;
	int i = 0;

	stack.count = 0;
	_Unwind_Backtrace(log_malloc_util_frame, &stack);
	while (i < stack.count && stack.pc[i] != caller)
		i++;
	/*
	 * If the caller was not found, too many frames are better than none. Without unwind tables, only the caller is
	 * known.
	 */
	if (i == stack.count)
		i = 0;
	if (stack.count <= 1) {
		stack.pc[0] = caller;
		stack.count = 1;
	}

	object.from = object.to = 0;
	log_malloc_util_file_init(&out, fd);
	for (; i < stack.count; i++)
		log_malloc_util_put_frame(&out, stack.pc[i], &object);
	log_malloc_util_put_maps(&out);
	log_malloc_util_flush(&out);
	errno = out.error ? out.error : saved_errno;
	return out.error ? -1 : (ssize_t)out.total;
}

#undef LOG_MALLOC_UTIL_OPEN

#endif /* LOG_MALLOC2_UTIL_H */
