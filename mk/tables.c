/* SPDX-License-Identifier: LGPL-3.0-or-later */
/*
 * A function that calls another one. The Makefile compiles this to find out whether
 * the compiler makes unwind tables of C code without being asked to. It is never
 * linked.
 */
int called(int number);
int caller(int number);

int caller(int number)
{
	return called(number) + 1;
}
