/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The unwinder remembers a thread's last backtrace. Whatever the thread did in
 * between, it has to find what it would find without.
 */
#include <alloca.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "caller.h"
#include "support.h"
#include "thread.h"
#include "unwind.h"
#include "unwind_memory.h"

#define DEPTH 64

static __thread uint64_t random_state;
static __thread unsigned long compared, deepest;
static __thread int differed;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* What is found is kept: the next backtrace may lie in the same place. */
static unsigned unwound(const struct lm_caller *caller, uintptr_t *pcs, unsigned max)
{
	uintptr_t room[DEPTH];
	struct lm_unwound found = {.count = 0};

	lm_unwind(&lm_thread_self()->unwind, caller, room, max, &found);
	if (found.sum != lm_unwound_sum(found.pcs, found.count))
		differed = 1;
	memcpy(pcs, found.pcs, found.count * sizeof *pcs);
	return found.count;
}

/* As an entry point does it: the remembered way first, then with nothing remembered. */
__attribute__((noinline)) static void look(unsigned max)
{
	const struct lm_caller caller = LM_CALLER_HERE();
	uintptr_t remembered[DEPTH], fresh[DEPTH], plain[DEPTH];
	struct lm_unwound found = {.count = 0};
	unsigned count = unwound(&caller, remembered, max), again;

	lm_unwind_flush();
	again = unwound(&caller, fresh, max);
	if (count != again || memcmp(remembered, fresh, count * sizeof *fresh) != 0)
		differed = 1;
	/* And a second time from what that left, which must not lose anything either. */
	again = unwound(&caller, remembered, max);
	if (count != again || memcmp(remembered, fresh, count * sizeof *fresh) != 0)
		differed = 1;
	/* And as in a thread that can remember nothing. */
	lm_unwind(NULL, &caller, plain, max, &found);
	if (found.count != count || memcmp(plain, fresh, count * sizeof *fresh) != 0)
		differed = 1;
	compared++;
	if (count > deepest)
		deepest = count;
}

/* Remembers, and does not compare: so that the next comparison starts from something old. */
__attribute__((noinline)) static void pass(unsigned max)
{
	const struct lm_caller caller = LM_CALLER_HERE();
	uintptr_t pcs[DEPTH];

	unwound(&caller, pcs, max);
}

static void wander(unsigned level);

/* Frames of several kinds: with a frame pointer, without, of a size known only when it runs. */
#define STAY() __asm__ volatile("" ::: "memory")

#ifdef __clang__
#define OPTIMIZE(how)
#else
#define OPTIMIZE(how) __attribute__((optimize(how)))
#endif

__attribute__((noinline)) OPTIMIZE("omit-frame-pointer") static void plain(unsigned level)
{
	wander(level);
	STAY();
}

__attribute__((noinline)) OPTIMIZE("no-omit-frame-pointer") static void with_pointer(unsigned level)
{
	wander(level);
	STAY();
}

__attribute__((noinline)) static void with_room(unsigned level)
{
	volatile char *room = alloca(16 + next_random() % 200);

	room[0] = 1;
	wander(level);
	STAY();
	room[1] = room[0];
}

__attribute__((noinline)) static void busy(unsigned level)
{
	/* Much in registers, so that the frame pointer's is used for something else. */
	uint64_t a = next_random(), b = a * 3, c = b ^ a, d = c + b, e = d * a, f = e ^ d;

	wander(level);
	__asm__ volatile("" ::"r"(a), "r"(b), "r"(c), "r"(d), "r"(e), "r"(f));
	STAY();
}

__attribute__((noinline)) static void wander(unsigned level)
{
	unsigned max = next_random() % 4 ? DEPTH : 1 + (unsigned)(next_random() % 20);

	if (next_random() % 3 == 0)
		pass(max);
	if (next_random() % 2)
		look(max);
	for (uint64_t children = level ? 1 + next_random() % 2 : 0; children > 0; children--) {
		switch (next_random() % 4) {
		case 0:
			plain(level - 1);
			break;
		case 1:
			with_pointer(level - 1);
			break;
		case 2:
			with_room(level - 1);
			break;
		default:
			busy(level - 1);
			break;
		}
	}
	STAY();
}

