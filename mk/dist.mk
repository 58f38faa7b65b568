# SPDX-License-Identifier: LGPL-3.0-or-later
# `make dist` packs the sources. The same commit always gives the same bytes: names are sorted, times are that of the
# commit or SOURCE_DATE_EPOCH, and owners and permissions do not depend on who packs. It takes the files that git knows,
# as they are now. The tarball has their names in MANIFEST, so that it can be made again from an unpacked one,
# without git; the time is MANIFEST's then.

DIST_NAME := log-malloc2-$(VERSION)
DIST      := $(B)/$(DIST_NAME).tar.xz
DIST_TREE := $(B)/dist

dist:
	@rm -rf $(DIST_TREE) && mkdir -p $(DIST_TREE)/$(DIST_NAME)
	@if [ -f MANIFEST ]; then grep -v '^MANIFEST$$' MANIFEST; else git ls-files; fi >$(DIST_TREE)/names || \
		{ echo 'make dist: it needs a clone, or the MANIFEST of an unpacked tarball' >&2; exit 1; }
	@if [ -f MANIFEST ]; then stat -c %Y MANIFEST; else git log -1 --format=%ct; fi >$(DIST_TREE)/time
	@tar -cf $(DIST_TREE)/files.tar --no-recursion -T $(DIST_TREE)/names
	@tar -xf $(DIST_TREE)/files.tar -C $(DIST_TREE)/$(DIST_NAME)
	@(cat $(DIST_TREE)/names && echo MANIFEST) | LC_ALL=C sort >$(DIST_TREE)/$(DIST_NAME)/MANIFEST
	@LC_ALL=C tar -C $(DIST_TREE) --format=gnu --sort=name --mtime=@$${SOURCE_DATE_EPOCH:-$$(cat $(DIST_TREE)/time)} \
		--owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -cf $(DIST_TREE)/sorted.tar $(DIST_NAME)
	@xz -T 1 -9 -c $(DIST_TREE)/sorted.tar >$(DIST) && rm -rf $(DIST_TREE)
	@echo $(DIST)

.PHONY: dist
