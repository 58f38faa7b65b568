# SPDX-License-Identifier: LGPL-3.0-or-later
# `make matrix` tries the tracker with each toolchain, machine and libc. The head of tests/matrix/matrix lists the
# settings.

# What tests/matrix/outside.sh needs. It is built for the machine that qemu boots as well.
LOOKED_INTO := lost_cases lost_neighbours lost_circles lost_threads lost_leader lost_nothing ending
outside: preload $(B)/log-malloc $(B)/log-malloc-findleak $(B)/tests/later.so \
	$(addprefix $(B)/tests/programs/,$(LOOKED_INTO) $(LOOKED_INTO:%=%.static) lost_before \
		attach_crew attach_inside attach_later)

# A library that a program loads after it was attached to.
$(B)/tests/later.so: tests/matrix/later.c $(B)/variant
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -g -O1 -Wall -Wextra -fno-builtin-malloc -shared -fPIC -o $@ $<

matrix: all $(B)/tests/judge $(if $(filter quick,$(MATRIX)),,outside)
	@MATRIX='$(MATRIX)' MATRIX_ONLY='$(MATRIX_ONLY)' tests/matrix/matrix $(B)

.PHONY: matrix outside
