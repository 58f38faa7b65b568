/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the images need of their emulated board. */
#ifndef BOARD_H
#define BOARD_H

/* The trace goes to standard output, by semihosting. */
void board_trace(void);

/* Ends the emulation. */
_Noreturn void board_end(void);

#endif
