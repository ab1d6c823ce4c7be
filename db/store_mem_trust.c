/* Trust lists, in memory. */
#include "db/store_mem.h"

static int
cmp_trust(const void *a, const void *b)
{
	const struct mem_trust *x = a, *y = b;

	return mem_cmp(x->t.seq, y->t.seq);
}

static int
trust_put(struct store *s, const struct store_trust *t, struct slice list)
{
	static struct mem_trust row;
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_TRUST, 0);
	const struct mem_trust *last = x->n > 0 ? x->row[x->n - 1] : NULL;
	int err = rules_trust(t, list);

	if (err != 0)
		return mem_refuse(m, err, "trust list");
	err = mem_writable(m);
	if (err != 0)
		return err;
	if (last != NULL && t->seq <= last->t.seq)
		return mem_refuse(m, ERR_SEQUENCE, "trust list");
	row.t = *t;
	row.t.len = list.n;
	memcpy(row.b, list.p, list.n);
	mem_set(m, MEM_TRUST, NULL, &row);
	return 0;
}

static int
trust_get(struct store *s, uint64_t seq, struct store_trust *ret,
    struct buf *out)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_TRUST, 0);
	const struct mem_trust *row = NULL;

	for (size_t i = x->n; i > 0 && row == NULL; i--) {
		const struct mem_trust *at = x->row[i - 1];

		if (seq == 0 || at->t.seq == seq)
			row = at;
	}
	if (row == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "trust list");
	if (out != NULL && row->t.len > out->cap - out->n)
		return mem_refuse(m, ERR_SPACE, "trust list");
	if (out != NULL)
		buf_put(out, slice_of(row->b, row->t.len));
	*ret = row->t;
	return 0;
}

void
mem_trust_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_TRUST] = (struct mem_table){
		.size = sizeof(struct mem_trust),
		.ix = {{.cmp = cmp_trust}},
	};
	ops->trust_put = trust_put;
	ops->trust_get = trust_get;
}
