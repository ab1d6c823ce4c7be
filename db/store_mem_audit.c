/*
 * The audit log, in memory.
 */
#include "db/store_mem.h"

static int
cmp_audit(const void *a, const void *b)
{
	const struct audit_entry *x = a, *y = b;

	return mem_cmp(x->n, y->n);
}

/* A log that is pruned keeps at least one, so no row is the very beginning. */
static void
head_of(struct mem *m, struct audit_head *ret)
{
	struct mem_index *x = mem_ix(m, MEM_AUDIT, 0);
	const struct audit_entry *e = x->n > 0 ? x->row[x->n - 1] : NULL;

	memset(ret, 0, sizeof(*ret));
	if (e == NULL)
		return;
	ret->n = e->n;
	memcpy(ret->hash, e->hash, AUDIT_HASH);
}

static int
audit_append_row(struct store *s, struct audit_entry *e)
{
	struct mem *m = mem_of(s);
	struct audit_entry row = *e;
	struct audit_head head;
	int err = rules_audit(e);

	if (err != 0)
		return mem_refuse(m, err, "audit entry");
	err = mem_writable(m);
	if (err != 0)
		return err;
	head_of(m, &head);
	err = audit_append(&head, &row);
	if (err != 0)
		return mem_refuse(m, err, "audit entry");
	mem_set(m, MEM_AUDIT, NULL, &row);
	*e = row;
	return 0;
}

static bool
match(const struct audit_entry *e, const struct store_audit_filter *f)
{
	return e->n >= f->from && (!f->have_who || strcmp(e->who, f->who) == 0) &&
	    (f->kind[0] == '\0' || strcmp(e->kind, f->kind) == 0) &&
	    (f->subject[0] == '\0' || strcmp(e->subject, f->subject) == 0);
}

static int
audit_list(struct store *s, const struct store_audit_filter *f,
    struct audit_entry *ret, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_AUDIT, 0);
	struct audit_entry probe = {.n = f->after}, *e;
	size_t i, n = 0;
	int err = rules_audit_filter(f);

	if (err != 0)
		return mem_refuse(m, err, "page");
	if (f->newest_first && f->after == 0)
		probe.n = UINT64_MAX;
	else if (!f->newest_first && f->after < UINT64_MAX)
		probe.n++;
	i = mem_lower(m, MEM_AUDIT, 0, &probe);
	while (n < f->limit && (f->newest_first ? i > 0 : i < x->n)) {
		e = f->newest_first ? x->row[--i] : x->row[i++];
		if (match(e, f))
			ret[n++] = *e;
	}
	*ret_n = n;
	return 0;
}

static int
audit_head(struct store *s, struct audit_head *ret)
{
	head_of(mem_of(s), ret);
	return 0;
}

static int
audit_prune(struct store *s, uint64_t keep, uint64_t limit,
    struct audit_head *ret_base, uint64_t *ret_n)
{
	struct mem *m = mem_of(s);
	struct mem_index *x = mem_ix(m, MEM_AUDIT, 0);
	const struct audit_entry *e;
	uint64_t n;
	int err;

	if (keep < 1 || keep > INT64_MAX / 2 || limit > INT64_MAX / 2)
		return mem_refuse(m, ERR_RANGE, "audit entries");
	err = mem_writable(m);
	if (err != 0)
		return err;
	for (n = 0; n < limit && x->n > keep; n++)
		mem_set(m, MEM_AUDIT, x->row[0], NULL);
	memset(ret_base, 0, sizeof(*ret_base));
	e = x->n > 0 ? x->row[0] : NULL;
	if (e != NULL) {
		ret_base->n = e->n - 1;
		memcpy(ret_base->hash, e->prev, AUDIT_HASH);
	}
	*ret_n = n;
	return 0;
}

void
mem_audit_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_AUDIT] = (struct mem_table){
		.size = sizeof(struct audit_entry),
		.ix = {{.cmp = cmp_audit}},
	};
	ops->audit_append = audit_append_row;
	ops->audit_list = audit_list;
	ops->audit_head = audit_head;
	ops->audit_prune = audit_prune;
}
