# SPDX-License-Identifier: LGPL-3.0-or-later
# The archives for programs without an operating system: the core's own modules, on top of port/bare, and src/embedded.
#   make embedded CROSS_COMPILE=arm-none-eabi- CFLAGS='-mcpu=cortex-m3 -mthumb -Os -g'
# See log-malloc2-embedded(7).

# How much is unwound: the caller alone, or 32-bit ARM's tables and the stack.
EMBEDDED_UNWIND ?= caller
EMBEDDED_UNWINDERS := caller exidx
ifeq ($(EMBEDDED_UNWIND)$(UNWIND_ARM),exidx)
$(error EMBEDDED_UNWIND=exidx: it knows 32-bit ARM, and this is for $(ARCH))
endif
ifneq ($(filter-out $(EMBEDDED_UNWINDERS),$(EMBEDDED_UNWIND))$(word 2,$(EMBEDDED_UNWIND)),)
$(error EMBEDDED_UNWIND=$(EMBEDDED_UNWIND): it has to be one of: $(EMBEDDED_UNWINDERS))
endif

# Blocks that the table has room for in a program that does not define it itself.
EMBEDDED_BLOCKS ?= 256
# Functions of other allocators, each with its shape: EMBEDDED_FUNCTIONS='pool_get:MALLOC pool_put:FREE'
EMBEDDED_FUNCTIONS ?=

EMBEDDED_DEPTH_caller := 1
EMBEDDED_DEPTH_exidx  := 8
EMBEDDED_WITH_caller  := unwind/caller
EMBEDDED_WITH_exidx   := unwind/ehabi unwind/chip
# Callers in a backtrace, at most.
EMBEDDED_DEPTH ?= $(EMBEDDED_DEPTH_$(EMBEDDED_UNWIND))

