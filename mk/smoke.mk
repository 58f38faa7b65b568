# SPDX-License-Identifier: LGPL-3.0-or-later
# `make smoke` traces programs of Debian's packages. `make soak` traces one program for a long time.

# SMOKE=quick takes under a minute and runs only the programs that most machines have. The head of tests/smoke/smoke
# lists the other settings.
smoke: all $(B)/tests/judge
	@SMOKE='$(SMOKE)' tests/smoke/smoke $(B)

SOAK_SECONDS ?= 600
soak: all $(B)/tests/judge $(B)/tests/programs/soak
	@tests/smoke/soak.sh $(B) $(SOAK_SECONDS)

.PHONY: smoke soak
