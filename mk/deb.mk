# SPDX-License-Identifier: LGPL-3.0-or-later
# `make deb` builds Debian's packages and puts them beside the source tree, where dpkg-buildpackage always puts them.

deb:
	dpkg-buildpackage -us -uc -b

.PHONY: deb
