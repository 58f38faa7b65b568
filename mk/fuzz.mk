# SPDX-License-Identifier: LGPL-3.0-or-later
# `make fuzz` runs each fuzz target for FUZZ_SECONDS. A target is one file, tests/fuzz/fuzz_NAME.c, with its first
# inputs in tests/fuzz/corpus/NAME.

FUZZERS      := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60
FUZZ_CC      ?= clang
# A small ring: an input of a fuzzer has to fill it.
FUZZ_RING    := '-DLM_JOURNAL_RING=((size_t)8 << 10)'
FUZZ_FLAGS   := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

# src/outside is left out: it has a machine.h of its own, and the targets need the core's.
INCLUDES_tests/fuzz := $(call iquote,$(filter-out src/outside/%,$(READER_LAYERS)) $(CORE_LAYERS) $(EHABI) tests/fuzz)

# The reader is compiled again, so that the fuzzer sees which of its branches an input takes.
$(B)/fuzz/obj/%.o: %.c $(B)/variant
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(BASE) $(includes) $(FUZZ_FLAGS) $(FUZZ_RING) -fsanitize=fuzzer-no-link -c -o $@ $<

$(PPROF_SRC:%.c=$(B)/fuzz/obj/%.o): $(B)/generated/profile.pb-c.h

$(B)/fuzz/%: $(B)/fuzz/obj/tests/fuzz/fuzz_%.o $(READER_SRC:%.c=$(B)/fuzz/obj/%.o) $(B)/generated/profile.pb-c.o $(B)/generated/page_template.o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) -o $@ $^ $(FUZZ_FLAGS) -fsanitize=fuzzer $(READER_LIBS)

# What the tracker reads of objects. Our own unwinder has to be there.
FUZZERS := $(filter-out $(if $(filter dwarf,$(UNWIND_file)),,image),$(FUZZERS))
$(B)/fuzz/image: $(B)/fuzz/obj/tests/fuzz/fuzz_image.o $(CORE_SRC:%.c=$(B)/fuzz/obj/%.o) $(B)/fuzz/obj/$(PLAIN_SEAM).o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) -o $@ $^ $(FUZZ_FLAGS) -fsanitize=fuzzer -ldl

# What the unwinder for 32-bit ARM reads of tables, on any machine.
$(B)/fuzz/exidx: $(B)/fuzz/obj/tests/fuzz/fuzz_exidx.o $(patsubst %.c,$(B)/fuzz/obj/%.o,$(wildcard $(EHABI)/*.c))
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) -o $@ $^ $(FUZZ_FLAGS) -fsanitize=fuzzer

# The build directory keeps the inputs that reached new code (in found/) and the inputs that broke something.
fuzz: $(FUZZERS:%=$(B)/fuzz/%)
	@for name in $(FUZZERS); do \
		mkdir -p $(B)/fuzz/found/$$name; \
		$(B)/fuzz/$$name -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
			-artifact_prefix=$(B)/fuzz/$$name- $(B)/fuzz/found/$$name \
			$$(ls -d tests/fuzz/corpus/$$name tests/golden 2>/dev/null) >$(B)/fuzz/$$name.log 2>&1 </dev/null || \
			{ grep -a -e "does not hold" -e "ERROR:" -e "^    #[0-9] " -e "Test unit" $(B)/fuzz/$$name.log; exit 1; }; \
		echo "fuzz $$name: $$(sed -n 's/^stat::number_of_executed_units: *//p' $(B)/fuzz/$$name.log) inputs, nothing found"; \
	done

.PHONY: fuzz