static void *walk(void *seed)
{
	random_state = (uintptr_t)seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	while (compared < 2000 && !differed)
		wander(14);
	return (void *)(uintptr_t)differed;
}

/* Does this unwinder look for backtraces at all? UNWIND=none does not, and is the one that needs no memory. */
static int finds_any(const char *test)
{
	const struct lm_caller caller = LM_CALLER_HERE();
	unsigned expected = sizeof(struct lm_unwind_memory) > 1;
	uintptr_t pcs[1];

	ck_assert_uint_eq(unwound(&caller, pcs, 1), expected);
	if (!expected)
		skip(test, "this unwinder finds no backtraces");
	return (int)expected;
}

START_TEST(a_remembered_backtrace_is_the_one_that_would_be_found_without)
{
	if (!finds_any("a_remembered_backtrace_is_the_one_that_would_be_found_without"))
		return;
	ck_assert_ptr_null(walk((void *)7));
	/* Deeper than is asked for in part of the calls, so that cut ones were remembered, too. */
	ck_assert_uint_gt(deepest, 20);
}
END_TEST

START_TEST(threads_remember_each_their_own)
{
	pthread_t threads[4];
	void *wrong;

	for (uintptr_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, walk, (void *)(i + 20)), 0);
	for (int i = 0; i < 4; i++) {
		ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
		ck_assert_ptr_null(wrong);
	}
}
END_TEST

START_TEST(no_more_than_asked_for_is_written)
{
	const struct lm_caller caller = LM_CALLER_HERE();
	uintptr_t pcs[4] = {1, 2, 3, 4};

	ck_assert_uint_eq(unwound(&caller, pcs, 0), 0);
	ck_assert_uint_eq(pcs[0], 1);
	if (!finds_any("no_more_than_asked_for_is_written"))
		return;
	ck_assert_uint_eq(unwound(&caller, pcs, 2), 2);
	ck_assert_uint_eq(pcs[0], caller.pc);
	ck_assert_uint_eq(pcs[2], 3);
}
END_TEST

/* ---- frame pointers that were saved in different places ---- */

#if defined __x86_64__

/* Both call FUNCTION with LIMIT from a frame of the same size. Each saves the frame pointer in another place in it. */
void save_first(void (*function)(unsigned), unsigned limit);
void save_last(void (*function)(unsigned), unsigned limit);

__asm__(".text\n"
        ".type save_first, @function\n"
        "save_first:\n"
        "	.cfi_startproc\n"
        "	pushq %rbp\n"
        "	.cfi_def_cfa_offset 16\n"
        "	.cfi_offset %rbp, -16\n"
        "	subq $32, %rsp\n"
        "	.cfi_def_cfa_offset 48\n"
        "	movq %rdi, %rax\n"
        "	movl %esi, %edi\n"
        "	call *%rax\n"
        "	addq $32, %rsp\n"
        "	.cfi_def_cfa_offset 16\n"
        "	popq %rbp\n"
        "	.cfi_def_cfa_offset 8\n"
        "	ret\n"
        "	.cfi_endproc\n"
        ".size save_first, . - save_first\n"
        ".type save_last, @function\n"
        "save_last:\n"
        "	.cfi_startproc\n"
        "	subq $40, %rsp\n"
        "	.cfi_def_cfa_offset 48\n"
        "	movq %rbp, (%rsp)\n"
        "	.cfi_offset %rbp, -48\n"
        "	movq %rdi, %rax\n"
        "	movl %esi, %edi\n"
        "	call *%rax\n"
        "	movq (%rsp), %rbp\n"
        "	addq $40, %rsp\n"
        "	.cfi_def_cfa_offset 8\n"
        "	ret\n"
        "	.cfi_endproc\n"
        ".size save_last, . - save_last\n");

struct hook {
	void (*save)(void (*function)(unsigned), unsigned limit);
	void (*look)(unsigned limit);
};

