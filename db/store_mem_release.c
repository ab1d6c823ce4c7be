/*
 * Authors, releases and payloads, in memory. Releases are few: most lookups
 * are a walk.
 */
#include "db/store_mem.h"

#include <stdlib.h>

static int
cmp_author(const void *a, const void *b)
{
	const struct store_author *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
cmp_release(const void *a, const void *b)
{
	const struct store_release *x = a, *y = b;

	return mem_cmp(x->id, y->id);
}

static int
cmp_envelope(const void *a, const void *b)
{
	const struct mem_envelope *x = a, *y = b;

	return mem_cmp(x->id, y->id);
}

static int
cmp_payload(const void *a, const void *b)
{
	const struct mem_payload *x = a, *y = b;
	int c = mem_cmp(x->p.release, y->p.release);

	return c != 0 ? c : mem_cmp(x->ord, y->ord);
}

static struct store_author *
author_find(struct mem *m, const char *name)
{
	struct store_author probe = {0};

	return slice_to_cstr(slice_str(name), probe.name,
	    sizeof(probe.name)) ? mem_find(m, MEM_AUTHOR, 0, &probe) : NULL;
}

static int
author_put(struct store *s, const struct store_author *a)
{
	struct mem *m = mem_of(s);
	struct store_author *old;
	int err = rules_author(a);

	if (err != 0)
		return mem_refuse(m, err, "author");
	err = mem_writable(m);
	if (err != 0)
		return err;
	old = author_find(m, a->name);
	if (old == NULL && mem_ix(m, MEM_AUTHOR, 0)->n >= LIMIT_KEYRING)
		return mem_refuse(m, ERR_LIMIT, "authors");
	mem_set(m, MEM_AUTHOR, old, a);
	return 0;
}

static int
author_get(struct store *s, const char *name, struct store_author *ret)
{
	struct store_author *a = author_find(mem_of(s), name);

	if (a == NULL)
		return mem_refuse(mem_of(s), ERR_NOT_FOUND, "author");
	*ret = *a;
	return 0;
}

static int
author_remove(struct store *s, const char *name)
{
	struct mem *m = mem_of(s);
	struct store_author *a = author_find(m, name);
	int err = mem_writable(m);

	if (err != 0)
		return err;
	if (a == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "author");
	mem_set(m, MEM_AUTHOR, a, NULL);
	return 0;
}

static int
author_list(struct store *s, struct store_author *ret, size_t cap,
    size_t *ret_n)
{
	struct mem_index *x = mem_ix(mem_of(s), MEM_AUTHOR, 0);
	size_t n;

	for (n = 0; n < x->n && n < cap; n++)
		ret[n] = *(struct store_author *)x->row[n];
	*ret_n = n;
	return 0;
}

static struct store_release *
release_find(struct mem *m, uint64_t id)
{
	struct store_release probe = {.id = id};

	return mem_find(m, MEM_RELEASE, 0, &probe);
}

static bool
release_has_class(const struct store_release *r, const uint8_t class_id[16])
{
	for (size_t i = 0; i < r->class_count; i++)
		if (memcmp(r->class_id[i], class_id, 16) == 0)
			return true;
	return false;
}

static int
release_check(struct mem *m, const struct store_release *r,
    const struct store_payload *p, size_t np)
{
	struct mem_index *x = mem_ix(m, MEM_RELEASE, 0);
	struct mem_index *px = mem_ix(m, MEM_PAYLOAD, 0);
	const struct store_release *o;
	const struct store_payload *q;

	for (size_t i = 0; i < x->n; i++) {
		o = x->row[i];
		if (memcmp(o->digest, r->digest, 32) == 0)
			return mem_refuse(m, ERR_EXISTS, "release");
	}
	for (size_t i = 0; i < x->n; i++) {
		o = x->row[i];
		if (r->ceiling != 0 && o->seq > r->ceiling)
			continue;
		for (size_t k = 0; k < r->class_count; k++)
			if (r->seq <= o->seq &&
			    release_has_class(o, r->class_id[k]))
				return mem_refuse(m, ERR_SEQUENCE, "release");
	}
	for (size_t i = 0; i < px->n; i++) {
		q = &((struct mem_payload *)px->row[i])->p;
		for (size_t k = 0; k < np; k++)
			if (q->path[0] != '\0' &&
			    strcmp(q->path, p[k].path) == 0 &&
			    memcmp(q->digest, p[k].digest, 32) != 0)
				return mem_refuse(m, ERR_CONFLICT, "path");
	}
	return 0;
}

static int
release_highest(struct store *s, const uint8_t class_id[16],
    uint64_t *ret_seq)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_RELEASE, 0);
	const struct store_release *r, *best = NULL;

	for (size_t i = 0; i < x->n; i++) {
		r = x->row[i];
		if (release_has_class(r, class_id) &&
		    (best == NULL || r->seq > best->seq))
			best = r;
	}
	if (best == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "release");
	*ret_seq = best->seq;
	return 0;
}

