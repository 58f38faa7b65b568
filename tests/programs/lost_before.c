/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Has blocks and released memory from before somebody attaches to it. It waits for a file "go" before it goes on. Then
 * old blocks point to 100 new ones of 77 bytes; 30 blocks of 99 bytes are lost, and 16 of 55 that released memory
 * points to.
 */
#include "stay.h"

enum { OLD = 100, RELEASED = 50 };

static void **volatile old[OLD];
static void *volatile lost;

static __attribute__((noinline)) void begin(void)
{
	void *released[RELEASED];

	for (int i = 0; i < OLD; i++)
		old[i] = malloc(800);
	for (int i = 0; i < RELEASED; i++)
		released[i] = malloc(2000);
	for (int i = 0; i < RELEASED; i++)
		free(released[i]);
}

static __attribute__((noinline)) void go_on(void)
{
	void **released;

	for (int i = 0; i < OLD; i++)
		old[i][5] = calloc(1, 77);
	for (int i = 0; i < 30; i++)
		lost = calloc(1, 99);
	released = malloc(1500);
	for (int i = 4; i < 20; i++)
		released[i] = calloc(1, 55);
	free(released);
	lost = NULL;
}

int main(void)
{
	begin();
	forget();
	while (access("go", F_OK) != 0)
		usleep(10000);
	go_on();
	stay();
	return 0;
}