/* Has a frame pointer, since its size is known only when it runs. */
__attribute__((noinline)) static void with_size(size_t size, const struct hook *hooks, unsigned count)
{
	volatile char *room = alloca(size);

	room[0] = 1;
	for (unsigned i = 0; i < count; i++)
		hooks[i].save(hooks[i].look, DEPTH);
	room[1] = room[0];
}

/* Two callers of with_size() that leave it the same stack pointer, but not the same frame pointer. */
__attribute__((noinline)) static void first_caller(size_t size, const struct hook *hooks, unsigned count)
{
	volatile char *room = alloca(size);

	room[0] = 1;
	with_size(1024 - size, hooks, count);
	room[1] = room[0];
}

__attribute__((noinline)) static void second_caller(size_t size, const struct hook *hooks, unsigned count)
{
	volatile char *room = alloca(1024 - size);

	room[0] = 2;
	with_size(size, hooks, count);
	room[1] = room[0];
}

/*
 * The same frame, with the same pc, has another frame pointer at its second activation. Where the first callee of its
 * first activation saved it, the old value still stands.
 */
START_TEST(a_frame_pointer_is_read_where_the_last_callee_saved_it)
{
	static const struct hook first[] = {{.save = save_first, .look = pass}, {.save = save_last, .look = pass}};
	static const struct hook second[] = {{.save = save_last, .look = look}};
	static void (*const callers[])(size_t, const struct hook *, unsigned) = {first_caller, second_caller};
	static const struct hook *const hooks[] = {first, second};

	if (!finds_any("a_frame_pointer_is_read_where_the_last_callee_saved_it"))
		return;
	compared = 0;
	for (size_t size = 64; size < 1024; size += 64) {
		for (unsigned i = 0; i < 2; i++)
			callers[i](size, hooks[i], 2 - i);
	}
	ck_assert_uint_eq(compared, 15);
	ck_assert_int_eq(differed, 0);
}
END_TEST

/* ---- every instruction of a function ---- */

#define TRAP 0x100u

static volatile int steps;

static void look_at_each(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info, (void)context;
	steps++;
	look(DEPTH);
}

__attribute__((noinline)) static unsigned stepped(unsigned n)
{
	volatile char *room = alloca(16 + n);

	room[0] = (char)n;
	if (n > 1)
		return stepped(n / 2) + (unsigned)room[0];
	return (unsigned)room[0];
}

__attribute__((noinline)) static void set_trap(void)
{
	__asm__ volatile("pushfq\n\torl %0, (%%rsp)\n\tpopfq" ::"i"(TRAP) : "memory", "cc");
}

__attribute__((noinline)) static void clear_trap(void)
{
	__asm__ volatile("pushfq\n\tandl %0, (%%rsp)\n\tpopfq" ::"i"(~TRAP) : "memory", "cc");
}

/* A handler's caller may be anywhere in a function, also where that makes its frame or leaves it. */
START_TEST(a_handler_finds_the_same_at_each_instruction)
{
	struct sigaction action = {.sa_sigaction = look_at_each, .sa_flags = SA_SIGINFO};

	if (!finds_any("a_handler_finds_the_same_at_each_instruction"))
		return;
	ck_assert_int_eq(sigaction(SIGTRAP, &action, NULL), 0);
	set_trap();
	stepped(40);
	clear_trap();
	ck_assert_int_gt(steps, 50);
	ck_assert_int_eq(differed, 0);
}
END_TEST

#endif

int main(void)
{
	Suite *suite = suite_create("unwind");
	TCase *tcase = tcase_create("unwind");

	tcase_set_timeout(tcase, 120);
	tcase_add_test(tcase, a_remembered_backtrace_is_the_one_that_would_be_found_without);
	tcase_add_test(tcase, threads_remember_each_their_own);
	tcase_add_test(tcase, no_more_than_asked_for_is_written);
#if defined __x86_64__
	tcase_add_test(tcase, a_frame_pointer_is_read_where_the_last_callee_saved_it);
	tcase_add_test(tcase, a_handler_finds_the_same_at_each_instruction);
#endif
	suite_add_tcase(suite, tcase);
	lm_unwind_start();
	return run_suite(suite);
}