static int
release_put(struct store *s, struct store_release *r, struct slice envelope,
    const struct store_payload *p, size_t np)
{
	struct mem *m = mem_of(s);
	struct mem_envelope *e;
	struct store_release kept;
	int err = rules_release(r, envelope, p, np);

	if (err != 0)
		return mem_refuse(m, err, "release");
	err = mem_writable(m);
	if (err == 0)
		err = release_check(m, r, p, np);
	if (err != 0)
		return err;
	r->id = mem_next(m, MEM_RELEASE);
	r->envelope_len = envelope.n;
	kept = *r;
	kept.ceiling = 0;
	mem_set(m, MEM_RELEASE, NULL, &kept);
	e = mem_alloc(NULL, 1, sizeof(*e));
	memset(e, 0, sizeof(*e));
	e->id = r->id;
	e->n = envelope.n;
	memcpy(e->b, envelope.p, envelope.n);
	mem_set(m, MEM_ENVELOPE, NULL, e);
	free(e);
	for (size_t i = 0; i < np; i++) {
		struct mem_payload row = {p[i], i};

		row.p.release = r->id;
		mem_set(m, MEM_PAYLOAD, NULL, &row);
	}
	return 0;
}

static int
give(struct mem *m, const struct store_release *r, struct store_release *ret)
{
	if (r == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "release");
	*ret = *r;
	return 0;
}

static int
release_get(struct store *s, uint64_t id, struct store_release *ret)
{
	return give(mem_of(s), release_find(mem_of(s), id), ret);
}

static int
release_by_digest(struct store *s, const uint8_t digest[32],
    struct store_release *ret)
{
	struct mem_index *x = mem_ix(mem_of(s), MEM_RELEASE, 0);
	struct store_release *r = NULL;

	for (size_t i = 0; i < x->n && r == NULL; i++) {
		r = x->row[i];
		if (memcmp(r->digest, digest, 32) != 0)
			r = NULL;
	}
	return give(mem_of(s), r, ret);
}

static int
release_current(struct store *s, const uint8_t class_id[16],
    struct store_release *ret)
{
	struct mem_index *x = mem_ix(mem_of(s), MEM_RELEASE, 0);
	struct store_release *r, *best = NULL;

	for (size_t i = 0; i < x->n; i++) {
		r = x->row[i];
		if (r->state == RELEASE_LIVE &&
		    release_has_class(r, class_id) &&
		    (best == NULL || r->seq > best->seq))
			best = r;
	}
	return give(mem_of(s), best, ret);
}

static int
release_envelope(struct store *s, uint64_t id, struct buf *out)
{
	struct mem *m = mem_of(s);
	struct mem_envelope *e = NULL;
	struct mem_index *x = mem_ix(m, MEM_ENVELOPE, 0);

	for (size_t i = 0; i < x->n && e == NULL; i++) {
		e = x->row[i];
		if (e->id != id)
			e = NULL;
	}
	if (e == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "envelope");
	if (e->n > out->cap - out->n)
		return mem_refuse(m, ERR_SPACE, "envelope");
	buf_put(out, slice_of(e->b, e->n));
	return 0;
}

