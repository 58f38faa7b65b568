/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Its first call of malloc is made inside setlocale(), which holds a lock then
 * that libc's own error messages need as well.
 */
#include <locale.h>

int main(void)
{
	for (int i = 0; i < 3; i++)
		setlocale(LC_ALL, "C.UTF-8");
	return 0;
}
