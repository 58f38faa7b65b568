# SPDX-License-Identifier: LGPL-3.0-or-later
# The examples, the test programs, and `make demo`. They are built as users build theirs: through pkg-config.

EXAMPLES_C  := $(basename $(notdir $(wildcard examples/*.c)))
EXAMPLES_CC := $(basename $(notdir $(wildcard examples/*.cc)))
PROGRAMS_C  := $(basename $(notdir $(wildcard tests/programs/*.c)))
PROGRAMS_CC := $(basename $(notdir $(wildcard tests/programs/*.cc)))

pkgconf = $$(PKG_CONFIG_PATH=$(abspath $(B))/pkgconfig:$$PKG_CONFIG_PATH $(PKG_CONFIG) $(1))

EXAMPLE_FLAGS = -g -O0 -Wall -Wextra -pthread -Iinclude
# Test programs count their calls, so the compiler must not remove any.
PROGRAM_FLAGS = -g -O1 -Wall -Wextra -pthread -Iinclude \
	-fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free
# It does what the launcher does.
$(B)/tests/programs/attached: PROGRAM_FLAGS += -iquote src/format
$(B)/tests/programs/attached: src/format/attach.h

# Each program is built plain (for the preload library) and in the ways to link the wrap archive.
WRAPPED := .wrap .static .static-pie

# $(1) directory, $(2) suffix of the source, $(3) compiler, $(4) its name in the output, $(5) flags
define program_rules
$(B)/$(1)/%: $(1)/%.$(2) $(HEADERS)
	$$(call say,$(4),$$@)
	@mkdir -p $$(@D)
	$$(Q)$(3) $(5) -o $$@ $$< -ldl
$(B)/$(1)/%.wrap: $(1)/%.$(2) $(HEADERS) $(ARCHIVE) $(NEEDED) $(PC_WRAP)
	$$(call say,$(4),$$@)
	@mkdir -p $$(@D)
	$$(Q)$(3) $(5) -o $$@ $$< $$(call pkgconf,--cflags --libs log-malloc2-wrap) -ldl
$(B)/$(1)/%.static: $(1)/%.$(2) $(HEADERS) $(ARCHIVE) $(NEEDED) $(PC_WRAP)
	$$(call say,$(4),$$@)
	@mkdir -p $$(@D)
	$$(Q)$(3) -static $(5) -o $$@ $$< $$(call pkgconf,--static --cflags --libs log-malloc2-wrap)
$(B)/$(1)/%.static-pie: $(1)/%.$(2) $(HEADERS) $(ARCHIVE) $(NEEDED) $(PC_WRAP)
	$$(call say,$(4),$$@)
	@mkdir -p $$(@D)
	$$(Q)$(3) -static-pie -fPIE $(5) -o $$@ $$< $$(call pkgconf,--static --cflags --libs log-malloc2-wrap)
endef
$(eval $(call program_rules,tests/programs,c,$(CC),CC,$$(PROGRAM_FLAGS)))
$(eval $(call program_rules,tests/programs,cc,$(CXX),CXX,$(PROGRAM_FLAGS)))
$(eval $(call program_rules,examples,c,$(CC),CC,$(EXAMPLE_FLAGS)))
$(eval $(call program_rules,examples,cc,$(CXX),CXX,$(EXAMPLE_FLAGS)))

# The examples of the C API link the preload library, which has it.
$(B)/examples/api-%: examples/api-%.c $(HEADERS) preload
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(EXAMPLE_FLAGS) -o $@ $< $(call pkgconf,--cflags --libs log-malloc2) -Wl,-rpath,$(abspath $(B))

examples: $(EXAMPLES_C:%=$(B)/examples/%) $(EXAMPLES_CC:%=$(B)/examples/%)

demo: all $(B)/examples/leak-01 $(B)/examples/leak-01.static $(B)/examples/leak-02
	@examples/demo.sh $(B)
	@examples/picture.sh $(B) $(B)/leak.svg
	@echo && echo '== A picture of what leak-02 leaks: $(B)/leak.svg'

# What README.md shows.
pictures: all $(B)/examples/leak-02
	@examples/picture.sh $(B) docs/leak.svg

.PHONY: examples demo pictures
