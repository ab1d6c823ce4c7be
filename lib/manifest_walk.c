/*
 * manifest_walk: what may a device download? (SUIT 6.4 to 6.6, 8.4)
 *
 * A device runs its sequences in one state: parameters by component. We do
 * not know the device, so we run them in all states at once: a component has
 * one *variant* (a set of parameters) for each way through the try-each
 * commands before. A condition on slot, vendor or class pins that identity
 * of a variant; a later condition that contradicts it ends the variant, so
 * that the digest of slot 0 never meets the URI of slot 1. A branch in which
 * a component has no variant left is one that no such device takes.
 *
 * Variants lie in one array used as a stack. The state is its top range: a
 * branch copies the state to the top and runs there; at the end of try-each
 * the results of all branches take the place of the state before.
 *
 * Every section starts from the state after the shared sequence. The form
 * was checked by manifest_parse; what is left to refuse is size.
 */
#include "lib/manifest_walk.h"

static bool
variant_eq(const struct variant *a, const struct variant *b)
{
	if (a->component != b->component)
		return false;
	for (int i = 0; i < KEEP_COUNT; i++)
		if (!slice_eq(a->value[i], b->value[i]))
			return false;
	for (int i = 0; i < KEEP_IDENTITIES; i++)
		if (!slice_eq(a->pinned[i], b->pinned[i]))
			return false;
	return true;
}

/* --- parameters --- */

static int
apply_params(struct walk *w, struct slice map, bool override)
{
	struct cbr c = cbr_of(map);
	const struct manifest_param *p;
	struct slice raw;
	uint64_t n;
	int64_t key;
	bool b;
	int rc;

	if ((rc = cbr_get_map(&c, &n)) != 0)
		return rc;
	for (; n > 0; n--) {
		if ((rc = cbr_get_int(&c, &key)) != 0 ||
		    (rc = cbr_skip(&c, &raw)) != 0)
			return rc;
		p = manifest_param(w->m->dialect, key);
		if (p == NULL || p->keep == KEEP_NOT)
			continue;
		if (p->keep == KEEP_SOFT_FAILURE) {
			struct cbr v = cbr_of(raw);
			if ((rc = cbr_get_bool(&v, &b)) != 0)
				return rc;
			w->soft = w->soft || b;
			continue;
		}
		if ((rc = walk_note_value(w, p->keep, raw)) != 0)
			return rc;
		for (size_t i = w->base; i < w->top; i++) {
			struct variant *v = &w->variant[i];
			if (walk_selected(w, v) &&
			    (override || v->value[p->keep].p == NULL))
				v->value[p->keep] = raw;
		}
	}
	return 0;
}

static int
override_multiple(struct walk *w, struct slice arg)
{
	struct cbr c = cbr_of(arg);
	uint64_t saved = w->selected, n, index;
	struct slice map;
	int rc;

	rc = cbr_get_map(&c, &n);
	for (; rc == 0 && n > 0; n--) {
		if ((rc = cbr_get_uint(&c, &index)) != 0 ||
		    (rc = cbr_skip(&c, &map)) != 0)
			break;
		w->selected = UINT64_C(1) << index;
		rc = apply_params(w, map, true);
	}
	w->selected = saved;
	return rc;
}

/* From the first variant of the source (update-management). */
static void
copy_param(struct walk *w, uint64_t source, enum manifest_keep keep)
{
	struct slice value = SLICE_NONE;

	for (size_t i = w->base; i < w->top && value.p == NULL; i++)
		if (w->variant[i].component == source)
			value = w->variant[i].value[keep];
	for (size_t i = w->base; i < w->top; i++)
		if (walk_selected(w, &w->variant[i]))
			w->variant[i].value[keep] = value;
}

static int
copy_params(struct walk *w, struct slice arg)
{
	struct cbr c = cbr_of(arg);
	const struct manifest_param *p;
	uint64_t n, count, source;
	int64_t key;
	int rc;

	rc = cbr_get_map(&c, &n);
	for (; rc == 0 && n > 0; n--) {
		if ((rc = cbr_get_uint(&c, &source)) != 0)
			break;
		rc = cbr_get_array(&c, &count);
		for (; rc == 0 && count > 0; count--) {
			if ((rc = cbr_get_int(&c, &key)) != 0)
				break;
			p = manifest_param(w->m->dialect, key);
			if (p != NULL && p->keep < KEEP_COUNT)
				copy_param(w, source, p->keep);
		}
	}
	return rc;
}

/* --- conditions --- */

