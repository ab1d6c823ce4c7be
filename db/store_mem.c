/*
 * The store in memory: tables, transactions.
 *
 * A row is never changed in place: mem_set takes the old one out of every
 * index into the undo log and puts a copy of the new one in. Rolling back is
 * the log read backwards; an outermost commit frees it. Sorted arrays of
 * pointers are plain and good for some 100 000 rows.
 */
#include "db/store_mem.h"

#include <assert.h>
#include <stdlib.h>

void *
mem_alloc(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n, size);

	if (p == NULL)
		abort(); /* a twin for tests: no state to save */
	return p;
}

int
mem_refuse(struct mem *m, int err, const char *what)
{
	return why_set(&m->base.why, err, "%s: %s", what, err_text(err));
}

int
mem_writable(struct mem *m)
{
	return m->depth > 0 ? 0 :
	    mem_refuse(m, ERR_STATE, "write outside of begin");
}

size_t
mem_lower(struct mem *m, enum mem_name t, unsigned ix, const void *probe)
{
	const struct mem_index *x = mem_ix(m, t, ix);
	size_t lo = 0, hi = x->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (x->cmp(x->row[mid], probe) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void *
mem_find(struct mem *m, enum mem_name t, unsigned ix, const void *probe)
{
	const struct mem_index *x = mem_ix(m, t, ix);
	size_t i = mem_lower(m, t, ix, probe);

	return i < x->n && x->cmp(x->row[i], probe) == 0 ? x->row[i] : NULL;
}

static void
index_row(struct mem *m, enum mem_name t, void *row, bool in)
{
	for (unsigned k = 0; k < MEM_INDEXES; k++) {
		struct mem_index *x = mem_ix(m, t, k);
		size_t i;

		if (x->cmp == NULL || (x->has != NULL && !x->has(row)))
			continue;
		i = mem_lower(m, t, k, row);
		if (in && x->n == x->cap) {
			x->cap = x->cap ? x->cap * 2 : 16;
			x->row = mem_alloc(x->row, x->cap, sizeof(*x->row));
		}
		if (in) {
			memmove(x->row + i + 1, x->row + i,
			    (x->n++ - i) * sizeof(*x->row));
			x->row[i] = row;
		} else {
			assert(x->row[i] == row);
			memmove(x->row + i, x->row + i + 1,
			    (--x->n - i) * sizeof(*x->row));
		}
	}
}

static void
swap(struct mem *m, enum mem_name t, void *out, void *in)
{
	if (out != NULL)
		index_row(m, t, out, false);
	if (in != NULL)
		index_row(m, t, in, true);
	if (m->table[t].changed != NULL)
		m->table[t].changed(m, out, in);
}

void
mem_set(struct mem *m, enum mem_name t, void *old, const void *now)
{
	void *copy = NULL;

	if (now != NULL) {
		copy = mem_alloc(NULL, 1, m->table[t].size);
		memcpy(copy, now, m->table[t].size);
	}
	if (m->undo_n == m->undo_cap) {
		m->undo_cap = m->undo_cap ? m->undo_cap * 2 : 64;
		m->undo = mem_alloc(m->undo, m->undo_cap, sizeof(*m->undo));
	}
	m->undo[m->undo_n++] = (struct mem_undo){t, old, copy};
	swap(m, t, old, copy);
}

static int
mem_begin(struct store *s)
{
	struct mem *m = mem_of(s);

	assert(m->depth < MEM_DEPTH);
	m->frame[m->depth].undo_n = m->undo_n;
	for (int t = 0; t < MEM_TABLES; t++)
		m->frame[m->depth].next[t] = m->table[t].next;
	m->depth++;
	return 0;
}

static int
mem_commit(struct store *s)
{
	struct mem *m = mem_of(s);

	if (m->depth == 0)
		return mem_refuse(m, ERR_STATE, "commit without begin");
	if (--m->depth > 0)
		return 0;
	while (m->undo_n > 0)
		free(m->undo[--m->undo_n].before);
	m->commits++;
	return 0;
}

static void
mem_rollback(struct store *s)
{
	struct mem *m = mem_of(s);

	if (m->depth == 0)
		return;
	m->depth--;
	while (m->undo_n > m->frame[m->depth].undo_n) {
		struct mem_undo *u = &m->undo[--m->undo_n];

		swap(m, u->table, u->after, u->before);
		free(u->after);
	}
	for (int t = 0; t < MEM_TABLES; t++)
		m->table[t].next = m->frame[m->depth].next[t];
}

static void
mem_close(struct store *s)
{
	struct mem *m = mem_of(s);

	while (m->depth > 0)
		mem_rollback(s);
	for (int t = 0; t < MEM_TABLES; t++) {
		for (size_t i = 0; i < m->table[t].ix[0].n; i++)
			free(m->table[t].ix[0].row[i]);
		for (int k = 0; k < MEM_INDEXES; k++)
			free(m->table[t].ix[k].row);
	}
	free(m->tally);
	free(m->undo);
	free(m);
}

static void
mem_stats(struct store *s, struct store_stats *ret)
{
	struct mem *m = mem_of(s);

	memset(ret, 0, sizeof(*ret));
	ret->commits = m->commits;
	ret->devices = mem_ix(m, MEM_DEVICE, 0)->n;
	ret->releases = mem_ix(m, MEM_RELEASE, 0)->n;
	ret->campaigns = mem_ix(m, MEM_CAMPAIGN, 0)->n;
	ret->ahead = mem_ix(m, MEM_DEVICE, 4)->n;
	ret->jobs = mem_ix(m, MEM_JOB, 0)->n;
	ret->events = mem_ix(m, MEM_EVENT, 0)->n;
	for (size_t i = 0; i < m->tally_n; i++)
		if (rules_live(m->tally[i].t.state))
			ret->jobs_live += m->tally[i].t.n;
}

int
store_mem_open(struct store **ret_store)
{
	static struct store_ops ops;
	struct mem *m = mem_alloc(NULL, 1, sizeof(*m));

	memset(m, 0, sizeof(*m));
	ops.name = "mem";
	ops.close = mem_close;
	ops.begin = mem_begin;
	ops.commit = mem_commit;
	ops.rollback = mem_rollback;
	ops.stats = mem_stats;
	mem_device_init(m, &ops);
	mem_credential_init(m, &ops);
	mem_revoked_init(m, &ops);
	mem_release_init(m, &ops);
	mem_campaign_init(m, &ops);
	mem_job_init(m, &ops);
	mem_event_init(m, &ops);
	m->base.ops = &ops;
	*ret_store = &m->base;
	return 0;
}
