# SPDX-License-Identifier: LGPL-3.0-or-later
# One Makefile, not recursive: it builds and installs. What it does beside that is in mk/, which it includes.
# `make help` lists the targets.

VERSION   := 1.0.0
SOVERSION := 1

B      ?= build
UNWIND ?= auto
SAN    ?=
CURL   ?= yes
V      ?= 0
HTML   ?= auto

prefix     ?= /usr/local
bindir     ?= $(prefix)/bin
libdir     ?= $(prefix)/lib
includedir ?= $(prefix)/include
mandir     ?= $(prefix)/share/man
docdir     ?= $(prefix)/share/doc/log-malloc2
compdir    ?= $(prefix)/share/bash-completion/completions
zshdir     ?= $(prefix)/share/zsh/site-functions
fishdir    ?= $(prefix)/share/fish/vendor_completions.d
DESTDIR    ?=

CROSS_COMPILE ?=

# The tool $(1), unless it was given: the command $(2), or the cross compiler's $(3). make has a CC of its own.
tool = $(if $(filter undefined default,$(origin $(1))),$(eval $(1) := $(if $(CROSS_COMPILE),$(CROSS_COMPILE)$(3),$(2))))
$(call tool,CC,cc,gcc)
$(call tool,CXX,c++,g++)
$(call tool,AR,ar,ar)
$(call tool,OBJCOPY,objcopy,objcopy)
$(call tool,READELF,readelf,readelf)
PKG_CONFIG ?= pkg-config
CPPFLAGS   ?=
CFLAGS     ?= -O2 -g
CXXFLAGS   ?= -O2 -g
LDFLAGS    ?=

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

Q := $(if $(filter 1,$(V)),,@)

# Ends a line of a recipe in a $(foreach).
define newline


endef

# ---- the chosen variants, checked -------------------------------------------

TARGET := $(shell $(CC) -dumpmachine 2>/dev/null)
ARCH   := $(firstword $(subst -, ,$(TARGET)))

