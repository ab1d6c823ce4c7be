/*
 * The event log and small settings, in memory.
 */
#include "db/store_mem.h"

static int
cmp_event(const void *a, const void *b)
{
	const struct store_event *x = a, *y = b;

	return mem_cmp(x->id, y->id);
}

static int
cmp_meta(const void *a, const void *b)
{
	const struct mem_meta *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
event_put(struct store *s, struct store_event *e)
{
	struct mem *m = mem_of(s);
	int err = rules_event(e);

	if (err != 0)
		return mem_refuse(m, err, "event");
	err = mem_writable(m);
	if (err != 0)
		return err;
	e->id = mem_next(m, MEM_EVENT);
	mem_set(m, MEM_EVENT, NULL, e);
	return 0;
}

static int
event_prune(struct store *s, uint64_t keep, uint64_t limit, uint64_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_EVENT, 0);
	uint64_t n;
	int err;

	if (keep > INT64_MAX / 2 || limit > INT64_MAX / 2)
		return mem_refuse(m, ERR_RANGE, "events");
	err = mem_writable(m);
	if (err != 0)
		return err;
	for (n = 0; n < limit && x->n > keep; n++)
		mem_set(m, MEM_EVENT, x->row[0], NULL);
	*ret_n = n;
	return 0;
}

static bool
event_match(const struct store_event *e, const struct store_event_filter *f)
{
	return (f->device == 0 || e->device == f->device) &&
	    (f->job == 0 || e->job == f->job) &&
	    (f->campaign == 0 || e->campaign == f->campaign) &&
	    (f->release == 0 || e->release == f->release);
}

static int
event_list(struct store *s, const struct store_event_filter *f,
    struct store_event *ret, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_EVENT, 0);
	struct store_event probe = {.id = f->after}, *e;
	size_t i, n = 0;
	int err = rules_page(f->limit);

	if (err != 0)
		return mem_refuse(m, err, "page");
	if (!f->newest_first)
		probe.id++;
	else if (f->after == 0)
		probe.id = UINT64_MAX;
	i = mem_lower(m, MEM_EVENT, 0, &probe);
	while (n < f->limit && (f->newest_first ? i > 0 : i < x->n)) {
		e = f->newest_first ? x->row[--i] : x->row[i++];
		if (event_match(e, f))
			ret[n++] = *e;
	}
	*ret_n = n;
	return 0;
}

static struct mem_meta *
meta_find(struct mem *m, const char *name)
{
	struct mem_meta probe;

	return slice_to_cstr(slice_str(name), probe.name,
	    sizeof(probe.name)) ? mem_find(m, MEM_META, 0, &probe) : NULL;
}

static int
meta_get(struct store *s, const char *name, struct buf *out)
{
	struct mem *m = mem_of(s);
	struct mem_meta *v = meta_find(m, name);

	if (v == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "setting");
	if (v->n > out->cap - out->n)
		return mem_refuse(m, ERR_SPACE, "setting");
	buf_put(out, slice_of(v->b, v->n));
	return 0;
}

static int
meta_put(struct store *s, const char *name, struct slice v)
{
	struct mem *m = mem_of(s);
	struct mem_meta now = {.n = v.n};
	int err = rules_meta(name, v);

	if (err != 0)
		return mem_refuse(m, err, "setting");
	err = mem_writable(m);
	if (err != 0)
		return err;
	memcpy(now.name, name, strlen(name) + 1);
	if (v.n > 0)
		memcpy(now.b, v.p, v.n);
	mem_set(m, MEM_META, meta_find(m, name), &now);
	return 0;
}

void
mem_event_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_EVENT] = (struct mem_table){
		.size = sizeof(struct store_event),
		.ix = {{.cmp = cmp_event}},
	};
	m->table[MEM_META] = (struct mem_table){
		.size = sizeof(struct mem_meta),
		.ix = {{.cmp = cmp_meta}},
	};
	ops->event_put = event_put;
	ops->event_prune = event_prune;
	ops->event_list = event_list;
	ops->meta_get = meta_get;
	ops->meta_put = meta_put;
}
