# SPDX-License-Identifier: LGPL-3.0-or-later
# `make bench` times workloads in all modes and compares them with heaptrack.

# The workloads' flags do not depend on CFLAGS. Their stack frames must be there, so tail calls stay calls.
BENCH_FLAGS := -O2 -g -fno-optimize-sibling-calls -fno-builtin-malloc -fno-builtin-realloc -fno-builtin-free -pthread
BENCH_PROGRAMS := $(patsubst tests/bench/%,$(B)/bench/%,$(basename $(wildcard tests/bench/*.c tests/bench/*.cc)))

$(B)/bench/%: tests/bench/%.c tests/bench/measure.h
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) -D_GNU_SOURCE $(BENCH_FLAGS) -o $@ $<

$(B)/bench/%: tests/bench/%.cc
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=gnu++17 -Wall -Wextra -Wshadow $(BENCH_FLAGS) -o $@ $<

# BENCH=quick takes under a minute. The head of tests/bench/bench lists the other settings.
bench: all $(BENCH_PROGRAMS)
	@BENCH='$(BENCH)' tests/bench/bench $(B)

.PHONY: bench