/* A condition without its parameter says nothing about the device. */
static void
pin(struct walk *w, enum manifest_keep id)
{
	size_t out = w->base;
	uint64_t had = 0, left = 0;

	for (size_t i = w->base; i < w->top; i++) {
		struct variant v = w->variant[i];
		bool holds = true;

		if (walk_selected(w, &v)) {
			had |= UINT64_C(1) << v.component;
			if (v.pinned[id].p != NULL && v.value[id].p != NULL)
				holds = slice_eq(v.pinned[id], v.value[id]);
			else if (v.value[id].p != NULL)
				v.pinned[id] = v.value[id];
		}
		if (!holds)
			continue;
		left |= UINT64_C(1) << v.component;
		w->variant[out++] = v;
	}
	w->top = out;
	if ((had & ~left) != 0)
		w->dead = true;
}

/* In whichever branch it stands: a device with an older list must not even
 * look which branch is its own. */
static void
list_min(struct walk *w, struct slice arg)
{
	uint64_t u = 0;

	if (walk_value_uint(arg, &u) && u > w->plan.list_min)
		w->plan.list_min = u;
}

/* --- directives --- */

static int
fetch(struct walk *w)
{
	int rc = 0;

	for (size_t i = w->base; i < w->top && rc == 0; i++)
		if (walk_selected(w, &w->variant[i]))
			rc = walk_add_download(w, &w->variant[i]);
	return rc;
}

/* Decryption happens on copy: then what was fetched is ciphertext. */
static void
copy(struct walk *w)
{
	uint64_t source;

	for (size_t i = w->base; i < w->top; i++) {
		struct variant *v = &w->variant[i];
		if (!walk_selected(w, v) ||
		    v->value[KEEP_ENCRYPTION].p == NULL ||
		    !walk_value_uint(v->value[KEEP_SOURCE], &source))
			continue;
		for (size_t j = 0; j < w->plan.n; j++)
			if (w->plan.d[j].component == source)
				w->plan.d[j].encrypted = true;
	}
}

static uint64_t
all_components(const struct walk *w)
{
	uint64_t n = w->m->component_count;

	return n == 0 ? 1 : (UINT64_C(1) << n) - 1;
}

static int
select_index(struct walk *w, struct slice arg, size_t offset)
{
	struct cbr c = cbr_of(arg);
	uint64_t n = 1, index;
	bool all;
	int rc;

	if (cbr_get_bool(&c, &all) == 0) {
		w->selected = all_components(w);
		return 0;
	}
	if (cbr_get_array(&c, &n) != 0)
		n = 1;
	w->selected = 0;
	for (; n > 0; n--) {
		if ((rc = cbr_get_uint(&c, &index)) != 0)
			return rc;
		if (index + offset < 64)
			w->selected |= UINT64_C(1) << (index + offset);
	}
	return 0;
}

/* --- sequences --- */

static int run_sequence(struct walk *w, struct slice content);

/* The state before, [base, n), once more on top: as a branch's start. */
static int
push_copy(struct walk *w, size_t base, size_t n)
{
	if (n - base > VARIANTS - w->top)
		return walk_too_many(w, "alternatives", VARIANTS);
	memcpy(&w->variant[w->top], &w->variant[base],
	    (n - base) * sizeof(w->variant[0]));
	w->base = w->top;
	w->top += n - base;
	return 0;
}

/* variant[from .. top) without repetitions becomes the state at `base`. */
static void
settle(struct walk *w, size_t base, size_t from)
{
	size_t out = base;

	for (size_t i = from; i < w->top; i++) {
		struct variant v = w->variant[i];
		size_t j = base;

		while (j < out && !variant_eq(&w->variant[j], &v))
			j++;
		if (j == out)
			w->variant[out++] = v;
	}
	w->base = base;
	w->top = out;
}

/* One branch from the state [base, n); its result stays on top. */
static int
run_branch(struct walk *w, size_t base, size_t n, struct slice content)
{
	uint64_t selected = w->selected;
	int rc;

	if ((rc = push_copy(w, base, n)) != 0)
		return rc;
	w->dead = w->soft = false;
	w->depth++;
	if (content.p != NULL)
		rc = run_sequence(w, content);
	w->depth--;
	if (w->dead)
		w->top = w->base;
	w->selected = selected;
	return rc;
}

/* Sequences as arguments run once per component (SUIT 6.5). */
static int
for_each_component(struct walk *w, struct slice arg,
    int (*run)(struct walk *, struct slice, size_t, size_t))
{
	uint64_t selected = w->selected;
	size_t base = w->base;
	int rc = 0;

	for (unsigned i = 0; i < 64 && rc == 0 && !w->dead; i++) {
		size_t n = w->top;

		if ((selected >> i & 1) == 0)
			continue;
		w->selected = UINT64_C(1) << i;
		rc = run(w, arg, base, n);
		w->dead = w->top == n;
		if (w->dead)
			w->base = base;
		else
			settle(w, base, n);
	}
	w->selected = selected;
	return rc;
}

static int
run_once(struct walk *w, struct slice arg, size_t base, size_t n)
{
	struct cbr c = cbr_of(arg);
	bool soft = w->soft;
	struct slice content;
	int rc;

	if ((rc = cbr_get_bstr(&c, &content)) != 0 ||
	    (rc = run_branch(w, base, n, content)) != 0)
		return rc;
	/* it may end early without failing (8.4.8.15): also as before */
	if (w->soft)
		rc = push_copy(w, base, n);
	w->soft = soft;
	return rc;
}