# The folders of the chip's core, lowest first, and those sources of them that it takes.
EMBEDDED_DIRS := src/format $(addprefix src/core/,port/bare port base/small base seam books unwind $(EMBEDDED_WITH_$(EMBEDDED_UNWIND)) trace) src/embedded
EMBEDDED_SRC  := src/core/base/text.c src/core/base/small/digits.c src/core/books/hot.c src/core/trace/record.c \
	$(wildcard src/core/port/bare/*.c $(EMBEDDED_WITH_$(EMBEDDED_UNWIND):%=src/core/%/*.c) src/embedded/*.c)

# Those that nothing else has.
EMBEDDED_OWN := src/core/port/bare src/core/base/small src/core/unwind/caller src/core/unwind/chip src/embedded src/embedded/count

EMBEDDED_DEFINES = -DLM_DEPTH=$(EMBEDDED_DEPTH) -DLM_TABLE_BLOCKS=$(EMBEDDED_BLOCKS)
EMBEDDED = -std=gnu11 $(WARN) $(DEPS) $(EMBEDDED_DEFINES) \
	-ffunction-sections -fdata-sections -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free \
	-fvisibility=hidden -fno-exceptions
# make's own default is for programs that have room.
EMBEDDED_CFLAGS = $(if $(filter file,$(origin CFLAGS)),-Os -g,$(CFLAGS))

EMBEDDED_LIST := $(B)/embedded/functions
$(EMBEDDED_LIST): src/embedded/functions FORCE
	@mkdir -p $(@D)
	@{ cat $<; printf '%s\n' $(EMBEDDED_FUNCTIONS) | tr ':' ' '; } | cmp -s - $@ || \
		{ cat $<; printf '%s\n' $(EMBEDDED_FUNCTIONS) | tr ':' ' '; } >$@

EMBEDDED_PAIRS = $(shell awk 'NF >= 2 { print $$1 ":" $$2 }' src/embedded/functions) $(EMBEDDED_FUNCTIONS)
EMBEDDED_NAMES = $(foreach p,$(EMBEDDED_PAIRS),$(firstword $(subst :, ,$(p))))

# A libc is searched behind the archive, and calls some functions itself. So these are asked for from the start. Those that
# end in _r are newlib's alone.
EMBEDDED_LIBC   = $(filter lm_%,$(shell $(CC) $(CPPFLAGS) $(EMBEDDED_CFLAGS) -E -P mk/clibrary.c 2>/dev/null))
EMBEDDED_ASKED  = $(shell awk '$$3 == "any"$(if $(filter lm_newlib,$(EMBEDDED_LIBC)), || $$3 == "newlib") { print $$1 }' \
	src/embedded/functions)
EMBEDDED_WRAP_FLAGS = $(foreach n,$(EMBEDDED_NAMES),-Wl,--wrap=$(n)) $(EMBEDDED_ASKED:%=-Wl,--undefined=__wrap_%)

compile_embedded = $(CC) $(EMBEDDED) $(call iquote,$(EMBEDDED_DIRS)) -Iinclude $(CPPFLAGS) $(EMBEDDED_CFLAGS) -fno-lto

EMBEDDED_VARIANT = $(VARIANT) $(EMBEDDED_UNWIND) $(EMBEDDED_DEPTH) $(EMBEDDED_BLOCKS)
$(B)/embedded/variant: FORCE
	$(call remember,$(EMBEDDED_VARIANT))

$(B)/embedded/%.o: %.c $(B)/embedded/variant
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(compile_embedded) -c -o $@ $<

# An object for each function, see names.h.
$(B)/embedded/names/%.c: $(EMBEDDED_LIST) $(B)/embedded/variant mk/embedded.mk
	@mkdir -p $(@D)
	@awk -v libc=$(EMBEDDED_LIBC:lm_%=%) '$$1 == "$*" { \
		for (i = 3; i <= NF; i++) if (index($$i, libc "=") == 1) sub(/.*=/, "", $$i) && $$2 = $$i; \
		print "#include \"names.h\"\nLOG_MALLOC_WRAP_" $$2 "(" $$1 ");"; \
		if (libc == "newlib" && sub(/^needs:/, "", $$3)) print "LM_NEEDS(" $$3 ");" }' $< >$@

$(B)/embedded/names/%.o: $(B)/embedded/names/%.c $(B)/embedded/variant
	$(Q)$(compile_embedded) -c -o $@ $<

EMBEDDED_ARCHIVE := $(B)/liblog-malloc2-embedded.a
$(EMBEDDED_ARCHIVE): $(EMBEDDED_SRC:%.c=$(B)/embedded/%.o) $(EMBEDDED_NAMES:%=$(B)/embedded/names/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

PC_EMBEDDED := $(B)/pkgconfig/log-malloc2-embedded.pc
pc_embedded = sed -e 's|@prefix@|$(1)|' -e 's|@libdir@|$(2)|' -e 's|@includedir@|$(3)|' -e 's|@VERSION@|$(VERSION)|' \
	-e 's|@WRAP_FLAGS@|$(strip $(EMBEDDED_WRAP_FLAGS))|' -e 's|@COUNT_FLAGS@|$(strip $(COUNT_FLAGS))|'
$(PC_EMBEDDED) $(B)/pkgconfig/log-malloc2-count.pc: $(B)/pkgconfig/%.pc: pkgconfig/%.pc.in $(EMBEDDED_LIST) Makefile mk/embedded.mk $(B)/embedded/variant
	@mkdir -p $(@D)
	$(Q)$(call pc_embedded,$(abspath $(B)),$(abspath $(B)),$(abspath include)) $< >$@

# ---- counters alone -----------------------------------------------------------

COUNT_ARCHIVE := $(B)/liblog-malloc2-count.a
COUNT_LIST     = src/embedded/count/functions
COUNT_NAMES    = $(shell awk '"lm_" $$3 == "$(EMBEDDED_LIBC)" { print $$1 }' $(COUNT_LIST))
COUNT_SHAPE    = $$1 == "$*" && "lm_" $$3 == "$(EMBEDDED_LIBC)"
COUNT_FLAGS    = $(foreach n,$(COUNT_NAMES) pvPortMalloc vPortFree,-Wl,--wrap=$(n)) \
	$(foreach n,$(filter malloc free realloc _malloc_r _free_r _realloc_r,$(COUNT_NAMES)),-Wl,--undefined=__wrap_$(n))

$(B)/embedded/counted/%.c: $(COUNT_LIST) $(B)/embedded/variant mk/embedded.mk
	@mkdir -p $(@D)
	@awk '$(COUNT_SHAPE) { print "#include \"libc.h\"\nLM_COUNT_SHAPE_" $$2 "(" $$1 ");" }' $< >$@

$(B)/embedded/counted/%.o: $(B)/embedded/counted/%.c $(B)/embedded/variant
	$(Q)$(compile_embedded) -iquote src/embedded/count -c -o $@ $<

$(COUNT_ARCHIVE): $(patsubst %.c,$(B)/embedded/%.o,$(wildcard src/embedded/count/*.c)) $(COUNT_NAMES:%=$(B)/embedded/counted/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

PC_COUNT := $(B)/pkgconfig/log-malloc2-count.pc

# ---- what is built and installed ----------------------------------------------

embedded: $(EMBEDDED_ARCHIVE) $(PC_EMBEDDED) $(COUNT_ARCHIVE) $(PC_COUNT)

INSTALLED_EMBEDDED := \
	$(foreach h,$(HEADERS) include/log-malloc2-embedded.h include/log-malloc2-zephyr.h,644:$(h):$(includedir)/$(notdir $(h))) \
	$(foreach f,$(EMBEDDED_ARCHIVE) $(COUNT_ARCHIVE),644:$(f):$(libdir)/$(notdir $(f))) \
	$(foreach p,$(PC_EMBEDDED) $(PC_COUNT),$(call pc_entry,$(p))) \
	$(call man_entry,man/log-malloc2-embedded.7)

install-embedded: embedded
	@mkdir -p $(B)/install
	$(foreach p,$(PC_EMBEDDED) $(PC_COUNT),$(call pc_embedded,$(prefix),$(call under_prefix,$(libdir)),$(call \
		under_prefix,$(includedir))) pkgconfig/$(notdir $(p)).in >$(B)/install/$(notdir $(p))$(newline))
	$(call put_all,$(INSTALLED_EMBEDDED))

.PHONY: embedded install-embedded
