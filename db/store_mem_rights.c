/* Principals, their keys, and requests, in memory. */
#include "db/store_mem.h"

static int
cmp_principal(const void *a, const void *b)
{
	const struct store_principal *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int
cmp_key(const void *a, const void *b)
{
	const struct store_principal_key *x = a, *y = b;

	return strcmp(x->identity, y->identity);
}

static int
cmp_key_of(const void *a, const void *b)
{
	const struct store_principal_key *x = a, *y = b;
	int c = strcmp(x->principal, y->principal);

	return c != 0 ? c : strcmp(x->identity, y->identity);
}

static int
cmp_request(const void *a, const void *b)
{
	const struct store_request *x = a, *y = b;

	return mem_cmp(x->id, y->id);
}

/* --- principals --- */

static struct store_principal *
principal_find(struct mem *m, const char *name)
{
	struct store_principal probe = {.created = 0};

	return slice_to_cstr(slice_str(name), probe.name,
	    sizeof(probe.name)) ? mem_find(m, MEM_PRINCIPAL, 0, &probe) : NULL;
}

static int
principal_put(struct store *s, const struct store_principal *p)
{
	struct mem *m = mem_of(s);
	struct store_principal *old;
	int err = rules_principal(p);

	if (err != 0)
		return mem_refuse(m, err, "principal");
	err = mem_writable(m);
	if (err != 0)
		return err;
	old = principal_find(m, p->name);
	if (old == NULL && mem_ix(m, MEM_PRINCIPAL, 0)->n >= LIMIT_PRINCIPALS)
		return mem_refuse(m, ERR_LIMIT, "principals");
	mem_set(m, MEM_PRINCIPAL, old, p);
	return 0;
}

static int
principal_get(struct store *s, const char *name, struct store_principal *ret)
{
	struct store_principal *p = principal_find(mem_of(s), name);

	if (p == NULL)
		return mem_refuse(mem_of(s), ERR_NOT_FOUND, "principal");
	*ret = *p;
	return 0;
}

/* The first key of a principal, or NULL. */
static struct store_principal_key *
first_key(struct mem *m, const char *name)
{
	struct mem_index *x = mem_ix(m, MEM_PRINCIPAL_KEY, 1);
	struct store_principal_key probe = {.key_len = 0}, *k;
	size_t i;

	strcpy(probe.principal, name);
	i = mem_lower(m, MEM_PRINCIPAL_KEY, 1, &probe);
	k = i < x->n ? x->row[i] : NULL;
	return k != NULL && strcmp(k->principal, name) == 0 ? k : NULL;
}

static int
principal_remove(struct store *s, const char *name)
{
	struct mem *m = mem_of(s);
	struct store_principal *p = principal_find(m, name);
	struct store_principal_key *k;
	int err = mem_writable(m);

	if (err != 0)
		return err;
	if (p == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "principal");
	while ((k = first_key(m, name)) != NULL)
		mem_set(m, MEM_PRINCIPAL_KEY, k, NULL);
	mem_set(m, MEM_PRINCIPAL, p, NULL);
	return 0;
}

static int
principal_list(struct store *s, const char *after, size_t limit,
    struct store_principal *ret, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_PRINCIPAL, 0);
	size_t n = 0;
	int err = rules_page(limit);

	if (err != 0)
		return mem_refuse(m, err, "page");
	for (size_t i = 0; i < x->n && n < limit; i++) {
		const struct store_principal *p = x->row[i];

		if (strcmp(p->name, after) > 0)
			ret[n++] = *p;
	}
	*ret_n = n;
	return 0;
}

/* --- their keys --- */

static struct store_principal_key *
key_find(struct mem *m, const char *identity)
{
	struct store_principal_key probe = {.key_len = 0};

	return slice_to_cstr(slice_str(identity), probe.identity,
	    sizeof(probe.identity)) ? mem_find(m, MEM_PRINCIPAL_KEY, 0,
	    &probe) : NULL;
}

static int
key_put(struct store *s, const struct store_principal_key *k)
{
	struct mem *m = mem_of(s);
	struct store_principal_key *old;
	int err = rules_principal_key(k);

	if (err != 0)
		return mem_refuse(m, err, "key");
	err = mem_writable(m);
	if (err != 0)
		return err;
	if (principal_find(m, k->principal) == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "principal");
	old = key_find(m, k->identity);
	if (old != NULL && strcmp(old->principal, k->principal) != 0)
		return mem_refuse(m, ERR_EXISTS, "key");
	mem_set(m, MEM_PRINCIPAL_KEY, old, k);
	return 0;
}