static int
run_try(struct walk *w, struct slice arg, size_t base, size_t n)
{
	struct cbr c = cbr_of(arg);
	bool soft = w->soft;
	struct slice content;
	uint64_t count;
	int rc;

	rc = cbr_get_array(&c, &count);
	for (; rc == 0 && count > 0; count--) {
		content = SLICE_NONE;
		if (cbr_get_null(&c) != 0 &&
		    (rc = cbr_get_bstr(&c, &content)) != 0)
			break;
		rc = run_branch(w, base, n, content);
	}
	w->soft = soft;
	return rc;
}

static int
run_command(struct walk *w, const struct manifest_cmd *cmd)
{
	switch (cmd->row->op) {
	case OP_NONE:
		return 0;
	case OP_VENDOR:
		pin(w, KEEP_VENDOR);
		return 0;
	case OP_CLASS:
		pin(w, KEEP_CLASS);
		return 0;
	case OP_SLOT:
		pin(w, KEEP_SLOT);
		return 0;
	case OP_IMAGE_MATCH:
		walk_image_match(w);
		return 0;
	case OP_ABORT:
		w->dead = true;
		return 0;
	case OP_INDEX:
		return select_index(w, cmd->arg, 0);
	case OP_DEPENDENCY_INDEX:
		return select_index(w, cmd->arg, w->m->component_count);
	case OP_SET:
		return apply_params(w, cmd->arg, false);
	case OP_OVERRIDE:
		return apply_params(w, cmd->arg, true);
	case OP_OVERRIDE_MULTIPLE:
		return override_multiple(w, cmd->arg);
	case OP_COPY_PARAMS:
		return copy_params(w, cmd->arg);
	case OP_FETCH:
		return fetch(w);
	case OP_COPY:
		copy(w);
		return 0;
	case OP_TRY:
		return for_each_component(w, cmd->arg, run_try);
	case OP_RUN:
		return for_each_component(w, cmd->arg, run_once);
	case OP_LIST_MIN:
		list_min(w, cmd->arg);
		return 0;
	}
	return 0;
}

static int
run_sequence(struct walk *w, struct slice content)
{
	struct manifest_seq seq;
	struct manifest_cmd cmd;
	int rc;

	if (w->depth > LIMIT_CBOR_DEPTH)
		return why_set(w->why, ERR_DEPTH,
		    "SUIT 8.4.6: sequences nest deeper than %d",
		    LIMIT_CBOR_DEPTH);
	if ((rc = manifest_seq_open(content, &seq, w->why)) != 0)
		return rc;
	while (seq.left > 0 && !w->dead) {
		rc = manifest_seq_next(&seq, w->m->dialect, &cmd, w->why);
		if (rc != 0)
			return rc;
		if (++w->commands > LIMIT_COMMANDS)
			return walk_too_many(w, "commands", LIMIT_COMMANDS);
		if (cmd.row != NULL && (rc = run_command(w, &cmd)) != 0)
			return rc;
	}
	return 0;
}

/* A section, from the state [0, n) that the shared sequence left. */
static int
run_section(struct walk *w, enum manifest_section s, size_t n)
{
	int rc;

	if (w->m->part[s].content.p == NULL)
		return 0;
	w->section = s;
	w->selected = 1;
	w->dead = w->soft = false;
	w->depth = 1;
	w->top = n;
	if ((rc = push_copy(w, 0, n)) != 0)
		return rc;
	return run_sequence(w, w->m->part[s].content);
}

static int
walk_all(struct walk *w)
{
	size_t n = w->m->component_count + w->m->dependency_count;
	int rc;

	if (n == 0)
		n = 1;
	for (size_t i = 0; i < n; i++)
		w->variant[w->top++] = (struct variant){.component = i};
	w->selected = 1;
	w->depth = 1;
	w->section = MANIFEST_SHARED;
	if (w->m->part[MANIFEST_SHARED].content.p != NULL &&
	    (rc = run_sequence(w, w->m->part[MANIFEST_SHARED].content)) != 0)
		return rc;
	if (w->dead)
		return 0; /* no device passes the shared sequence */
	n = w->top;
	for (size_t i = 0; i < manifest_procedure_count; i++)
		if ((rc = run_section(w, manifest_procedure[i], n)) != 0)
			return rc;
	return 0;
}

int
manifest_walk(const struct manifest *m, struct manifest_plan *ret_plan,
    struct why *why)
{
	struct walk w;
	int rc;

	memset(&w, 0, sizeof(w));
	w.m = m;
	w.why = why;
	if ((rc = walk_all(&w)) != 0)
		return rc;
	*ret_plan = w.plan;
	return 0;
}
