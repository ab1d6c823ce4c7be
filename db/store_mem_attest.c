/*
 * Keys of bootloaders, in memory.
 */
#include "db/store_mem.h"

static int
cmp_device(const void *a, const void *b)
{
	const struct store_attest *x = a, *y = b;

	return mem_cmp(x->device, y->device);
}

static int
cmp_kid(const void *a, const void *b)
{
	const struct store_attest *x = a, *y = b;

	return memcmp(x->kid, y->kid, sizeof(x->kid));
}

static struct store_attest *
find(struct mem *m, uint64_t device)
{
	const struct store_attest probe = {.device = device};

	return mem_find(m, MEM_ATTEST, 0, &probe);
}

static int
attest_put(struct store *s, const struct store_attest *a)
{
	const struct store_device probe = {.id = a->device};
	struct mem *m = mem_of(s);
	struct store_attest *other;
	int err = rules_attest(a);

	if (err != 0)
		return mem_refuse(m, err, "attestation key");
	err = mem_writable(m);
	if (err != 0)
		return err;
	if (mem_find(m, MEM_DEVICE, 0, &probe) == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "device");
	other = mem_find(m, MEM_ATTEST, 1, a);
	if (other != NULL && other->device != a->device)
		return mem_refuse(m, ERR_EXISTS, "attestation key");
	mem_set(m, MEM_ATTEST, find(m, a->device), a);
	store_wrote(s, a->device);
	return 0;
}

static int
give(struct mem *m, const struct store_attest *a, struct store_attest *ret)
{
	if (a == NULL)
		return mem_refuse(m, ERR_NOT_FOUND, "attestation key");
	*ret = *a;
	return 0;
}

static int
attest_get(struct store *s, uint64_t device, struct store_attest *ret)
{
	return give(mem_of(s), find(mem_of(s), device), ret);
}

static int
attest_by_kid(struct store *s, const uint8_t kid[8], struct store_attest *ret)
{
	struct store_attest probe = {.device = 0};

	memcpy(probe.kid, kid, sizeof(probe.kid));
	return give(mem_of(s), mem_find(mem_of(s), MEM_ATTEST, 1, &probe),
	    ret);
}

void
mem_attest_drop(struct mem *m, uint64_t device)
{
	struct store_attest *a = find(m, device);

	if (a != NULL)
		mem_set(m, MEM_ATTEST, a, NULL);
}

static int
attest_remove(struct store *s, uint64_t device)
{
	struct mem *m = mem_of(s);
	int err = mem_writable(m);

	if (err == 0 && find(m, device) == NULL)
		err = mem_refuse(m, ERR_NOT_FOUND, "attestation key");
	if (err != 0)
		return err;
	mem_attest_drop(m, device);
	store_wrote(s, device);
	return 0;
}

/* Numbers are compared as the other store has them. */
static int
attest_lists(struct store *s, uint64_t least, struct store_lists *ret)
{
	const struct mem_index *ix = mem_ix(mem_of(s), MEM_ATTEST, 0);

	*ret = (struct store_lists){.told = 0};
	for (size_t i = 0; i < ix->n; i++) {
		const struct store_attest *a = ix->row[i];

		ret->told += a->have_list;
		ret->have += a->have_list &&
		    (int64_t)a->list_seq >= (int64_t)least;
	}
	return 0;
}

void
mem_attest_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_ATTEST] = (struct mem_table){
		.size = sizeof(struct store_attest),
		.ix = {{.cmp = cmp_device}, {.cmp = cmp_kid}},
	};
	ops->attest_put = attest_put;
	ops->attest_get = attest_get;
	ops->attest_by_kid = attest_by_kid;
	ops->attest_remove = attest_remove;
	ops->attest_lists = attest_lists;
}
