/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See state.h. */
#include "state.h"

#include "sys.h"

#define FIRST (LM_STATE_READY | LM_STATE_WANTED | LM_PHASE_OFF)

static unsigned first_word = FIRST;

struct lm_state lm_state = {.word = &first_word, .wanted = 1};

int lm_state_is_wanted(void)
{
	return lm_load(&lm_state.wanted);
}

/* The word of phase TO behind WORD. A child's was wiped: its session has nothing to do, and WANTED is kept apart. */
static unsigned word_of(unsigned word, enum lm_phase to)
{
	unsigned ready = word == LM_PHASE_FORKED ? LM_STATE_READY : word & LM_STATE_READY;

	return (word & LM_STATE_LIMITED) | ready | (lm_state_is_wanted() ? LM_STATE_WANTED : 0) | to;
}

int lm_state_change(enum lm_phase from, enum lm_phase to)
{
	unsigned word = lm_state_word();

	do {
		if (lm_state_phase_of(word) != from)
			return 0;
	} while (!lm_compare_exchange(lm_state.word, &word, word_of(word, to)));
	return 1;
}

enum lm_phase lm_state_set(enum lm_phase to)
{
	unsigned word = lm_state_word();

	while (!lm_compare_exchange(lm_state.word, &word, word_of(word, to)))
		;
	return lm_state_phase_of(word);
}

void lm_state_want(int wanted)
{
	lm_store(&lm_state.wanted, wanted);
	/* A word that was wiped gets the bit with its next phase: FORKED has to stay 0. */
	if (lm_state_word() == LM_PHASE_FORKED)
		return;
	if (wanted)
		lm_fetch_or(lm_state.word, LM_STATE_WANTED);
	else
		lm_fetch_and(lm_state.word, ~LM_STATE_WANTED);
}

/* FORKED has to stay 0. */
static void set_bit(unsigned bit)
{
	unsigned word = lm_state_word();

	while (word != LM_PHASE_FORKED && !lm_compare_exchange(lm_state.word, &word, word | bit))
		;
}

void lm_state_limit(void)
{
	set_bit(LM_STATE_LIMITED);
}

void lm_state_ready(int is_ready)
{
	if (is_ready)
		set_bit(LM_STATE_READY);
	else
		lm_fetch_and(lm_state.word, ~LM_STATE_READY);
}

int lm_state_watch_forks(void)
{
	unsigned *page = lm_sys_map(LM_SYS_PAGE_MAX);

	if (!page)
		return -1;
	if (lm_sys(SYS_madvise, page, LM_SYS_PAGE_MAX, MADV_WIPEONFORK) != 0) {
		lm_sys_unmap(page, LM_SYS_PAGE_MAX);
		return -1;
	}
	*page = lm_state_word();
	lm_state.word = page;
	return 0;
}

void lm_state_forked(void)
{
	lm_store(lm_state.word, LM_PHASE_FORKED);
}

void lm_state_release(void)
{
	if (lm_state.word != &first_word)
		lm_sys_unmap(lm_state.word, LM_SYS_PAGE_MAX);
	first_word = FIRST;
	lm_state = (struct lm_state){.word = &first_word, .wanted = 1};
}
