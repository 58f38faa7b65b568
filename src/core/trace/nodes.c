/* SPDX-License-Identifier: LGPL-3.0-or-later */
/* See nodes.h. */
#include "nodes.h"

#include "arena.h"
#include "atomic.h"
#include "frames.h"
#include "marks.h"
#include "packed.h"
#include "record.h"

#define TABLE_BITS 14
#define FEW_BITS   12

struct node {
	struct lm_link link;
	uint64_t number;  /* from 1 */
	uint64_t caller;  /* a node's number; 0: none */
	unsigned frame;   /* a frame's number */
	unsigned written; /* the TRACE that it was written to last */
};

static struct lm_link *table[1 << TABLE_BITS];
static struct lm_chains nodes = {.bits = TABLE_BITS, .first = table};
static uint64_t last_number;

/* The files that this memory has seen: each child of fork that writes a trace begins another. */
static unsigned trace = 1;

static uint64_t hash_of(uint64_t caller, unsigned frame)
{
	uint64_t hash = (caller << 32 ^ frame) * UINT64_C(0x9e3779b97f4a7c15);

	return (hash ^ hash >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
}

static int is_wanted(struct lm_link *link, const void *wanted)
{
	const struct node *node = (const struct node *)link, *other = wanted;

	return node->caller == other->caller && node->frame == other->frame;
}

static struct node *listed(const struct node *wanted)
{
	return (struct node *)lm_chains_find(&nodes, hash_of(wanted->caller, wanted->frame), is_wanted, wanted);
}

static struct node *made(const struct node *wanted)
{
	struct node *node = lm_arena_alloc(sizeof *node);

	if (!node)
		return NULL;
	node->caller = wanted->caller;
	node->frame = wanted->frame;
	node->number = lm_add(&last_number, 1);
	return node;
}

/* The node of FRAME, called from CALLER; NULL without memory. */
static struct node *find(uint64_t caller, unsigned frame)
{
	const struct node wanted = {.caller = caller, .frame = frame};
	struct node *node = listed(&wanted), *added;
	struct lm_link **place;

	if (node)
		return node;
	added = made(&wanted);
	if (!added)
		return NULL;
	do {
		place = lm_chains_place(&nodes, hash_of(caller, frame), &added->link.next);
		/* Another thread may have added it meanwhile. */
		node = listed(&wanted);
		if (node)
			return node;
	} while (!lm_compare_exchange(place, &added->link.next, &added->link));
	return added;
}

/* ---- writing ---- */

/* Nodes that the trace gets next, as one record: each of its own would be a write of its own where there is no ring. */
#define TOGETHER 8

struct together {
	unsigned now; /* the trace's file */
	unsigned count;
	struct node *nodes[TOGETHER];
	uint64_t words[2 * TOGETHER];
};

static int write_together(struct together *these)
{
	struct iovec parts[2] = {{these->words, these->count * 2 * sizeof *these->words}};

	if (these->count && lm_marks_send(parts, 1) != 0)
		return -1;
	for (unsigned i = 0; i < these->count; i++)
		lm_store_release(&these->nodes[i]->written, these->now);
	these->count = 0;
	return 0;
}

/* A node whose numbers do not fit is a line. */
static __attribute__((noinline)) int write_line(struct node *node, unsigned now)
{
	char line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[2] = {{line, 0}};

	lm_record_node(&text, node->number, node->caller, node->frame);
	parts[0].iov_len = (size_t)(text.at - line);
	if (lm_marks_send(parts, 1) != 0)
		return -1;
	lm_store_release(&node->written, now);
	return 0;
}

/* 0, or -1: it is not written, nor are those of THESE. */
static int write_node(struct together *these, struct node *node)
{
	uint64_t *words = these->words + 2 * these->count;

	if (node->number > LM_PACKED_NODE_MAX || node->caller > LM_PACKED_NODE_MAX)
		return write_together(these) == 0 ? write_line(node, these->now) : -1;
	words[0] = lm_packed_bytes(lm_packed_node(node->number, node->frame));
	words[1] = lm_packed_bytes(lm_packed_caller(node->caller));
	these->nodes[these->count++] = node;
	return these->count < TOGETHER ? 0 : write_together(these);
}

static int write_frame(struct lm_frame *frame)
{
	char line[LM_RECORD_LINE_MAX];
	struct lm_text text = {line, line + sizeof line};
	struct iovec parts[3];

	lm_record_number(&text, LM_TRACE_FRAME, frame->number);
	parts[0] = (struct iovec){line, (size_t)(text.at - line)};
	parts[1] = (struct iovec){(void *)frame->text, frame->length};
	return lm_marks_send(parts, 2);
}

/* Writes FRAME and the node of it, called from CALLER, unless the trace has them. Returns the node, or NULL. */
static const struct node *need(struct together *these, uint64_t caller, struct lm_frame *frame)
{
	struct node *node = find(caller, frame->number);

	if (!node || lm_load_acquire(&node->written) == these->now)
		return node;
	if (lm_load_acquire(&frame->written) != these->now) {
		if (write_frame(frame) != 0)
			return NULL;
		lm_store_release(&frame->written, these->now);
	}
	return write_node(these, node) == 0 ? node : NULL;
}

int lm_nodes_write(struct lm_backtrace *backtrace, struct lm_frame **frames)
{
	struct together these = {.now = lm_load(&trace)};
	uint64_t number = 0;
	unsigned count;

	if (lm_frames_of(backtrace, frames, &count) != 0)
		return -1;
	while (count-- > 0) {
		const struct node *node = need(&these, number, frames[count]);

		if (!node)
			return -1;
		number = node->number;
	}
	if (write_together(&these) != 0)
		return -1;
	lm_store(&backtrace->number, number);
	return 0;
}

void lm_nodes_begin(int few)
{
	nodes.bits = few ? FEW_BITS : TABLE_BITS;
}

void lm_nodes_renew(void)
{
	lm_add(&trace, 1);
}

void lm_nodes_release(void)
{
	lm_chains_clear(&nodes);
	last_number = 0;
}