static int
release_payloads(struct store *s, uint64_t id, struct store_payload *ret,
    size_t cap, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_PAYLOAD, 0);
	struct mem_payload probe = {.p = {.release = id}}, *p;
	size_t i = mem_lower(m, MEM_PAYLOAD, 0, &probe), n = 0;

	if (release_find(m, id) == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "release");
	for (; i < x->n && n < cap; i++) {
		p = x->row[i];
		if (p->p.release != id)
			break;
		ret[n++] = p->p;
	}
	*ret_n = n;
	return 0;
}

static int
release_set_state(struct store *s, uint64_t id, enum release_state st)
{
	struct mem *m = mem_of(s);
	struct store_release *r = release_find(m, id), now;
	int err;

	if ((unsigned)st > RELEASE_STAGED)
		return mem_refuse(m, ERR_INVALID, "release state");
	err = mem_writable(m);
	if (err != 0)
		return err;
	if (r == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "release");
	now = *r;
	now.state = st;
	mem_set(m, MEM_RELEASE, r, &now);
	return 0;
}

static int
release_list(struct store *s, uint64_t before, size_t limit,
    struct store_release *ret, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct store_release probe = {.id = before ? before : UINT64_MAX};
	size_t i = mem_lower(m, MEM_RELEASE, 0, &probe), n = 0;
	int err = rules_page(limit);

	if (err != 0)
		return mem_refuse(m, err, "page");
	for (; i > 0 && n < limit; i--)
		ret[n++] = *(struct store_release *)
		    mem_ix(m, MEM_RELEASE, 0)->row[i - 1];
	*ret_n = n;
	return 0;
}

static int
payload_foreach(struct store *s,
    int (*cb)(void *arg, const struct store_payload *p,
        enum release_state st), void *arg)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_PAYLOAD, 0);
	struct store_payload *p;
	int err = 0;

	for (size_t i = 0; i < x->n && err == 0; i++) {
		p = &((struct mem_payload *)x->row[i])->p;
		if (!p->external)
			err = cb(arg, p, release_find(m, p->release)->state);
	}
	return err;
}

static int
image_needed(struct store *s, const uint8_t digest[32], bool *ret)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_PAYLOAD, 0);
	struct mem_index *jx = mem_ix(m, MEM_JOB, 0);
	struct store_payload *p;
	bool needed = false;

	for (size_t i = 0; i < x->n && !needed; i++) {
		p = &((struct mem_payload *)x->row[i])->p;
		if (memcmp(p->digest, digest, 32) != 0)
			continue;
		needed = release_find(m, p->release)->state !=
		    RELEASE_WITHDRAWN;
		for (size_t k = 0; k < jx->n && !needed; k++) {
			struct job *j = jx->row[k];

			needed = j->release == p->release &&
			    rules_live(j->state);
		}
	}
	*ret = needed;
	return 0;
}

void
mem_release_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_AUTHOR] = (struct mem_table){
		.size = sizeof(struct store_author),
		.ix = {{.cmp = cmp_author}},
	};
	m->table[MEM_RELEASE] = (struct mem_table){
		.size = sizeof(struct store_release),
		.ix = {{.cmp = cmp_release}},
	};
	m->table[MEM_ENVELOPE] = (struct mem_table){
		.size = sizeof(struct mem_envelope),
		.ix = {{.cmp = cmp_envelope}},
	};
	m->table[MEM_PAYLOAD] = (struct mem_table){
		.size = sizeof(struct mem_payload),
		.ix = {{.cmp = cmp_payload}},
	};
	ops->author_put = author_put;
	ops->author_get = author_get;
	ops->author_remove = author_remove;
	ops->author_list = author_list;
	ops->release_put = release_put;
	ops->release_get = release_get;
	ops->release_by_digest = release_by_digest;
	ops->release_current = release_current;
	ops->release_highest = release_highest;
	ops->release_envelope = release_envelope;
	ops->release_payloads = release_payloads;
	ops->release_set_state = release_set_state;
	ops->release_list = release_list;
	ops->payload_foreach = payload_foreach;
	ops->image_needed = image_needed;
}
