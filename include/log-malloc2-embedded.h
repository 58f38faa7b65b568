/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * log-malloc2 for programs without an operating system: where the trace goes, what
 * memory it may use, and what it is to know of the system. log-malloc2-embedded(7) is
 * the manual page. For C11 and C++17, gcc and clang; link with the flags of
 * pkg-config log-malloc2-embedded.
 *
 * The functions of log-malloc2.h are there, too. Sizes are in bytes. Nothing here
 * allocates or sets errno.
 */
#ifndef LOG_MALLOC2_EMBEDDED_H
#define LOG_MALLOC2_EMBEDDED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- where the trace goes ------------------------------------------------- */

/*
 * Writes the SIZE bytes of one record, and returns how many of them were taken. If that
 * is a part, it is called again for the rest. If it takes nothing, the record is lost,
 * and # LOST in the trace counts it. A record of which only a part was taken then is
 * never completed, and the next one begins on a line of its own: the commands find
 * that out. Better take all or nothing.
 *
 * Called with interrupts masked, or from a task of FreeRTOS with the scheduler
 * suspended. So it must not wait for either, must not allocate, and should only put the
 * bytes into a queue. It must leave errno alone.
 */
typedef size_t log_malloc_writer(const void *record, size_t size, void *arg);

/*
 * The trace begins: with its head and the blocks that are live by now, and goes on with
 * each call. WRITER gets ARG. Null ends the trace. At most one writer at a time. Not
 * from an interrupt handler.
 */
void log_malloc_set_writer(log_malloc_writer *writer, void *arg);

/* The trace's format, before log_malloc_set_writer(). LOG_MALLOC_FULL, unless said otherwise. */
enum log_malloc_format {
	LOG_MALLOC_FULL,    /* text: a record is a line, and a line for each caller */
	LOG_MALLOC_COMPACT, /* text: a record is a line that tells the caller's number */
	LOG_MALLOC_PACKED,  /* binary: 8 bytes for a free, 16 for a malloc */
};
void log_malloc_set_format(enum log_malloc_format format);

/* Writes + FINI: nothing is missing at the trace's end. Tracing goes on. */
void log_malloc_trace_finish(void);

/* Events that could not be recorded until now. */
uint32_t log_malloc_get_lost(void);

/* ---- memory ----------------------------------------------------------------- */

/*
 * The table of live blocks. Once in the program, at file scope, this defines one of
 * BLOCKS blocks, 16 bytes for each. Without it, the program has one of 256 blocks. Each
 * task takes the room of one block. A block for which there is no room is not known
 * when it is released.
 */
#define LOG_MALLOC_TABLE(blocks)                                                                                       \
	struct log_malloc_entry log_malloc_table[blocks];                                                              \
	const uint32_t log_malloc_table_blocks = (blocks)

struct log_malloc_entry {
	uint32_t words[4];
};

extern struct log_malloc_entry log_malloc_table[];
extern const uint32_t log_malloc_table_blocks;

/*
 * The table moves to SIZE bytes at MEMORY, a multiple of 4: about 200 for its head, and
 * 16 for each block. A debugger or a crash dump can take it out:
 * log-malloc-cat --ram shows what was live. 0; or -1: SIZE is too small for what is
 * live, and nothing has changed.
 */
int log_malloc_set_table(void *memory, size_t size);

/*
 * The trace begins, and goes to SIZE bytes at MEMORY, a multiple of 4, which always hold
 * the last records. log-malloc-cat --ram reads them. A writer is not called any more. 0;
 * or -1: SIZE is too small.
 */
int log_malloc_set_ring(void *memory, size_t size);

/* ---- counters alone ----------------------------------------------------------- */

/*
 * What liblog-malloc2-count.a counts, which is linked instead of the tracker
 * (pkg-config log-malloc2-count). Bytes are usable ones, as the allocator tells them:
 * malloc_usable_size(), or what FreeRTOS's heap has less. Can be read at any time, by a
 * debugger as well.
 */
struct log_malloc_counts {
	size_t bytes;   /* of all live blocks */
	size_t blocks;  /* that are live */
	size_t peak;    /* the greatest BYTES ever */
	size_t failed;  /* calls that returned NULL for a size other than 0 */
	size_t largest; /* bytes of the largest request */
};
extern struct log_malloc_counts log_malloc_counts;

/* ---- what the program tells ----------------------------------------------- */

/*
 * The name of the program's ELF file, which the commands look for beside the trace:
 * once in the program, at file scope. Without it, "firmware.elf".
 */
#define LOG_MALLOC_PROGRAM(name) const char log_malloc_program[] = name
extern const char log_malloc_program[];

/*
 * Where the linker put the section .note.gnu.build-id, if the program has one, and the linker's script tells its
 * address: -Wl,--defsym=log_malloc_build_id=SYMBOL
 */
extern const unsigned char log_malloc_build_id[] __attribute__((weak));

/* ---- the system -------------------------------------------------------------- */

/*
 * A program defines those that it needs: for an RTOS other than FreeRTOS, or a processor
 * that the library does not know. All of them are called often and from anywhere. Those
 * that it does not define are absent.
 *
 * The lock: until it is released, nothing else may call the tracker. It is not taken
 * twice. log_malloc_port_unlock() gets what log_malloc_port_lock() returned.
 */
uintptr_t log_malloc_port_lock(void) __attribute__((weak));
void log_malloc_port_unlock(uintptr_t state) __attribute__((weak));
/* The handle of the task that runs, NULL if none does; and its name. */
void *log_malloc_port_task(void) __attribute__((weak));
const char *log_malloc_port_task_name(void *task) __attribute__((weak));
/* The number of the interrupt that runs, 0 if none does. At most 1000. */
uintptr_t log_malloc_port_interrupt(void) __attribute__((weak));
/* An address above SP: the stack from SP up to there can be read. For backtraces. */
uintptr_t log_malloc_port_stack_end(uintptr_t sp) __attribute__((weak));
/* A clock that never goes back. */
uint32_t log_malloc_port_milliseconds(void) __attribute__((weak));

