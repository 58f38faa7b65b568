# SPDX-License-Identifier: LGPL-3.0-or-later
# One Makefile, not recursive. `make help` prints what it can do.

VERSION   := 1.0.0
SOVERSION := 1

B      ?= build
UNWIND ?= auto
SAN    ?=
V      ?= 0

prefix     ?= /usr/local
bindir     ?= $(prefix)/bin
libdir     ?= $(prefix)/lib
includedir ?= $(prefix)/include
mandir     ?= $(prefix)/share/man
docdir     ?= $(prefix)/share/doc/log-malloc2
compdir    ?= $(prefix)/share/bash-completion/completions
DESTDIR    ?=

CC         ?= cc
CXX        ?= c++
AR         ?= ar
LD         ?= ld
OBJCOPY    ?= objcopy
PKG_CONFIG ?= pkg-config
CFLAGS     ?= -O2 -g
CXXFLAGS   ?= -O2 -g
LDFLAGS    ?=

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

Q := $(if $(filter 1,$(V)),,@)

# ---- the chosen variants, checked -------------------------------------------

TARGET := $(shell $(CC) -dumpmachine 2>/dev/null)
ARCH   := $(firstword $(subst -, ,$(TARGET)))

# Our own unwinder knows these machines; elsewhere libunwind has to.
UNWIND_auto := $(if $(filter x86_64 aarch64,$(ARCH)),dwarf,libunwind)
UNWIND_file := $(if $(filter auto,$(UNWIND)),$(UNWIND_auto),$(UNWIND))
UNWINDERS   := auto dwarf libunwind execinfo none
ifeq ($(filter $(UNWINDERS),$(UNWIND)),)
$(error UNWIND=$(UNWIND): it has to be one of: $(UNWINDERS))
endif
ifneq ($(words $(UNWIND)),1)
$(error UNWIND=$(UNWIND): it has to be one of: $(UNWINDERS))
endif

SANITIZERS := address undefined thread address,undefined
ifneq ($(filter-out $(SANITIZERS),$(SAN))$(word 2,$(SAN)),)
$(error SAN=$(SAN): it has to be empty or one of: $(SANITIZERS))
endif
ifneq ($(filter-out 0 1,$(V))$(word 2,$(V)),)
$(error V=$(V): it has to be 0 or 1)
endif

