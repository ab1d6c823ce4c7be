/*
 * manifest_walk: the state of the walk. Private to manifest_walk.c, which
 * runs the sequences, and manifest_plan.c, which writes down what is found.
 */
#ifndef SUITD_LIB_MANIFEST_WALK_H
#define SUITD_LIB_MANIFEST_WALK_H

#include "lib/manifest_key.h"

#define VARIANTS 256 /* alternatives at one time, all components */

/* components and dependencies are bits of one number */
_Static_assert(2 * LIMIT_COMPONENTS <= 64, "component indices");

struct variant {
	unsigned component;
	struct slice value[KEEP_COUNT]; /* raw; p NULL when not set */
	struct slice pinned[KEEP_IDENTITIES];
};

struct walk {
	const struct manifest *m;
	struct manifest_plan plan;
	struct why *why;
	enum manifest_section section;
	unsigned commands;
	unsigned depth;
	uint64_t selected; /* bit per component index */
	bool dead; /* the running sequence cannot go on */
	bool soft; /* a failed condition only ends the sequence */
	size_t base, top; /* the state: variant[base .. top) */
	struct variant variant[VARIANTS];
};

static inline bool
walk_selected(const struct walk *w, const struct variant *v)
{
	return (w->selected >> v->component & 1) != 0;
}

int walk_too_many(struct walk *w, const char *what, unsigned limit);
/* False when not set. */
bool walk_value_uint(struct slice raw, uint64_t *ret);
/* A parameter was set: into the lists of the plan. */
int walk_note_value(struct walk *w, enum manifest_keep keep, struct slice raw)
    MUST_USE;
int walk_add_download(struct walk *w, const struct variant *v) MUST_USE;
/* A digest that is set only after the fetch still belongs to it. */
void walk_image_match(struct walk *w);

#endif
