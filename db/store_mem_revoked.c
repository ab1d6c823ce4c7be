/* The store in memory: certificates of clients that operators revoked. */
#include "db/store_mem.h"

static int
cmp_name(const void *a, const void *b)
{
	const struct store_revoked *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct store_revoked *
find(struct mem *m, const char *name)
{
	struct store_revoked probe;

	return slice_to_cstr(slice_str(name), probe.name,
	    sizeof(probe.name)) ? mem_find(m, MEM_REVOKED, 0, &probe) : NULL;
}

static int
revoked_put(struct store *s, const struct store_revoked *r)
{
	struct mem *m = mem_of(s);
	struct store_revoked *old;
	int err = rules_revoked(r);

	if (err == 0)
		err = mem_writable(m);
	if (err != 0)
		return mem_refuse(m, err, "revoked certificate");
	old = find(m, r->name);
	if (old == NULL && mem_ix(m, MEM_REVOKED, 0)->n >= LIMIT_REVOKED)
		return mem_refuse(m, ERR_LIMIT, "revoked certificates");
	mem_set(m, MEM_REVOKED, old, r);
	return 0;
}

static int
revoked_get(struct store *s, const char *name, struct store_revoked *ret)
{
	const struct store_revoked *r = find(mem_of(s), name);

	if (r == NULL)
		return mem_refuse(mem_of(s), ERR_NOT_FOUND,
		    "revoked certificate");
	*ret = *r;
	return 0;
}

static int
revoked_remove(struct store *s, const char *name)
{
	struct mem *m = mem_of(s);
	struct store_revoked *r;
	int err = mem_writable(m);

	if (err != 0)
		return err;
	r = find(m, name);
	if (r == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "revoked certificate");
	mem_set(m, MEM_REVOKED, r, NULL);
	return 0;
}

static int
revoked_list(struct store *s, const char *after, size_t limit,
    struct store_revoked *ret, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	const struct mem_index *x = mem_ix(m, MEM_REVOKED, 0);
	struct store_revoked probe = {.at = 0};
	size_t n = 0;
	int err = rules_page(limit);

	if (err != 0)
		return mem_refuse(m, err, "page");
	(void)slice_to_cstr(slice_str(after), probe.name, sizeof(probe.name));
	for (size_t i = mem_lower(m, MEM_REVOKED, 0, &probe); i < x->n &&
	    n < limit; i++)
		if (cmp_name(x->row[i], &probe) != 0)
			ret[n++] = *(const struct store_revoked *)x->row[i];
	*ret_n = n;
	return 0;
}

void
mem_revoked_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_REVOKED] = (struct mem_table){
		.size = sizeof(struct store_revoked),
		.ix = {{.cmp = cmp_name}},
	};
	ops->revoked_put = revoked_put;
	ops->revoked_get = revoked_get;
	ops->revoked_remove = revoked_remove;
	ops->revoked_list = revoked_list;
}
