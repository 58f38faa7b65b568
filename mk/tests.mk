# SPDX-License-Identifier: LGPL-3.0-or-later
# `make check` runs the test suites. A suite is one file test_NAME.c:
#   tests/unit      calls functions of the core or of the reader library
#   tests/tracer    runs traced programs and judges their traces
#   tests/commands  runs the commands, or calls what they share

SUITE_FILES := $(wildcard tests/unit/test_*.c tests/tracer/test_*.c tests/commands/test_*.c)
SUITES      := $(basename $(notdir $(SUITE_FILES)))

CHECK_CFLAGS = $(shell $(PKG_CONFIG) --cflags check)
CHECK_LIBS   = $(shell $(PKG_CONFIG) --libs check)
TEST_FLAGS   = $(BASE) $(CHECK_CFLAGS) $(SANFLAGS)

# This part of an unwinder for another machine compiles everywhere.
EHABI     := src/core/unwind/ehabi
EHABI_SRC := $(if $(filter $(EHABI),$(CORE_LAYERS)),,$(wildcard $(EHABI)/*.c))
$(if $(EHABI_SRC),$(eval $(call folder,$(EHABI),,TRACKER)))

# Only unit suites see the core.
$(eval $(call folder,tests/unit,$(READER_LAYERS) $(CORE_LAYERS) $(EHABI) tests/support,TEST_FLAGS))
$(eval $(call folder,tests/support,$(READER_LAYERS) $(CORE_LAYERS),TEST_FLAGS))
$(eval $(call folder,tests/tracer,$(READER_LAYERS) tests/support,TEST_FLAGS))
$(eval $(call folder,tests/commands,$(READER_LAYERS) src/tools tests/support,TEST_FLAGS))

# ---- the core without interposition -------------------------------------------

# Unit suites call the core as ordinary code, on top of the C library's allocator.
PLAIN_SEAM := tests/support/plain_seam
$(B)/plain/%.o: %.c $(B)/variant
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(includes) -ftls-model=initial-exec $(SANFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# A chip's numbers, under another name beside the core's own.
SMALL_DIGITS := src/core/base/small/digits
$(B)/plain/$(SMALL_DIGITS).o: $(SMALL_DIGITS).c $(B)/variant
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(call iquote,src/core/port src/core/base) -Dlm_text_unsigned=lm_text_unsigned_small $(SANFLAGS) $(CPPFLAGS) \
		$(CFLAGS) -c -o $@ $<

$(B)/libcore-plain.a: $(patsubst %.c,$(B)/plain/%.o,$(CORE_SRC) $(EHABI_SRC)) $(B)/plain/$(SMALL_DIGITS).o $(B)/obj/$(PLAIN_SEAM).o
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The same under ThreadSanitizer, whatever SAN is. gcc warns (-Wtsan) that ThreadSanitizer does not understand fences.
# It may ignore them: no access that it checks here is ordered by a fence alone.
TSAN     := -fsanitize=thread -fno-sanitize-recover=all -fno-omit-frame-pointer $(if $(findstring clang,$(CC)),,-Wno-tsan)
TSAN_SRC := $(CORE_SRC) $(PLAIN_SEAM).c tests/unit/races.c
$(B)/tsan/%.o: %.c $(B)/variant
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(includes) $(TSAN) -ftls-model=initial-exec $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/tests/races: $(TSAN_SRC:%.c=$(B)/tsan/%.o) | $(LIBATOMIC)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ $(TSAN) $(CFLAGS) $(LDFLAGS) $(UNWIND_LIBS_$(UNWIND_file)) $(ATOMIC_LIBS)

# ---- suites -------------------------------------------------------------------

SUPPORT := $(call obj,$(addprefix tests/support/,support.c chip.c commands.c emulated.c failures.c faults.c flavours.c \
	inlined.c journals.c leaker.c linked.c messages.c opened.c packed_text.c rings.c rotated.c small_trace.c traced.c \
	tracing.c triggers.c))

# $(1) folder, $(2) what its suites link beside their support
define suite_rule
$(patsubst $(1)/%.c,$(B)/tests/%,$(filter $(1)/%,$(SUITE_FILES))): $(B)/tests/%: $(B)/obj/$(1)/%.o $(SUPPORT) $(2) | $(LIBATOMIC)
	$$(call say,LINK,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(CC) -o $$@ $$^ $$(SANFLAGS) $$(CFLAGS) $$(LDFLAGS) $$(CHECK_LIBS) $$(READER_LIBS) $$(UNWIND_LIBS_$$(UNWIND_file)) $$(ATOMIC_LIBS)
endef
$(eval $(call suite_rule,tests/unit,$(B)/libreader.a $(B)/libcore-plain.a))
$(eval $(call suite_rule,tests/tracer,$(B)/libreader.a))
$(eval $(call suite_rule,tests/commands,$(B)/libtools.a $(B)/libreader.a))

suites: $(SUITES:%=$(B)/tests/%)

# Judges the traces of `make smoke` and `make soak`, too.
$(B)/tests/judge: $(B)/obj/tests/support/judge.o $(B)/libreader.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ $(SANFLAGS) $(CFLAGS) $(LDFLAGS) $(READER_LIBS)

# These load libraries or replace the allocator at run time, which a static program can't, or are run plain alone.
ONLY_PLAIN := attached first_calls attach_crew attach_inside attach_later attach_sealed frame_pointers plugin soak loading leaving forge_journal exec_after damage_library
PROGRAMS := $(foreach p,$(PROGRAMS_C) $(PROGRAMS_CC),$(B)/tests/programs/$(p)) \
	$(foreach p,$(filter-out $(ONLY_PLAIN),$(PROGRAMS_C) $(PROGRAMS_CC)),$(WRAPPED:%=$(B)/tests/programs/$(p)%)) \
	$(foreach p,$(filter leak-%,$(EXAMPLES_C)),$(WRAPPED:%=$(B)/examples/$(p)%))

# SUITE=test_heap runs one suite, SUITE='test_heap test_api' runs two.
SUITE ?= $(SUITES)
ifneq ($(and $(filter check,$(MAKECMDGOALS)),$(filter-out $(SUITES),$(SUITE))),)
$(error SUITE=$(SUITE): it has to be one or more of: $(sort $(SUITES)))
endif

# Most suites wait more than they compute, and each works in directories of its own. So more run at a time than there are
# processors.
TEST_JOBS ?= $(shell n=$$(nproc); echo $$((n < 2 ? 2 : n > 4 ? 4 : n + 1)))

tested: all examples $(PROGRAMS) $(B)/tests/races $(B)/tests/judge $(SUITE:%=$(B)/tests/%)

# Also without -j, which 'make deps check' can't have, all processors compile.
check:
	@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(TEST_JOBS)) tested
	@rm -rf $(B)/tests/scratch && mkdir -p $(B)/tests/scratch
	@printf '%s\n' $(SUITE) | LM_BUILD=$(abspath $(B)) LM_SOURCE=$(CURDIR) CC='$(CC)' CXX='$(CXX)' \
		xargs -P $(TEST_JOBS) -n 1 tests/support/suite.sh $(B)/tests; \
	failed=$$(cat $(B)/tests/scratch/failed 2>/dev/null | tr '\n' ' '); \
	skipped=$$(cat $(B)/tests/scratch/skipped 2>/dev/null | wc -l); \
	[ -z "$$failed" ] || tests/support/failures.sh $(B)/tests/scratch; \
	rm -rf $(B)/tests/scratch; \
	if [ -n "$$failed" ]; then echo "FAILED: $$failed"; exit 1; fi; \
	echo "all suites passed; tests skipped: $$skipped"

# Sampled traces against full ones, by what the commands say of them: 200 runs of each kind take five minutes.
RUNS ?= 200
statistics: all $(B)/tests/programs/estimated $(B)/tests/programs/estimated.static
	@tests/statistics/estimates.py $(B) $(RUNS)

.PHONY: suites tested check statistics