# Our own unwinders know these machines, UNWIND=fp not all of them. Others use that of the compiler's library.
MACHINE      := $(patsubst lm_%,%,$(shell $(CC) $(CPPFLAGS) $(CFLAGS) -E -P -x c src/core/unwind/machine/which 2>/dev/null))
FP_MACHINES  := x86_64 i386 aarch64 riscv64
UNWIND_ARM   := $(filter arm% thumb%,$(ARCH))
UNWIND_auto  := $(if $(MACHINE),dwarf,$(if $(UNWIND_ARM),exidx,gcc))
UNWIND_file := $(if $(filter auto,$(UNWIND)),$(UNWIND_auto),$(UNWIND))
UNWINDERS   := auto dwarf exidx fp gcc libunwind execinfo none
ifeq ($(filter $(UNWINDERS),$(UNWIND)),)
$(error UNWIND=$(UNWIND): it has to be one of: $(UNWINDERS))
endif
ifneq ($(words $(UNWIND)),1)
$(error UNWIND=$(UNWIND): it has to be one of: $(UNWINDERS))
endif
ifeq ($(UNWIND_file)$(filter $(FP_MACHINES),$(MACHINE)),fp)
$(error UNWIND=fp: it knows $(FP_MACHINES), and this is for $(ARCH))
endif
ifeq ($(UNWIND_file)$(MACHINE),dwarf)
$(error UNWIND=dwarf: it knows $(filter-out arm,$(notdir $(patsubst %/machine.h,%,$(wildcard src/core/unwind/machine/*/machine.h)))), and this is for $(ARCH))
endif
ifeq ($(UNWIND_file)$(UNWIND_ARM),exidx)
$(error UNWIND=exidx: it knows 32-bit ARM, and this is for $(ARCH))
endif

# What our own unwinders share.
UNWIND_with_dwarf := unwind/machine unwind/machine/$(MACHINE) unwind/stack unwind/calls
UNWIND_with_fp    := $(UNWIND_with_dwarf)
UNWIND_with_exidx := unwind/ehabi unwind/machine unwind/machine/arm unwind/stack unwind/calls

# The machines on which a process that runs can be attached to.
ATTACH_MACHINE := $(or $(filter x86_64 aarch64,$(MACHINE)),other)

# Small libcs lack some names. The headers tell which libc it is.
LIBC       := $(shell $(CC) $(CPPFLAGS) -E -P mk/libc.c 2>/dev/null)
SMALL_LIBC := $(filter lm_%,$(LIBC))

SANITIZERS := address undefined thread address,undefined
ifneq ($(filter-out $(SANITIZERS),$(SAN))$(word 2,$(SAN)),)
$(error SAN=$(SAN): it has to be empty or one of: $(SANITIZERS))
endif
ifneq ($(filter-out yes no,$(CURL))$(word 2,$(CURL)),)
$(error CURL=$(CURL): it has to be yes or no)
endif
ifneq ($(filter-out 0 1,$(V))$(word 2,$(V)),)
$(error V=$(V): it has to be 0 or 1)
endif
# The tests have LM_BUILD in their environment. Suites run at the same time, out of that directory.
ifneq ($(and $(LM_BUILD),$(filter $(LM_BUILD),$(abspath $(B)))),)
$(error B=$(B): a test has to build in a directory of its own)
endif

# make splits lists at spaces, and the install list is split at colons.
DIRECTORIES := B DESTDIR prefix bindir libdir includedir mandir docdir compdir zshdir fishdir
$(foreach d,$(DIRECTORIES),$(if $(word 2,$($(d))),$(error $(d)=$($(d)): there can't be a space in it)))
$(foreach d,$(filter-out DESTDIR,$(DIRECTORIES)),$(if $(findstring :,$($(d))),$(error $(d)=$($(d)): there can't be a colon in it)))

# The preload library has a copy of libgcc's unwinder to itself: a program's own, in use by a throw, may hold a lock.
# A program that the archive is linked with gets libgcc from its compiler, behind all other libraries.
UNWIND_LIBS_gcc       = -static-libgcc
UNWIND_LIBS_libunwind = $(shell $(PKG_CONFIG) --libs libunwind)
UNWIND_PC_libunwind   = libunwind
# libunwind.a refers to these functions weakly. It crashes in a static program that links only some of them.
UNWIND_PC_FLAGS_libunwind = $(foreach f,key_create setspecific once mutex_init mutex_lock mutex_unlock, \
	-Wl,--undefined=pthread_$(f))

# ---- flags --------------------------------------------------------------------

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
DEPS  = -MMD -MP
BASE  = -std=gnu11 $(WARN) $(DEPS) -D_GNU_SOURCE -DLM_VERSION='"$(VERSION)"'
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer)

# The tracker is position independent and exports only what it marks as exported. Its thread-local storage is static, as
# the dynamic kind allocates. musl's does not, and musl loads no library with the static kind into a process that runs
# already. The linker makes it static again where the archive is linked into a program. The compiler must neither remove
# nor invent calls of the allocator.
TLS_MODEL := $(if $(and $(filter musl,$(LIBC)),$(filter x86_64 aarch64,$(MACHINE))),global-dynamic,initial-exec)
TRACKER = $(BASE) -fPIC -fvisibility=hidden -ftls-model=$(TLS_MODEL) \
	-fno-builtin-malloc -fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free \
	-fasynchronous-unwind-tables -fno-plt -fno-exceptions $(SMALL_STACKS) \
	$(if $(SMALL_LIBC),-include src/core/port/small/lacks.h,$(LARGE_FILES))
# Behind CFLAGS, whatever they say. Link-time optimisation leaves the archive without code. The entry points have to
# jump to the rest of theirs (entry_points.h). In a static program they are called before there is thread-local storage,
# in which the stack protector has its word. UNWIND=exidx may begin with the tracker's own frames.
TRACKER_LAST = -fno-lto -foptimize-sibling-calls -fno-stack-protector \
	$(if $(filter exidx,$(UNWIND_file)),-funwind-tables)

# C++'s exceptions pass through its operators.
OPERATORS      = $(TRACKER) -fexceptions -DLM_SIZE_LETTER=$(SIZE_LETTER)
OPERATORS_LAST = $(TRACKER_LAST)

# The letter of std::size_t in mangled names.
SIZE_LETTER := $(shell printf '__SIZE_TYPE__\n' | $(CC) $(CPPFLAGS) $(CFLAGS) -E -P - 2>/dev/null | \
	awk '/long long/ { print "y"; exit } /long/ { print "m"; exit } /int/ { print "j"; exit }')

# On 32-bit machines, a trace can be larger than 2 GiB if the libc is told.
LARGE_FILES := $(if $(filter j,$(SIZE_LETTER)),-D_FILE_OFFSET_BITS=64)

# The program's stacks may be small. What the program asks for itself, and libunwind's structures, take more than the rest.
LARGE_FRAMES = src/core/entry/api.c src/core/unwind/libunwind/% src/core/unwind/execinfo/%
SMALL_STACKS = -Wvla -Wframe-larger-than=$(if $(filter $(LARGE_FRAMES),$<),3072,1280)
READER   = $(BASE) $(SANFLAGS)
COMMANDS = $(READER) -DLM_LIBDIR='"$(libdir)"' -DLM_SOVERSION='"$(SOVERSION)"'

# ---- layers -------------------------------------------------------------------

# Each list is in order, lowest first. A folder is compiled with the include paths of itself and of the folders before
# it. So an include that climbs does not compile, and `make lint` finds references that climb.
CORE_LAYERS   := $(addprefix src/core/,port $(if $(SMALL_LIBC),port/small) port/linux base seam books objects unwind $(UNWIND_with_$(UNWIND_file)) unwind/$(UNWIND_file) out trace session entry)
TRACKER_DIRS  := src/format $(CORE_LAYERS)
READER_LAYERS := src/format $(addprefix src/reader/,base input trace heap symbols report export) \
	$(addprefix src/outside/,process reach attach/machine attach/machine/$(ATTACH_MACHINE) attach)
TOOLS_LAYERS  := $(READER_LAYERS) src/tools

# The words of the list $(2) that come before the word $(1).
below = $(if $(filter-out $(1),$(firstword $(2))),$(firstword $(2)) $(call below,$(1),$(wordlist 2,$(words $(2)),$(2))))
iquote = $(addprefix -iquote ,$(1))

# Declares the folder $(1), which sees the folders $(2) and itself, and is compiled with the flags of the variable $(3). Those of
# $(3)_LAST come behind CFLAGS.
define folder
INCLUDES_$(1) = $(call iquote,$(2) $(1)) -Iinclude
FLAGS_$(1) = $$($(3))
LAST_$(1) = $$($(3)_LAST)
endef
$(foreach d,$(CORE_LAYERS),$(eval $(call folder,$(d),$(call below,$(d),$(TRACKER_DIRS)),TRACKER)))
$(foreach d,src/preload wrap,$(eval $(call folder,$(d),$(TRACKER_DIRS),TRACKER)))
$(eval $(call folder,wrap/cxx,$(TRACKER_DIRS) wrap,OPERATORS))
$(eval $(call folder,src/preload/cxx,$(TRACKER_DIRS),OPERATORS))
$(foreach d,$(filter-out src/format,$(READER_LAYERS)),$(eval $(call folder,$(d),$(call below,$(d),$(READER_LAYERS)) $(B)/generated,READER)))
$(eval $(call folder,src/format,,BASE))
$(eval $(call folder,src/tools,$(READER_LAYERS),COMMANDS))

# The include paths and the flags of the folder that a rule's source is in.
includes = $(INCLUDES_$(patsubst %/,%,$(dir $<)))
flags    = $(FLAGS_$(patsubst %/,%,$(dir $<)))
last     = $(LAST_$(patsubst %/,%,$(dir $<)))

# ---- sources ------------------------------------------------------------------

CORE_SRC    := $(foreach d,$(CORE_LAYERS),$(wildcard $(d)/*.c))
PRELOAD_SRC := $(wildcard src/preload/*.c)
STATIC_SRC  := wrap/static_names.c
PROBES_SRC  := src/core/port/linux/probe_base.c
NEEDED_SRC  := wrap/needed.c
WRAP_SRC    := $(filter-out $(STATIC_SRC) $(NEEDED_SRC),$(wildcard wrap/*.c))
CXX_SRC     := $(wildcard wrap/cxx/*.c)
OPERATORS_SRC := $(wildcard src/preload/cxx/*.c)
# Without libcurl, there is no log-malloc-push.
PUSH        := $(if $(filter yes,$(CURL)),log-malloc-push)
WITH_CURL   := src/tools/store.c src/tools/log-malloc-push.c
READER_SRC  := $(foreach d,$(READER_LAYERS),$(wildcard $(d)/*.c))
TOOLS       := log-malloc log-malloc-findleak log-malloc-report log-malloc-diff log-malloc-trackusage log-malloc-cat \
	log-malloc-mark log-malloc-top backtrace2line $(PUSH)
SHARED_SRC  := $(filter-out $(TOOLS:%=src/tools/%.c) $(WITH_CURL),$(wildcard src/tools/*.c)) $(if $(PUSH),src/tools/store.c)
HEADERS     := include/log-malloc2.h include/log-malloc2_util.h
MAN         := $(wildcard man/*.[1-9])

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))

# A build directory remembers its variant. Building another variant in it rebuilds the objects.
VARIANT := UNWIND=$(UNWIND_file) SAN=$(SAN) CC=$(CC) CPPFLAGS=$(CPPFLAGS) CFLAGS=$(CFLAGS) LDFLAGS=$(LDFLAGS)
remember = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
$(B)/variant: FORCE
	$(call remember,$(VARIANT))
$(B)/libdir: FORCE
	$(call remember,$(libdir))

# ---- what the machine lacks ---------------------------------------------------

# Whether the compiler's library has to do some atomic operations is found out by linking a program that uses them all.
# Where it can't be linked either way, something else is missing.
LIBATOMIC   := $(B)/libatomic
ATOMIC_LIBS  = $$(cat $(LIBATOMIC))
links_with   = $(CC) $(BASE) $(call iquote,src/core/port) $(CPPFLAGS) $(CFLAGS) -fno-lto $(LDFLAGS) -o $@.probe $< $(1) 2>/dev/null
$(LIBATOMIC): DEPS =
$(LIBATOMIC): mk/atomics.c src/core/port/atomic.h $(B)/variant
	$(Q)if $(call links_with) || ! $(call links_with,-latomic); then echo; else echo -latomic; fi >$@; rm -f $@.probe

# Whether programs have to ask for unwind tables is found out by compiling C code with and without that. Where the
# assembly differs, the compiler makes none of its own accord. What CFLAGS say of them is meant for the tracker.
TABLES       := $(B)/tables
TABLES_FLAGS  = $$(cat $(TABLES))
as_assembly   = $(CC) $(CPPFLAGS) $(filter-out -f%unwind-tables -flto%,$(CFLAGS)) -g0 $(1) -S -o - $<
$(TABLES): mk/tables.c $(B)/variant
	$(Q)$(call as_assembly,) >$@.without && $(call as_assembly,-funwind-tables) >$@.with
	$(Q)if cmp -s $@.without $@.with; then echo; else echo -funwind-tables; fi >$@; rm -f $@.without $@.with

# ---- what is built ------------------------------------------------------------

PRELOAD := $(B)/liblog-malloc2.so
PRELOAD_CXX := $(B)/liblog-malloc2-operators.so
ARCHIVE := $(B)/liblog-malloc2-wrap.a
NEEDED  := $(B)/liblog-malloc2-needed.a
ARCHIVE_CXX := $(B)/liblog-malloc2-wrap-cxx.a
PC      := $(B)/pkgconfig/log-malloc2.pc
PC_WRAP := $(B)/pkgconfig/log-malloc2-wrap.pc $(B)/pkgconfig/log-malloc2-wrap-cxx.pc

all: preload wrap tools
preload: $(PRELOAD) $(PRELOAD_CXX) $(PC)
wrap: $(ARCHIVE) $(ARCHIVE_CXX) $(NEEDED) $(PC_WRAP)
tools: $(TOOLS:%=$(B)/%)

say = @printf '  %-7s %s\n' $(1) $(2)

# One rule compiles all objects. Its include paths and flags are those of the source's folder.
$(B)/obj/%.o: %.c $(B)/variant
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(flags) $(includes) $(CPPFLAGS) $(CFLAGS) $(last) -c -o $@ $<

# The launcher has libdir compiled in.
$(B)/obj/src/tools/log-malloc.o: $(B)/libdir

$(PRELOAD).$(SOVERSION): $(call obj,$(CORE_SRC) $(PRELOAD_SRC)) src/preload/exports.map | $(LIBATOMIC)
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -o $@ $(filter %.o,$^) -Wl,-soname,$(@F) -Wl,--version-script=src/preload/exports.map \
		-Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,-z,nodelete $(CFLAGS) $(LDFLAGS) $(UNWIND_LIBS_$(UNWIND_file)) $(ATOMIC_LIBS) -ldl

$(PRELOAD): $(PRELOAD).$(SOVERSION)
	$(Q)ln -sf $(<F) $@

# It is found by its name alone, and finds the tracker in the process.
$(PRELOAD_CXX): $(call obj,$(OPERATORS_SRC))
	$(call say,LINK,$@)
	$(Q)$(CC) -shared -o $@ $^ -Wl,-soname,$(@F) -Wl,-z,relro -Wl,-z,now -Wl,-z,nodelete $(CFLAGS) $(LDFLAGS) -ldl

# The archive has one object, so that whichever function the linker needs first brings all of them. The tracker's own
# names become local to it. Beside it, there is what only static programs ask for, and what has to keep its group.
#
# Of COMDAT groups of a name, a linker keeps one. Those in the object must not be groups any more: what is local in a
# group that was dropped is missing. i386 has such groups for the functions that read the pc. Linkers that do not know
# the option are asked without it.
#
# On MIPS, code that was compiled for a global name can't be linked if the name is local. So the object is linked once.
# If that fails, hidden names stay global, and get a prefix that no program has.
# The command `diet` adds its libc to whatever is linked, so it is left out.
INNER := log_malloc_inner_
RELINK = $(filter-out diet %/diet -Os -v,$(CC)) -nostdlib
$(B)/obj/wrap.o: $(call obj,$(filter-out $(PROBES_SRC),$(CORE_SRC)) $(WRAP_SRC)) | $(call obj,$(PROBES_SRC))
	$(call say,LD,$@)
	$(Q)$(RELINK) -r -Wl,--force-group-allocation -o $@.global $^ 2>/dev/null || $(RELINK) -r -o $@.global $^
	$(Q)$(OBJCOPY) --localize-hidden $@.global $@
	$(Q)$(RELINK) -shared -o $@.linked $@ $(call obj,$(PROBES_SRC)) 2>/dev/null || { \
		$(READELF) -sW $@.global | awk '/(GLOBAL|WEAK) +HIDDEN/ && !/ UND / { print $$NF, "$(INNER)" $$NF }' >$@.names && \
		$(OBJCOPY) --redefine-syms=$@.names $@.global $@; }
	$(Q)rm -f $@.global $@.linked $@.names

$(ARCHIVE): $(B)/obj/wrap.o $(call obj,$(STATIC_SRC) $(PROBES_SRC))
$(ARCHIVE_CXX): $(call obj,$(CXX_SRC))
$(ARCHIVE) $(ARCHIVE_CXX):
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# An object beside the archive asks for it. The option --undefined would do the same, but cgo refuses that. It has the name of
# an archive so that -l and all build systems find it. Linkers know by its content what it is.
$(NEEDED): $(call obj,$(NEEDED_SRC))
	$(Q)cp $< $@

# protobuf-c generates the code for pprof's messages.
PPROF_PROTO := $(wildcard $(addsuffix /*.proto,$(READER_LAYERS)))
PPROF_SRC   := $(filter %/export_pprof.c %/pprof_message.c,$(READER_SRC))
$(B)/generated/%.pb-c.c: $(PPROF_PROTO)
	$(call say,PROTO,$@)
	@mkdir -p $(@D)
	$(Q)protoc-c --c_out=$(@D) -I $(<D) $<

$(B)/generated/%.pb-c.h: $(B)/generated/%.pb-c.c ;

$(B)/generated/%.pb-c.o: $(B)/generated/%.pb-c.c $(B)/variant
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE) -iquote $(B)/generated $(SANFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

$(call obj,$(PPROF_SRC)): $(B)/generated/profile.pb-c.h

$(B)/libreader.a: $(call obj,$(READER_SRC)) $(B)/generated/profile.pb-c.o $(B)/generated/page_template.o
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

# Profiles go to a store by libcurl.
$(B)/log-malloc-push: MORE_LIBS = $(shell $(PKG_CONFIG) --libs libcurl)

# The live view draws by ncurses.
TOP_LIBS    = $(shell $(PKG_CONFIG) --libs ncursesw)
$(B)/log-malloc-top: MORE_LIBS = $(TOP_LIBS)

READER_LIBS = -ldw -lelf -liberty -lzstd -lz -ljansson -lprotobuf-c -ldl -lm

# What several commands share is an archive, so that each links only what it uses.
$(B)/libtools.a: $(call obj,$(SHARED_SRC))
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(TOOLS:%=$(B)/%): $(B)/%: $(B)/obj/src/tools/%.o $(B)/libtools.a $(B)/libreader.a
	$(call say,LINK,$@)
	$(Q)$(CC) -o $@ $^ $(SANFLAGS) $(CFLAGS) $(LDFLAGS) $(READER_LIBS) $(MORE_LIBS)

# ---- pkg-config ---------------------------------------------------------------

WRAP_FLAGS = $(shell sed -n 's/^\([a-z_A-Z]\{1,\}\).*/-Wl,--wrap=\1/p' wrap/functions) $(WRAP_FLAGS_$(SMALL_LIBC))
WRAP_FLAGS_lm_dietlibc = -Wl,--wrap=main

# One function that is asked for brings all operators: the C++ runtime's archive, which is searched last, needs them, too.
OPERATOR_NAMES = $(shell sed 's/@/$(SIZE_LETTER)/' wrap/cxx/operators)
OPERATOR_FLAGS = -Wl,--undefined=__wrap__Znw$(SIZE_LETTER) $(foreach o,$(OPERATOR_NAMES),-Wl,--undefined=$(o) -Wl,--wrap=$(o))

pc = sed -e 's|@prefix@|$(1)|' -e 's|@libdir@|$(2)|' -e 's|@includedir@|$(3)|' -e 's|@VERSION@|$(VERSION)|' \
	-e 's|@WRAP_FLAGS@|$(strip $(WRAP_FLAGS))|' -e 's|@UNWIND_PC@|$(UNWIND_PC_$(UNWIND_file))|' \
	-e 's|@OPERATOR_FLAGS@|$(strip $(OPERATOR_FLAGS))|' -e 's|@UNWIND_PC_FLAGS@|$(UNWIND_PC_FLAGS_$(UNWIND_file))|' \
	-e "s|@LIBATOMIC@|$(ATOMIC_LIBS)|" -e "s|@TABLES@|$(TABLES_FLAGS)|" -e 's/ *$$//'

$(B)/pkgconfig/%.pc: pkgconfig/%.pc.in wrap/functions wrap/cxx/operators Makefile $(LIBATOMIC) $(TABLES) $(B)/variant
	@mkdir -p $(@D)
	$(Q)$(call pc,$(abspath $(B)),$(abspath $(B)),$(abspath include)) $< >$@

# ---- install ------------------------------------------------------------------

# bash and fish look for a completion file of the command's name. All commands share the file of the first one. To zsh,
# the file itself says what it is for.
shared = 644:completions/log-malloc2.$(2):$(3)/$(firstword $(1))$(4) \
	$(foreach t,$(wordlist 2,$(words $(1)),$(1)),link:$(firstword $(1))$(4):$(3)/$(t)$(4))
completions = $(call shared,$(1),bash,$(compdir)) $(call shared,$(1),fish,$(fishdir),.fish) \
	644:completions/log-malloc2.zsh:$(zshdir)/_log-malloc2

# What is installed: MODE:FROM:TO for a file, link:TARGET:TO for a symbolic link. install and uninstall walk these lists.
pc_entry  = 644:$(B)/install/$(notdir $(1)):$(libdir)/pkgconfig/$(notdir $(1))
man_entry = $(foreach m,$(1),644:$(m):$(mandir)/man$(subst .,,$(suffix $(m)))/$(notdir $(m)))

# What a program that links the archive needs. It can be built where none of the target's libraries are.
INSTALLED_WRAP := \
	$(foreach h,$(HEADERS),644:$(h):$(includedir)/$(notdir $(h))) \
	$(foreach f,$(ARCHIVE) $(ARCHIVE_CXX) $(NEEDED),644:$(f):$(libdir)/$(notdir $(f))) \
	$(foreach p,$(PC_WRAP),$(call pc_entry,$(p))) \
	$(call man_entry,$(filter %.3,$(MAN)))

INSTALLED := $(INSTALLED_WRAP) \
	$(foreach t,$(TOOLS),755:$(B)/$(t):$(bindir)/$(t)) \
	755:$(PRELOAD).$(SOVERSION):$(libdir)/$(notdir $(PRELOAD)).$(SOVERSION) \
	link:$(notdir $(PRELOAD)).$(SOVERSION):$(libdir)/$(notdir $(PRELOAD)) \
	755:$(PRELOAD_CXX):$(libdir)/$(notdir $(PRELOAD_CXX)) \
	$(call pc_entry,$(PC)) \
	$(call man_entry,$(filter-out %.3,$(MAN))) \
	$(foreach d,README.md CHANGELOG.md COPYING COPYING.LESSER,644:$(d):$(docdir)/$(d)) \
	$(call completions,$(TOOLS))

# The parts of an entry $(1), and the command that installs it.
mode = $(word 1,$(subst :, ,$(1)))
from = $(word 2,$(subst :, ,$(1)))
to   = $(DESTDIR)$(word 3,$(subst :, ,$(1)))
put  = $(if $(filter link,$(mode)),ln -sf $(from) $(to),install -m $(mode) $(from) $(to))

# In an installed .pc file, paths below the prefix name it as a variable, so that the tree can be moved.
under_prefix = $(patsubst $(prefix)/%,$${prefix}/%,$(1))
$(B)/install/%.pc: pkgconfig/%.pc.in wrap/functions wrap/cxx/operators $(LIBATOMIC) $(TABLES) FORCE
	@mkdir -p $(@D)
	$(Q)$(call pc,$(prefix),$(call under_prefix,$(libdir)),$(call under_prefix,$(includedir))) $< >$@

# Installs the list $(1).
define put_all
	install -d $(sort $(foreach i,$(1),$(dir $(call to,$(i)))))
	$(foreach i,$(1),$(call put,$(i))$(newline))
endef

install-wrap: wrap $(addprefix $(B)/install/,$(notdir $(PC_WRAP)))
	$(call put_all,$(INSTALLED_WRAP))

install: all $(addprefix $(B)/install/,$(notdir $(PC) $(PC_WRAP)))
	$(call put_all,$(INSTALLED))
	@# Installed into the running system, the loader's cache has to learn of the library. A package does that itself.
	@[ -n '$(DESTDIR)' ] || [ "$$(id -u)" != 0 ] || ldconfig

uninstall:
	rm -f $(foreach i,$(INSTALLED),$(call to,$(i)))
	[ ! -d $(DESTDIR)$(docdir) ] || rmdir $(DESTDIR)$(docdir)

# ---- beside building ----------------------------------------------------------

include mk/page.mk
include mk/embedded.mk
include mk/examples.mk
include mk/tests.mk
include mk/fuzz.mk
include mk/bench.mk
include mk/smoke.mk
include mk/matrix.mk
include mk/lint.mk
include mk/dist.mk
include mk/deb.mk
include mk/deps.mk

clean:
	rm -rf $(B)

help:
	@echo 'make               the preload library, the wrap archive and the commands'
	@echo 'make deps          installs what building and testing need (Debian, Ubuntu)'
	@echo 'make deps-html     node and what bundles the page of log-malloc-report; make deps-browser for its tests'
	@echo 'make demo          traces a leaking program both ways and shows the report'
	@echo 'make pictures      the pictures of README.md, in docs/'
	@echo 'make check         all tests; SUITE=test_NAME runs one suite'
	@echo 'make deps-languages  compilers of other languages, for their examples and their tests'
	@echo 'make fuzz          each fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS); make deps-fuzz'
	@echo 'make wrap          the wrap archive and its .pc file alone (cross builds)'
	@echo 'make install       into prefix=$(prefix), honours DESTDIR; make uninstall'
	@echo 'make embedded      the archives for chips: CROSS_COMPILE=arm-none-eabi- CFLAGS=...; man/log-malloc2-embedded.7'
	@echo 'make install-embedded  those, their headers, .pc files and manual; make deps-embedded for their tests'
	@echo 'make install-wrap  of that, what a program that links the archive needs'
	@echo 'make dist          the sources as a tarball, the same bytes each time'
	@echo 'make deb           packages for Debian and Ubuntu, beside this directory; make deps-deb'
	@echo 'make lint          the checkers; make deps-lint'
	@echo 'make format        clang-format over the sources'
	@echo 'make bench         workloads in all modes, against heaptrack; BENCH=quick; make deps-bench'
	@echo 'make page-bench    how fast the page of a large trace opens and answers; PAGE_BENCH=FILE.html'
	@echo 'make smoke         a hundred programs, untraced and traced; SMOKE=quick; make deps-smoke'
	@echo 'make matrix        every toolchain, machine and libc; MATRIX=quick, make deps-matrix'
	@echo 'make statistics    estimates of sampled traces against full ones, RUNS=200 of each kind'
	@echo 'make soak          eight threads, forks, toggles, for SOAK_SECONDS=$(SOAK_SECONDS)'
	@echo 'make clean         removes the build directory'
	@echo 'B=DIR              builds in DIR instead of build'
	@echo 'CURL=no            without log-malloc-push, which needs libcurl'
	@echo 'CROSS_COMPILE=...  what the names of the tools begin with, as in arm-linux-gnueabihf-gcc'
	@echo 'UNWIND=...         $(UNWINDERS)'
	@echo 'EMBEDDED_UNWIND=...  $(EMBEDDED_UNWINDERS): for chips'
	@echo 'SAN=...            $(SANITIZERS): for the reader, the commands and the tests'
	@echo 'HTML=...           auto yes no: build the page of log-malloc-report --format html'
	@echo 'V=1                shows the commands'

.PHONY: all preload wrap tools install install-wrap uninstall clean help FORCE
FORCE:

# Other machines' builds are makes of their own. Tests and tarballs have sources in D.
-include $(shell find $(B) \( -path '$(B)/for' -o -path '$(B)/tests/scratch' -o -path '$(B)/dist' \) -prune -o -name '*.d' -print 2>/dev/null)
