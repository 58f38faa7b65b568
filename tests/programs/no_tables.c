/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Functions without call frame information and without a frame pointer allocate:
 * direct: 1001 bytes, called by name.
 * distant: 1002 bytes, called by a pointer.
 * roomy: 1003 bytes, in a frame in which return addresses of earlier calls of it stand.
 * jumped: 1004 bytes, reached by a jump from the function that was called, which says nothing of it.
 * Each three times. Exit status 77: not on this machine.
 */
#include <alloca.h>
#include <stdlib.h>
#include <string.h>

#if defined __x86_64__

extern void *direct(size_t n);
extern void *distant(size_t n);
extern void *roomy(size_t n);
extern void *jumper(size_t n);

__asm__(".text\n"
        ".type direct,@function\ndirect:\n"
        "	sub $8,%rsp\n	call malloc@plt\n	add $8,%rsp\n	ret\n"
        ".size direct,.-direct\n"
        ".type distant,@function\ndistant:\n"
        "	push %rbp\n	push %rbx\n	mov $77,%ebp\n	sub $8,%rsp\n	call malloc@plt\n	add $8,%rsp\n"
        "	pop %rbx\n	pop %rbp\n	ret\n"
        ".size distant,.-distant\n"
        ".type roomy,@function\nroomy:\n"
        "	sub $1032,%rsp\n	call malloc@plt\n	add $1032,%rsp\n	ret\n"
        ".size roomy,.-roomy\n"
        ".type jumped,@function\njumped:\n"
        "	sub $8,%rsp\n	call malloc@plt\n	add $8,%rsp\n	ret\n"
        ".size jumped,.-jumped\n"
        ".type jumper,@function\njumper:\n"
        "	jmp jumped\n"
        ".size jumper,.-jumper\n");

#define KEPT __attribute__((noinline))

/* Nothing is a call in the place of a return. */
#define STAY() __asm__ volatile("" ::: "memory")

static void *(*volatile pointer)(size_t) = distant;
static void *volatile kept;

KEPT static void keeps_direct(void)
{
	kept = direct(1001);
	STAY();
}

/* Its own frame goes by the frame pointer, which the function saves. */
KEPT static void keeps_distant(size_t n)
{
	volatile char *room = alloca(n);

	room[0] = 1;
	kept = pointer(1002);
	room[1] = room[0];
}

KEPT static void stale(int depth)
{
	volatile char room[24];

	room[0] = 1;
	if (depth)
		stale(depth - 1);
	free(roomy(99));
	room[1] = room[0];
}

KEPT static void keeps_roomy(void)
{
	kept = roomy(1003);
	STAY();
}

KEPT static void keeps_jumped(void)
{
	kept = jumper(1004);
	STAY();
}

int main(void)
{
	for (int i = 0; i < 3; i++) {
		keeps_direct();
		keeps_distant(40);
		stale(20);
		keeps_roomy();
		keeps_jumped();
	}
	return 0;
}

#else

int main(void)
{
	return 77;
}

#endif
