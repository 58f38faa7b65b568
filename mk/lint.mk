# SPDX-License-Identifier: LGPL-3.0-or-later
# `make lint` runs the checkers of .ci/lint. LINT=quick looks less deep. `make format` formats the sources.

lint:
	@LINT='$(LINT)' .ci/lint '$(B)'

format:
	git ls-files '*.c' '*.h' '*.cc' | xargs clang-format -i

# ---- what .ci/lint asks for ---------------------------------------------------

# Each line is "PROGRAM LAYER OBJECT...", the layers of a program lowest first. The core refers to the real allocator
# by src/core/seam/real.h, so the files that implement it count as part of that layer.
CHAINS        := preload wrap tools
CHAIN_preload := $(TRACKER_DIRS) src/preload
CHAIN_wrap    := $(TRACKER_DIRS) wrap
CHAIN_tools   := $(TOOLS_LAYERS)
SEAM_preload  := src/preload/boot.c src/preload/stub.c src/preload/real.c
SEAM_wrap     := wrap/real.c wrap/static_names.c

# The sources of the layer $(2) in the program $(1).
sources_of = $(filter-out $(SEAM_$(1)),$(wildcard $(2)/*.c)) $(if $(filter src/core/seam,$(2)),$(SEAM_$(1)))
layers:
	@:$(foreach c,$(CHAINS),$(foreach d,$(CHAIN_$(c)),$(info $(c) $(d) $(call obj,$(call sources_of,$(c),$(d))))))

# The same of a chip's archive.
layers-embedded:
	@:$(foreach d,$(EMBEDDED_DIRS),$(info embedded-$(EMBEDDED_UNWIND) $(d) $(foreach s,$(EMBEDDED_SRC),$(if $(filter $(d)/,$(dir $(s))),$(s:%.c=$(B)/embedded/%.o)))))

# Each line is "FOLDER FLAG...": the include paths that the folder's sources are compiled with.
includes:
	@:$(foreach d,$(sort $(TRACKER_DIRS) $(EHABI) src/preload wrap $(TOOLS_LAYERS)),$(info $(d) $(INCLUDES_$(d))))
	@:$(foreach d,$(EMBEDDED_OWN),$(info $(d) $(call iquote,$(EMBEDDED_DIRS) $(EHABI) src/embedded/count) -Iinclude $(EMBEDDED_DEFINES)))

.PHONY: lint format layers layers-embedded includes