static int
key_get(struct store *s, const char *identity,
    struct store_principal_key *ret)
{
	struct store_principal_key *k = key_find(mem_of(s), identity);

	if (k == NULL)
		return mem_refuse(mem_of(s), ERR_NOT_FOUND, "key");
	*ret = *k;
	return 0;
}

static int
key_remove(struct store *s, const char *identity)
{
	struct mem *m = mem_of(s);
	struct store_principal_key *k = key_find(m, identity);
	int err = mem_writable(m);

	if (err != 0)
		return err;
	if (k == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "key");
	mem_set(m, MEM_PRINCIPAL_KEY, k, NULL);
	return 0;
}

static int
key_list(struct store *s, const char *name, struct store_principal_key *ret,
    size_t cap, size_t *ret_n)
{
	struct mem_index *x = mem_ix(mem_of(s), MEM_PRINCIPAL_KEY, 1);
	size_t n = 0;

	for (size_t i = 0; i < x->n && n < cap; i++) {
		const struct store_principal_key *k = x->row[i];

		if (strcmp(k->principal, name) == 0)
			ret[n++] = *k;
	}
	*ret_n = n;
	return 0;
}

/* --- requests --- */

static struct store_request *
request_find(struct mem *m, uint64_t id)
{
	struct store_request probe = {.id = id};

	return mem_find(m, MEM_REQUEST, 0, &probe);
}

static int
request_put(struct store *s, struct store_request *r)
{
	struct mem *m = mem_of(s);
	struct store_request *old = request_find(m, r->id);
	int err = rules_request(r);

	if (err != 0)
		return mem_refuse(m, err, "request");
	err = mem_writable(m);
	if (err != 0)
		return err;
	if (r->id != 0 && old == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "request");
	if (r->id == 0 && mem_ix(m, MEM_REQUEST, 0)->n >= LIMIT_REQUESTS)
		return mem_refuse(m, ERR_LIMIT, "requests");
	if (r->id == 0)
		r->id = mem_next(m, MEM_REQUEST);
	mem_set(m, MEM_REQUEST, old, r);
	return 0;
}

static int
request_get(struct store *s, uint64_t id, struct store_request *ret)
{
	struct store_request *q = request_find(mem_of(s), id);

	if (q == NULL)
		return mem_refuse(mem_of(s), ERR_NOT_FOUND, "request");
	*ret = *q;
	return 0;
}

static int
request_remove(struct store *s, uint64_t id)
{
	struct mem *m = mem_of(s);
	struct store_request *q = request_find(m, id);
	int err = mem_writable(m);

	if (err != 0)
		return err;
	if (q == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "request");
	mem_set(m, MEM_REQUEST, q, NULL);
	return 0;
}

static int
request_list(struct store *s, uint64_t after, size_t limit,
    struct store_request *ret, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_REQUEST, 0);
	size_t n = 0;
	int err = rules_page(limit);

	if (err != 0)
		return mem_refuse(m, err, "page");
	for (size_t i = 0; i < x->n && n < limit; i++) {
		const struct store_request *q = x->row[i];

		if (q->id > after)
			ret[n++] = *q;
	}
	*ret_n = n;
	return 0;
}

void
mem_rights_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_PRINCIPAL] = (struct mem_table){
		.size = sizeof(struct store_principal),
		.ix = {{.cmp = cmp_principal}},
	};
	m->table[MEM_PRINCIPAL_KEY] = (struct mem_table){
		.size = sizeof(struct store_principal_key),
		.ix = {{.cmp = cmp_key}, {.cmp = cmp_key_of}},
	};
	m->table[MEM_REQUEST] = (struct mem_table){
		.size = sizeof(struct store_request),
		.ix = {{.cmp = cmp_request}},
	};
	ops->principal_put = principal_put;
	ops->principal_get = principal_get;
	ops->principal_remove = principal_remove;
	ops->principal_list = principal_list;
	ops->principal_key_put = key_put;
	ops->principal_key_get = key_get;
	ops->principal_key_remove = key_remove;
	ops->principal_key_list = key_list;
	ops->request_put = request_put;
	ops->request_get = request_get;
	ops->request_remove = request_remove;
	ops->request_list = request_list;
}