# Make would take a path with a space for two.
DIRECTORIES := B DESTDIR prefix bindir libdir includedir mandir docdir compdir
$(foreach d,$(DIRECTORIES),$(if $(word 2,$($(d))),$(error $(d)=$($(d)): there can't be a space in it)))

UNWIND_LIBS_libunwind = $(shell $(PKG_CONFIG) --libs libunwind)
UNWIND_PC_libunwind   = libunwind
# libunwind.a refers to these weakly, and crashes where nothing else pulled some of them in.
UNWIND_PC_FLAGS_libunwind = $(foreach f,key_create setspecific once mutex_init mutex_lock mutex_unlock,-Wl,--undefined=pthread_$(f))

# ---- flags --------------------------------------------------------------------

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
DEPS  = -MMD -MP
BASE  = -std=gnu11 $(WARN) $(DEPS) -D_GNU_SOURCE -DLM_VERSION='"$(VERSION)"'
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)

# The tracker: position independent, nothing exported but what says so, its
# few bytes of thread-local storage always there, and no allocation call that
# the compiler could think away or make up.
TRACKER = $(BASE) -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-lto \
	-fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free \
	-fasynchronous-unwind-tables -fno-plt -fno-stack-protector -fno-exceptions -Iinclude

# ---- layers -------------------------------------------------------------------

# Each list is in order, lowest first. A folder is compiled with the -iquote paths of itself and of those before
# it alone, so an include that climbs does not compile; `make lint` looks at the references.
CORE_LAYERS   := $(addprefix src/core/,port/linux base seam books objects unwind unwind/$(UNWIND_file) out trace session entry)
TRACKER_DIRS  := src/format $(CORE_LAYERS)
READER_LAYERS := src/format $(addprefix src/reader/,base input trace heap symbols report export)
TOOLS_LAYERS  := $(READER_LAYERS) src/tools

# Of the list $(1): what comes before and including $(2).
up_to = $(if $(1),$(firstword $(1)) $(if $(filter $(2),$(firstword $(1))),,$(call up_to,$(wordlist 2,$(words $(1)),$(1)),$(2))))
iquote = $(addprefix -iquote ,$(1))

# What a folder's objects are compiled with: INCLUDES_folder and FLAGS_folder.
$(foreach d,$(CORE_LAYERS),$(eval INCLUDES_$(d) := $(call iquote,$(TRACKER_DIRS)))$(eval FLAGS_$(d) = $$(TRACKER)))
$(foreach d,src/preload wrap,$(eval INCLUDES_$(d) := $(call iquote,$(TRACKER_DIRS) $(d)))$(eval FLAGS_$(d) = $$(TRACKER)))
$(foreach d,$(filter-out src/format,$(TOOLS_LAYERS)),$(eval INCLUDES_$(d) := $(call iquote,$(call up_to,$(TOOLS_LAYERS),$(d)) $(B)/generated) -Iinclude)$(eval FLAGS_$(d) = $$(BASE) $$(SANFLAGS)))
INCLUDES_tests := $(call iquote,$(READER_LAYERS) $(CORE_LAYERS) tests) -Iinclude
FLAGS_tests     = $(BASE) $(CHECK_CFLAGS) $(SANFLAGS)
FLAGS_src/tools += -DLM_LIBDIR='"$(libdir)"'

# Of the source that a rule is about.
includes = $(INCLUDES_$(patsubst %/,%,$(dir $<)))
flags    = $(FLAGS_$(patsubst %/,%,$(dir $<)))

# ---- sources ------------------------------------------------------------------

CORE_SRC    := $(foreach d,$(CORE_LAYERS),$(wildcard $(d)/*.c))
PRELOAD_SRC := $(wildcard src/preload/*.c)
WRAP_SRC    := $(wildcard wrap/*.c)
READER_SRC  := $(foreach d,$(READER_LAYERS),$(wildcard $(d)/*.c))
TOOLS       := log-malloc log-malloc-findleak log-malloc-report log-malloc-diff log-malloc-trackusage backtrace2line
SHARED_SRC  := $(filter-out $(TOOLS:%=src/tools/%.c),$(wildcard src/tools/*.c))
HEADERS     := include/log-malloc2.h include/log-malloc2_util.h
MAN         := $(wildcard man/*.[1-9])
EXAMPLES_C  := $(basename $(notdir $(wildcard examples/*.c)))
EXAMPLES_CC := $(basename $(notdir $(wildcard examples/*.cc)))
SUITES      := $(basename $(notdir $(wildcard tests/test_*.c)))
PROGRAMS_C  := $(basename $(notdir $(wildcard tests/programs/*.c)))
PROGRAMS_CC := $(basename $(notdir $(wildcard tests/programs/*.cc)))

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

# A build directory remembers its variant: another one rebuilds what depends on it.
VARIANT := UNWIND=$(UNWIND_file) SAN=$(SAN) CC=$(CC) CFLAGS=$(CFLAGS) LDFLAGS=$(LDFLAGS)
remember = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
$(B)/variant: FORCE
	$(call remember,$(VARIANT))
$(B)/libdir: FORCE
	$(call remember,$(libdir))

# ---- what is built ------------------------------------------------------------

PRELOAD := $(B)/liblog-malloc2.so
ARCHIVE := $(B)/liblog-malloc2-wrap.a
PC      := $(B)/pkgconfig/log-malloc2.pc
PC_WRAP := $(B)/pkgconfig/log-malloc2-wrap.pc

all: preload wrap tools
preload: $(PRELOAD) $(PC)
wrap: $(ARCHIVE) $(PC_WRAP)
tools: $(TOOLS:%=$(B)/%)

say = @printf '  %-7s %s\n' $(1) $(2)

# One rule for all objects; the folder says the rest.
$(B)/obj/%.o: %.c $(B)/variant
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(flags) $(includes) $(CFLAGS) -c -o $@ $<

# Where the launcher looks at last.
$(B)/obj/src/tools/log-malloc.o: $(B)/libdir

$(B)/$(PRELOAD:$(B)/%=%).$(SOVERSION): $(call obj,$(CORE_SRC) $(PRELOAD_SRC)) src/preload/exports.map
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -o $@ $(filter %.o,$^) -Wl,-soname,$(@F) -Wl,--version-script=src/preload/exports.map \
		-Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,-z,nodelete $(CFLAGS) $(LDFLAGS) $(UNWIND_LIBS_$(UNWIND_file)) -ldl

$(PRELOAD): $(PRELOAD).$(SOVERSION)
	$(Q)ln -sf $(<F) $@

# One object: whatever the linker needs first brings everything, and the
# tracker's own names stay inside.
$(B)/obj/wrap.o: $(call obj,$(CORE_SRC) $(WRAP_SRC))
	$(call say,LD,$@)
	$(Q)$(CC) -nostdlib -r -o $@ $^
	$(Q)$(OBJCOPY) --localize-hidden $@

$(ARCHIVE): $(B)/obj/wrap.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# pprof's messages, by protobuf-c.
$(B)/generated/%.pb-c.c: src/reader/export/%.proto
	$(call say,PROTO,$@)
	@mkdir -p $(@D)
	$(Q)protoc-c --c_out=$(@D) -I $(<D) $<

$(B)/generated/%.pb-c.h: $(B)/generated/%.pb-c.c ;

$(B)/generated/%.pb-c.o: $(B)/generated/%.pb-c.c $(B)/variant
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE) -iquote $(B)/generated $(SANFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/obj/src/reader/export/export_pprof.o: $(B)/generated/profile.pb-c.h

$(B)/libreader.a: $(call obj,$(READER_SRC)) $(B)/generated/profile.pb-c.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

READER_LIBS = -pthread -ldw -lelf -liberty -lzstd -lz -ljansson -lprotobuf-c -ldl

# Of what commands share, each gets what it uses.
$(B)/libtools.a: $(call obj,$(SHARED_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(TOOLS:%=$(B)/%): $(B)/%: $(B)/obj/src/tools/%.o $(B)/libtools.a $(B)/libreader.a
	$(call say,LINK,$@)
	$(Q)$(CC) -o $@ $^ $(SANFLAGS) $(CFLAGS) $(LDFLAGS) $(READER_LIBS)

# ---- pkg-config ---------------------------------------------------------------

WRAP_FLAGS = $(shell sed -n 's/^\([a-z_A-Z]\{1,\}\).*/-Wl,--wrap=\1/p' wrap/functions)

pc = sed -e 's|@prefix@|$(1)|' -e 's|@libdir@|$(2)|' -e 's|@includedir@|$(3)|' -e 's|@VERSION@|$(VERSION)|' \
	-e 's|@WRAP_FLAGS@|$(strip $(WRAP_FLAGS))|' -e 's|@UNWIND_PC@|$(UNWIND_PC_$(UNWIND_file))|' \
	-e 's|@UNWIND_PC_FLAGS@|$(UNWIND_PC_FLAGS_$(UNWIND_file))|'

$(B)/pkgconfig/%.pc: pkgconfig/%.pc.in wrap/functions Makefile $(B)/variant
	@mkdir -p $(@D)
	$(Q)$(call pc,$(abspath $(B)),$(abspath $(B)),$(abspath include)) $< >$@

# ---- install ------------------------------------------------------------------

# One list, FROM:TO, for install and uninstall alike.
INSTALL_BIN  := $(TOOLS:%=$(B)/%)
INSTALL_LIST  = $(foreach t,$(TOOLS),$(bindir)/$(t)) $(foreach h,$(notdir $(HEADERS)),$(includedir)/$(h)) \
	$(libdir)/$(notdir $(PRELOAD)) $(libdir)/$(notdir $(PRELOAD)).$(SOVERSION) $(libdir)/$(notdir $(ARCHIVE)) \
	$(libdir)/pkgconfig/log-malloc2.pc $(libdir)/pkgconfig/log-malloc2-wrap.pc \
	$(foreach m,$(MAN),$(mandir)/man$(subst .,,$(suffix $(m)))/$(notdir $(m))) \
	$(foreach d,$(DOCS),$(docdir)/$(d)) $(foreach t,$(TOOLS),$(compdir)/$(t))
DOCS := README.md CHANGELOG.md COPYING COPYING.LESSER

# A prefix inside the .pc files stays a variable, so that they can be moved.
under_prefix = $(patsubst $(prefix)/%,$${prefix}/%,$(1))

install: all
	install -d $(addprefix $(DESTDIR),$(sort $(dir $(INSTALL_LIST))))
	install -m 755 $(INSTALL_BIN) $(DESTDIR)$(bindir)
	install -m 644 $(HEADERS) $(DESTDIR)$(includedir)
	install -m 644 $(ARCHIVE) $(DESTDIR)$(libdir)
	install -m 755 $(PRELOAD).$(SOVERSION) $(DESTDIR)$(libdir)
	ln -sf $(notdir $(PRELOAD)).$(SOVERSION) $(DESTDIR)$(libdir)/$(notdir $(PRELOAD))
	$(foreach p,log-malloc2 log-malloc2-wrap,$(call pc,$(prefix),$(call under_prefix,$(libdir)),$(call under_prefix,$(includedir))) \
		pkgconfig/$(p).pc.in >$(DESTDIR)$(libdir)/pkgconfig/$(p).pc &&) :
	$(foreach m,$(MAN),install -m 644 $(m) $(DESTDIR)$(mandir)/man$(subst .,,$(suffix $(m))) &&) :
	install -m 644 $(DOCS) $(DESTDIR)$(docdir)
	@# bash looks for a file of the command's name: one for all of them.
	install -m 644 completions/log-malloc2.bash $(DESTDIR)$(compdir)/$(firstword $(TOOLS))
	$(foreach t,$(wordlist 2,$(words $(TOOLS)),$(TOOLS)),ln -sf $(firstword $(TOOLS)) $(DESTDIR)$(compdir)/$(t) &&) :
	@# Installed in place, the loader has to learn of the library; in a package's tree, its package does that.
	@[ -n '$(DESTDIR)' ] || [ "$$(id -u)" != 0 ] || ldconfig

uninstall:
	rm -f $(addprefix $(DESTDIR),$(INSTALL_LIST))
	[ ! -d $(DESTDIR)$(docdir) ] || rmdir $(DESTDIR)$(docdir)

# ---- examples and the demonstration -------------------------------------------

examples: $(EXAMPLES_C:%=$(B)/examples/%) $(EXAMPLES_CC:%=$(B)/examples/%)

# Examples and test programs are built as their users would: through pkg-config.
pkgconf = $$(PKG_CONFIG_PATH=$(abspath $(B))/pkgconfig:$$PKG_CONFIG_PATH $(PKG_CONFIG) $(1))

PROGRAM_FLAGS = -g -O1 -Wall -Wextra -pthread -Iinclude -fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free
EXAMPLE_FLAGS = -g -O0 -Wall -Wextra -pthread -Iinclude

# $(1) directory, $(2) suffix of the source, $(3) compiler, $(4) its name in the output, $(5) flags
define program_rules
$(B)/$(1)/%: $(1)/%.$(2) $(HEADERS)
	$$(call say,$(4),$$@)
	@mkdir -p $$(@D)
	$$(Q)$(3) $(5) -o $$@ $$< -ldl
$(B)/$(1)/%.wrap: $(1)/%.$(2) $(HEADERS) $(ARCHIVE) $(PC_WRAP)
	$$(call say,$(4),$$@)
	@mkdir -p $$(@D)
	$$(Q)$(3) $(5) -o $$@ $$< $$(call pkgconf,--cflags --libs log-malloc2-wrap) -ldl
$(B)/$(1)/%.static: $(1)/%.$(2) $(HEADERS) $(ARCHIVE) $(PC_WRAP)
	$$(call say,$(4),$$@)
	@mkdir -p $$(@D)
	$$(Q)$(3) -static $(5) -o $$@ $$< $$(call pkgconf,--static --cflags --libs log-malloc2-wrap)
$(B)/$(1)/%.static-pie: $(1)/%.$(2) $(HEADERS) $(ARCHIVE) $(PC_WRAP)
	$$(call say,$(4),$$@)
	@mkdir -p $$(@D)
	$$(Q)$(3) -static-pie -fPIE $(5) -o $$@ $$< $$(call pkgconf,--static --cflags --libs log-malloc2-wrap)
endef
$(eval $(call program_rules,tests/programs,c,$(CC),CC,$(PROGRAM_FLAGS)))
$(eval $(call program_rules,tests/programs,cc,$(CXX),CXX,$(PROGRAM_FLAGS)))
$(eval $(call program_rules,examples,c,$(CC),CC,$(EXAMPLE_FLAGS)))
$(eval $(call program_rules,examples,cc,$(CXX),CXX,$(EXAMPLE_FLAGS)))

# Those that use the C API need a library that has it.
$(B)/examples/api-%: examples/api-%.c $(HEADERS) preload
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(EXAMPLE_FLAGS) -o $@ $< $(call pkgconf,--cflags --libs log-malloc2) -Wl,-rpath,$(abspath $(B))

demo: all $(B)/examples/leak-01 $(B)/examples/leak-01.static
	@examples/demo.sh $(B)

# ---- tests --------------------------------------------------------------------

VARIANTS := .wrap .static .static-pie
# Neither dlopen() nor a preloaded allocator has a place in a static program.
ONLY_PLAIN := plugin soak loading leaving
PROGRAMS := $(foreach p,$(PROGRAMS_C) $(PROGRAMS_CC),$(B)/tests/programs/$(p)) \
	$(foreach p,$(filter-out $(ONLY_PLAIN),$(PROGRAMS_C) $(PROGRAMS_CC)),$(VARIANTS:%=$(B)/tests/programs/$(p)%)) \
	$(foreach p,$(filter leak-%,$(EXAMPLES_C)),$(VARIANTS:%=$(B)/examples/$(p)%))

CHECK_CFLAGS = $(shell $(PKG_CONFIG) --cflags check)
CHECK_LIBS   = $(shell $(PKG_CONFIG) --libs check)

# The core as plain code, without interposition, for the suites that look at its parts.
$(B)/plain/%.o: %.c $(B)/variant
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(includes) -Iinclude -ftls-model=initial-exec $(SANFLAGS) $(CFLAGS) -c -o $@ $<

$(B)/libcore-plain.a: $(CORE_SRC:%.c=$(B)/plain/%.o) $(B)/obj/tests/plain_seam.o
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# The same under ThreadSanitizer, whatever the rest is built with: the fences that it does not know are none it needs.
TSAN = -fsanitize=thread -fno-sanitize-recover=all -fno-omit-frame-pointer -Wno-tsan
TSAN_SRC = $(CORE_SRC) tests/plain_seam.c tests/races.c
$(B)/tsan/%.o: %.c $(B)/variant
	@mkdir -p $(@D)
	$(Q)$(CC) $(BASE) $(includes) -Iinclude $(filter-out $(if $(findstring clang,$(CC)),-Wno-tsan),$(TSAN)) -ftls-model=initial-exec $(CFLAGS) -c -o $@ $<

$(B)/tests/races: $(TSAN_SRC:%.c=$(B)/tsan/%.o)
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ $(TSAN) $(CFLAGS) $(LDFLAGS) $(UNWIND_LIBS_$(UNWIND_file))

$(B)/tests/test_%: $(B)/obj/tests/test_%.o $(B)/obj/tests/support.o $(B)/obj/tests/flavours.o $(B)/obj/tests/traced.o $(B)/libreader.a $(B)/libcore-plain.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ $(SANFLAGS) $(CFLAGS) $(LDFLAGS) $(CHECK_LIBS) $(READER_LIBS) $(UNWIND_LIBS_$(UNWIND_file))

$(B)/tests/judge: $(B)/obj/tests/judge.o $(B)/libreader.a
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -o $@ $^ $(SANFLAGS) $(CFLAGS) $(LDFLAGS) $(READER_LIBS)

# make check SUITE=test_heap runs one.
SUITE ?= $(SUITES)
check: all examples $(PROGRAMS) $(B)/tests/races $(B)/tests/judge $(SUITE:%=$(B)/tests/%)
	@rm -rf $(B)/tests/scratch && mkdir -p $(B)/tests/scratch
	@failed=; for suite in $(SUITE); do \
		LM_BUILD=$(abspath $(B)) LM_SOURCE=$(CURDIR) CC='$(CC)' CXX='$(CXX)' $(B)/tests/$$suite || failed="$$failed $$suite"; \
	done; \
	rm -rf $(B)/tests/scratch; \
	if [ -n "$$failed" ]; then echo "FAILED:$$failed"; exit 1; fi; echo "all suites passed"

# ---- fuzzing ------------------------------------------------------------------

# A target is one file, tests/fuzz/fuzz_NAME.c, with its first inputs in tests/fuzz/corpus/NAME.
FUZZERS      := $(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SECONDS ?= 60
FUZZ_CC      ?= clang
FUZZ_RING    := '-DLM_JOURNAL_RING=((size_t)8 << 10)'
FUZZ_FLAGS   := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all

INCLUDES_tests/fuzz := $(call iquote,$(READER_LAYERS) tests/fuzz)

$(B)/fuzz/obj/%.o: %.c $(B)/variant
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(BASE) $(includes) $(FUZZ_FLAGS) $(FUZZ_RING) -fsanitize=fuzzer-no-link -c -o $@ $<

$(B)/fuzz/obj/src/reader/export/export_pprof.o: $(B)/generated/profile.pb-c.h

$(B)/fuzz/%: $(B)/fuzz/obj/tests/fuzz/fuzz_%.o $(READER_SRC:%.c=$(B)/fuzz/obj/%.o) $(B)/generated/profile.pb-c.o
	$(call say,LINK,$@)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) -o $@ $^ $(FUZZ_FLAGS) -fsanitize=fuzzer $(READER_LIBS)

# What is found stays in the build directory: inputs that reach new code, and those that break something.
fuzz: $(FUZZERS:%=$(B)/fuzz/%)
	@for name in $(FUZZERS); do \
		mkdir -p $(B)/fuzz/found/$$name && \
		$(B)/fuzz/$$name -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
			-artifact_prefix=$(B)/fuzz/$$name- $(B)/fuzz/found/$$name $$(ls -d tests/fuzz/corpus/$$name tests/golden 2>/dev/null) \
			>$(B)/fuzz/$$name.log 2>&1 </dev/null || { grep -a -e "does not hold" -e "ERROR:" -e "^    #[0-9] " -e "Test unit" $(B)/fuzz/$$name.log; exit 1; }; \
		echo "fuzz $$name: $$(sed -n 's/^stat::number_of_executed_units: *//p' $(B)/fuzz/$$name.log) inputs, nothing found"; \
	done

# ---- what a machine needs -----------------------------------------------------

DEPS_BUILD := gcc g++ make pkg-config binutils libc6-dev libunwind-dev liblzma-dev libdw-dev libelf-dev libiberty-dev libjansson-dev libprotobuf-c-dev protobuf-c-compiler libzstd-dev zlib1g-dev check
DEPS_TESTS := zstd gzip valgrind jq protobuf-compiler libxml2-utils sqlite3 python3 git perl gdb clang lld musl-tools strace libjemalloc2 libtcmalloc-minimal4 libmimalloc2.0 bc
DEPS_FUZZ  := clang libclang-rt-dev
DEPS_LINT  := clang clang-tidy clang-format cppcheck shellcheck mandoc

# Two words installed at once, nothing twice: what dpkg has is left alone.
apt_install = missing=; for p in $(1); do \
		dpkg-query -W -f '$${Status}' $$p 2>/dev/null | grep -q 'ok installed' || missing="$$missing $$p"; \
	done; \
	[ -z "$$missing" ] || { \
		root=; [ "$$(id -u)" = 0 ] || root=sudo; \
		echo "installing$$missing"; \
		$$root apt-get update -q && \
		$$root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; }

deps:
	@$(call apt_install,$(DEPS_BUILD) $(DEPS_TESTS))

deps-fuzz:
	@$(call apt_install,$(DEPS_BUILD) $(DEPS_FUZZ))

deps-lint:
	@$(call apt_install,$(DEPS_BUILD) $(DEPS_LINT))

# ---- benchmark ----------------------------------------------------------------

# Workloads are compiled alike whatever the tracker's flags: their frames must be there.
BENCH_FLAGS := -O2 -g -fno-optimize-sibling-calls -fno-builtin-malloc -fno-builtin-realloc -fno-builtin-free -pthread
BENCH_PROGRAMS := $(patsubst tests/bench/%,$(B)/bench/%,$(basename $(wildcard tests/bench/*.c tests/bench/*.cc)))
DEPS_BENCH := heaptrack zstd valgrind libc-devtools sqlite3 python3 jq perl g++

$(B)/bench/%: tests/bench/%.c tests/bench/measure.h
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu11 $(WARN) -D_GNU_SOURCE $(BENCH_FLAGS) -o $@ $<

$(B)/bench/%: tests/bench/%.cc
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=gnu++17 -Wall -Wextra -Wshadow $(BENCH_FLAGS) -o $@ $<

# BENCH=quick takes under a minute; the driver tells what else can be set.
bench: all $(BENCH_PROGRAMS)
	@BENCH='$(BENCH)' tests/bench/bench $(B)

deps-bench:
	@$(call apt_install,$(DEPS_BENCH))

# ---- programs that nobody here wrote, and for a long time ----------------------

DEPS_SMOKE := bc bison brotli bzip2 clang clang-format coreutils curl dash default-jre-headless dc diffutils dpkg ed ffmpeg file findutils flex \
	g++ gawk gcc gdb ghostscript git gnuplot-nox gpg grep graphviz groff-base guile-3.0 gzip imagemagick jq libimage-exiftool-perl \
	libxml2-utils lld lua5.4 lz4 m4 make mawk memcached nginx-light nodejs openssl p7zip-full patch pbzip2 perl php-cli pigz python3 \
	redis-server redis-tools rsync ruby sed sqlite3 strace stress-ng tar tcl units unzip vim xmlstarlet xz-utils zip zstd

# SMOKE=quick takes under a minute, with what is there anyway; the driver tells what else can be set.
smoke: all $(B)/tests/judge
	@SMOKE='$(SMOKE)' tests/smoke/smoke $(B)

deps-smoke:
	@$(call apt_install,$(DEPS_SMOKE))

SOAK_SECONDS ?= 600
soak: all $(B)/tests/judge $(B)/tests/programs/soak
	@tests/soak.sh $(B) $(SOAK_SECONDS)

# ---- lint ---------------------------------------------------------------------

C_ALL  = $(wildcard src/*/*.[ch] src/*/*/*.[ch] src/*/*/*/*.[ch] wrap/*.[ch] include/*.h examples/*.[ch] examples/*.cc tests/*.[ch] tests/fuzz/*.[ch] tests/programs/*.c tests/programs/*.cc)
SCRIPTS = $(wildcard completions/*.bash .ci/run examples/*.sh tests/*.sh)

lint:
	@.ci/lint '$(B)'

format:
	clang-format -i $(C_ALL)

clean:
	rm -rf $(B)

help:
	@echo 'make               the preload library, the wrap archive and the commands'
	@echo 'make deps          installs what building and testing need (Debian, Ubuntu)'
	@echo 'make demo          traces a leaking program both ways and shows the report'
	@echo 'make check         all tests; SUITE=test_NAME runs one'
	@echo 'make fuzz          each of the reader'"'"'s fuzz targets for FUZZ_SECONDS=$(FUZZ_SECONDS); make deps-fuzz'
	@echo 'make wrap          the wrap archive and its .pc file alone (cross builds)'
	@echo 'make install       into prefix=$(prefix), honours DESTDIR; make uninstall'
	@echo 'make lint format   the checkers; clang-format over the sources'
	@echo 'make deps-lint     installs what lint needs'
	@echo 'make bench         workloads in all modes, against heaptrack; BENCH=quick; make deps-bench'
	@echo 'make smoke         a hundred programs, untraced and traced; SMOKE=quick; make deps-smoke'
	@echo 'make soak          eight threads, forks, toggles, for SOAK_SECONDS=$(SOAK_SECONDS)'
	@echo 'make clean'
	@echo 'B=DIR              builds in DIR instead of build'
	@echo 'UNWIND=...         $(UNWINDERS)'
	@echo 'SAN=...            $(SANITIZERS): for the reader, the commands and the tests'
	@echo 'V=1                shows the commands'

.PHONY: all preload wrap tools install uninstall examples demo check fuzz bench smoke soak deps deps-bench deps-fuzz deps-smoke deps-lint lint format clean help FORCE
FORCE:

-include $(shell find $(B) -name '*.d' 2>/dev/null)