/* ---- other allocators -------------------------------------------------------- */

/* Where a function was called from. LOG_MALLOC_CALLER is used in the function itself. */
struct log_malloc_caller {
	uintptr_t pc, sp, fp; /* the return address; the stack pointer and the frame pointer there, if they are known */
};

#if defined(__clang__) && defined(__arm__)
#define LOG_MALLOC_CALLER_SP ((uintptr_t)__builtin_frame_address(0) + 8)
#elif defined(__clang__)
#define LOG_MALLOC_CALLER_SP 0
#else
#define LOG_MALLOC_CALLER_SP (uintptr_t) __builtin_dwarf_cfa()
#endif
#define LOG_MALLOC_CALLER                                                                                              \
	{                                                                                                              \
		(uintptr_t) __builtin_return_address(0), LOG_MALLOC_CALLER_SP, 0                                       \
	}

/*
 * Around a call of an allocator. Where log_malloc_call_begin() returns 0, the call is
 * inside of another one, and nothing else is to be called. Otherwise exactly one
 * of the others has to follow when the call has returned.
 */
int log_malloc_call_begin(void);
void log_malloc_call_malloc(void *block, size_t size, const struct log_malloc_caller *caller);
void log_malloc_call_calloc(void *block, size_t count, size_t size, const struct log_malloc_caller *caller);
void log_malloc_call_memalign(void *block, size_t alignment, size_t size, const struct log_malloc_caller *caller);

/* A release is told before the call. If it returns 1, log_malloc_call_end() has to follow. */
int log_malloc_call_free(void *block, const struct log_malloc_caller *caller);
void log_malloc_call_end(void);

/* realloc is both. BEGUN: what log_malloc_call_begin_realloc() returned, and not 0. */
int log_malloc_call_begin_realloc(void *old);
void log_malloc_call_realloc(int begun, void *old, void *block, size_t size, const struct log_malloc_caller *caller);

/*
 * For a heap that tells a listener what it does: it returned BLOCK, and BLOCK is about to
 * be released. It must not be in the middle of a call that is told by the functions above.
 */
void log_malloc_heap_alloc(void *block, size_t size, const struct log_malloc_caller *caller);
void log_malloc_heap_free(void *block, const struct log_malloc_caller *caller);

/*
 * Each of these defines what the linker's --wrap=NAME calls instead of NAME, a function
 * with the parameters of the one in the macro's name. Once for each, at file scope, and
 * never for the functions that the library has itself.
 */
#define LOG_MALLOC_WRAP_MALLOC(name)                                                                                   \
	void *__real_##name(size_t size);                                                                              \
	void *__wrap_##name(size_t size);                                                                              \
	void *__wrap_##name(size_t size)                                                                               \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
		int is_outer = log_malloc_call_begin();                                                                \
		void *block = __real_##name(size);                                                                     \
                                                                                                                       \
		if (is_outer)                                                                                          \
			log_malloc_call_malloc(block, size, &caller);                                                  \
		return block;                                                                                          \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LOG_MALLOC_WRAP_CALLOC(name)                                                                                   \
	void *__real_##name(size_t count, size_t size);                                                                \
	void *__wrap_##name(size_t count, size_t size);                                                                \
	void *__wrap_##name(size_t count, size_t size)                                                                 \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
		int is_outer = log_malloc_call_begin();                                                                \
		void *block = __real_##name(count, size);                                                              \
                                                                                                                       \
		if (is_outer)                                                                                          \
			log_malloc_call_calloc(block, count, size, &caller);                                           \
		return block;                                                                                          \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LOG_MALLOC_WRAP_REALLOC(name)                                                                                  \
	void *__real_##name(void *old, size_t size);                                                                   \
	void *__wrap_##name(void *old, size_t size);                                                                   \
	void *__wrap_##name(void *old, size_t size)                                                                    \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
		int begun = log_malloc_call_begin_realloc(old);                                                        \
		void *block = __real_##name(old, size);                                                                \
                                                                                                                       \
		if (begun)                                                                                             \
			log_malloc_call_realloc(begun, old, block, size, &caller);                                     \
		return block;                                                                                          \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LOG_MALLOC_WRAP_MEMALIGN(name)                                                                                 \
	void *__real_##name(size_t alignment, size_t size);                                                            \
	void *__wrap_##name(size_t alignment, size_t size);                                                            \
	void *__wrap_##name(size_t alignment, size_t size)                                                             \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
		int is_outer = log_malloc_call_begin();                                                                \
		void *block = __real_##name(alignment, size);                                                          \
                                                                                                                       \
		if (is_outer)                                                                                          \
			log_malloc_call_memalign(block, alignment, size, &caller);                                     \
		return block;                                                                                          \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#define LOG_MALLOC_WRAP_FREE(name)                                                                                     \
	void __real_##name(void *block);                                                                               \
	void __wrap_##name(void *block);                                                                               \
	void __wrap_##name(void *block)                                                                                \
	{                                                                                                              \
		const struct log_malloc_caller caller = LOG_MALLOC_CALLER;                                             \
		int is_outer = log_malloc_call_free(block, &caller);                                                   \
                                                                                                                       \
		__real_##name(block);                                                                                  \
		if (is_outer)                                                                                          \
			log_malloc_call_end();                                                                         \
	}                                                                                                              \
	_Static_assert(1, "a semicolon follows")

#ifdef __cplusplus
}
#endif

#endif
