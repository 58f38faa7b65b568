# SPDX-License-Identifier: LGPL-3.0-or-later
# `make matrix` tries the tracker with each toolchain, machine and libc. The head of tests/matrix/matrix lists the
# settings.

matrix: all $(B)/tests/judge
	@MATRIX='$(MATRIX)' MATRIX_ONLY='$(MATRIX_ONLY)' tests/matrix/matrix $(B)

.PHONY: matrix
