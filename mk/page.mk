# SPDX-License-Identifier: LGPL-3.0-or-later
# The page of `log-malloc-report --format html` (src/page) is bundled by node to one file, which is compiled in.
# HTML=auto: where node and `make deps-html` are, HTML=no: never, HTML=yes: it is an error if something is missing.

PAGE     := src/page
PAGE_SRC := $(wildcard $(addprefix $(PAGE)/,*.ts *.css *.html *.mjs package-lock.json))

ifneq ($(filter-out auto no yes,$(HTML))$(word 2,$(HTML)),)
$(error HTML=$(HTML): it has to be auto, no or yes)
endif
HAS_NODE    := $(shell command -v node 2>/dev/null)
HAS_MODULES := $(wildcard $(PAGE)/node_modules/esbuild)
HAS_PAGE    := $(if $(filter no,$(HTML)),,$(and $(HAS_NODE),$(HAS_MODULES),yes))
ifeq ($(HTML)$(HAS_PAGE)$(filter deps-html,$(MAKECMDGOALS)),yes)
$(error HTML=yes: $(if $(HAS_NODE),$(PAGE)/node_modules is missing,node is missing); 'make deps-html' installs it)
endif

# A build directory remembers whether it has the page.
$(B)/page: FORCE
	$(call remember,HTML=$(HAS_PAGE))

$(B)/generated/page.html: $(PAGE_SRC) $(B)/page
	$(call say,PAGE,$@)
	@mkdir -p $(@D)
	$(Q)$(if $(HAS_PAGE),node $(PAGE)/build.mjs $@,: >$@)

# An array of C, which every compiler takes for any machine.
$(B)/generated/page_template.c: $(B)/generated/page.html
	$(Q)printf '#include "page_template.h"\nconst char page_template[] = {\n' >$@
	$(Q)od -An -v -t d1 $< | sed 's/  */,/g; s/^,//; s/$$/,/' >>$@
	$(Q)printf '0};\nconst size_t page_template_size = sizeof page_template - 1;\n' >>$@

$(B)/generated/page_template.o: $(B)/generated/page_template.c src/reader/export/page_template.h $(B)/variant
	$(call say,CC,$@)
	$(Q)$(CC) $(BASE) -iquote src/reader/export -fsigned-char $(SANFLAGS) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# ---- what it needs ------------------------------------------------------------

# npm takes exactly the versions of package-lock.json, and checks their sums.
deps-html:
	@{ command -v node && command -v npm; } >/dev/null || { $(call apt_install,nodejs npm); }
	cd $(PAGE) && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --ignore-scripts; }

deps-browser:
	@command -v chromium >/dev/null || { $(call apt_install,chromium); }

# ---- how fast it is -------------------------------------------------------------

# PAGE_BENCH=FILE.html measures that page, and makes none.
page-bench: $(if $(PAGE_BENCH),,tools)
	@mkdir -p $(B)/page-bench
	node tests/page/bench.mjs $(B) . $(B)/page-bench $(PAGE_BENCH)

.PHONY: deps-html deps-browser page-bench
