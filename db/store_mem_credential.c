/* The store in memory: credentials of devices. */
#include "db/store_mem.h"

enum { BY_ID, BY_IDENTITY, BY_DEVICE, BY_END, BY_SECRET };

static int
cmp_id(const void *a, const void *b)
{
	const struct store_credential *x = a, *y = b;

	return mem_cmp(x->id, y->id);
}

static int
cmp_identity(const void *a, const void *b)
{
	const struct store_credential *x = a, *y = b;
	int c = mem_cmp(x->kind, y->kind);

	return c != 0 ? c : strcmp(x->identity, y->identity);
}

static int
cmp_device(const void *a, const void *b)
{
	const struct store_credential *x = a, *y = b;
	int c = mem_cmp(x->device, y->device);

	return c != 0 ? c : cmp_id(a, b);
}

static int
cmp_end(const void *a, const void *b)
{
	const struct store_credential *x = a, *y = b;
	int c = (x->ends > y->ends) - (x->ends < y->ends);

	return c != 0 ? c : cmp_id(a, b);
}

static int
cmp_secret(const void *a, const void *b)
{
	const struct store_credential *x = a, *y = b;
	int c = mem_cmp(x->secret_len, y->secret_len);

	if (c == 0)
		c = memcmp(x->secret, y->secret, x->secret_len);
	return c != 0 ? c : cmp_device(a, b);
}

static bool
has_device(const void *row)
{
	return ((const struct store_credential *)row)->device != 0;
}

static bool
has_end(const void *row)
{
	return ((const struct store_credential *)row)->ends != 0;
}

static bool
has_secret(const void *row)
{
	return ((const struct store_credential *)row)->kind ==
	    CREDENTIAL_PSK && has_device(row);
}

static struct store_credential *
find(struct mem *m, uint64_t id)
{
	struct store_credential probe = {.id = id};

	return mem_find(m, MEM_CREDENTIAL, BY_ID, &probe);
}

static struct store_credential *
find_identity(struct mem *m, enum credential_kind kind, const char *identity)
{
	struct store_credential probe = {.kind = kind};

	return slice_to_cstr(slice_str(identity), probe.identity,
	    sizeof(probe.identity)) ? mem_find(m, MEM_CREDENTIAL, BY_IDENTITY,
	    &probe) : NULL;
}

static struct store_credential *
nth_of(struct mem *m, uint64_t device, size_t n)
{
	const struct mem_index *x = mem_ix(m, MEM_CREDENTIAL, BY_DEVICE);
	struct store_credential probe = {.device = device};
	size_t i = mem_lower(m, MEM_CREDENTIAL, BY_DEVICE, &probe) + n;

	return i < x->n && ((struct store_credential *)x->row[i])->device ==
	    device ? x->row[i] : NULL;
}

void
mem_credential_drop(struct mem *m, uint64_t device)
{
	struct store_credential *c;

	while ((c = nth_of(m, device, 0)) != NULL)
		mem_set(m, MEM_CREDENTIAL, c, NULL);
}

static int
allowed(struct mem *m, const struct store_credential *c)
{
	const struct store_credential *other;
	struct store_device d;
	unsigned alike = 0;

	if (find_identity(m, c->kind, c->identity) != NULL)
		return ERR_EXISTS;
	for (size_t i = 0; c->device != 0 &&
	    (other = nth_of(m, c->device, i)) != NULL; i++)
		alike += other->kind == c->kind;
	if (alike >= LIMIT_CREDENTIALS)
		return ERR_LIMIT;
	return c->device == 0 ? 0 :
	    m->base.ops->device_get(&m->base, c->device, &d);
}

static int
credential_put(struct store *s, struct store_credential *c)
{
	struct mem *m = mem_of(s);
	struct store_credential *old = NULL, now;
	int err = rules_credential(c);

	if (err == 0)
		err = mem_writable(m);
	if (err == 0 && c->id == 0)
		err = allowed(m, c);
	if (err == 0 && c->id != 0) {
		old = find(m, c->id);
		if (old == NULL || old->device != c->device ||
		    cmp_identity(old, c) != 0)
			err = ERR_NOT_FOUND;
	}
	if (err != 0)
		return mem_refuse(m, err, "credential");
	if (c->id == 0)
		c->id = mem_next(m, MEM_CREDENTIAL);
	now = *c;
	mem_set(m, MEM_CREDENTIAL, old, &now);
	store_wrote(s, c->device);
	return 0;
}

static int
credential_get(struct store *s, enum credential_kind kind,
    const char *identity, struct store_credential *ret)
{
	const struct store_credential *c = find_identity(mem_of(s), kind,
	    identity);

	if (c == NULL)
		return mem_refuse(mem_of(s), ERR_NOT_FOUND, "credential");
	*ret = *c;
	return 0;
}

static void
show(const struct store_credential *c, struct store_credential *ret)
{
	*ret = *c;
	ret->secret_len = 0;
	memset(ret->secret, 0, sizeof(ret->secret));
}

static int
credential_list(struct store *s, uint64_t device,
    struct store_credential *ret, size_t cap, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	size_t n = 0;

	for (; device != 0 && nth_of(m, device, n) != NULL; n++)
		;
	if (n > cap)
		return mem_refuse(m, ERR_SPACE, "credentials");
	for (size_t i = 0; i < n; i++)
		show(nth_of(m, device, i), &ret[i]);
	*ret_n = n;
	return 0;
}

static int
credential_ended(struct store *s, int64_t now, size_t limit,
    struct store_credential *ret, size_t *ret_n)
{
	struct mem *m = mem_of(s);
	const struct mem_index *x = mem_ix(m, MEM_CREDENTIAL, BY_END);
	const struct store_credential *c;
	size_t n = 0;
	int err = rules_page(limit);

	if (err != 0)
		return mem_refuse(m, err, "page");
	for (; n < limit && n < x->n; n++) {
		c = x->row[n];
		if (c->ends > now)
			break;
		show(c, &ret[n]);
	}
	*ret_n = n;
	return 0;
}

static int
credential_same(struct store *s, const struct store_credential *c,
    struct store_credential *ret)
{
	struct mem *m = mem_of(s);
	const struct mem_index *x = mem_ix(m, MEM_CREDENTIAL, BY_SECRET);
	const struct store_credential *row;
	struct store_credential probe = *c;

	probe.id = probe.device = 0;
	if (c->kind == CREDENTIAL_PSK)
		for (size_t i = mem_lower(m, MEM_CREDENTIAL, BY_SECRET,
		    &probe); i < x->n; i++) {
			row = x->row[i];
			if (row->secret_len != c->secret_len || memcmp(
			    row->secret, c->secret, c->secret_len) != 0)
				break;
			if (row->device == c->device)
				continue;
			show(row, ret);
			return 0;
		}
	return mem_refuse(m, ERR_NOT_FOUND, "credential");
}

/* Of one that there is, in a pair; else *ret_err. */
static struct store_credential *
change(struct mem *m, uint64_t id, int *ret_err)
{
	struct store_credential *c = NULL;

	*ret_err = mem_writable(m);
	if (*ret_err == 0 && (c = find(m, id)) == NULL)
		*ret_err = mem_refuse(m, ERR_NOT_FOUND, "credential");
	return c;
}

static int
credential_used(struct store *s, uint64_t id, int64_t at)
{
	struct store_credential now, *c;
	int err;

	if ((c = change(mem_of(s), id, &err)) == NULL)
		return err;
	now = *c;
	if (at > now.used)
		now.used = at;
	mem_set(mem_of(s), MEM_CREDENTIAL, c, &now);
	return 0;
}

static int
credential_count(struct store *s, uint64_t id, uint64_t counter)
{
	struct store_credential now, *c;
	int err;

	if ((c = change(mem_of(s), id, &err)) == NULL)
		return err;
	now = *c;
	if (counter > now.counter)
		now.counter = counter;
	mem_set(mem_of(s), MEM_CREDENTIAL, c, &now);
	return 0;
}

static int
credential_remove(struct store *s, uint64_t id)
{
	struct store_credential *c;
	uint64_t device;
	int err;

	if ((c = change(mem_of(s), id, &err)) == NULL)
		return err;
	device = c->device;
	mem_set(mem_of(s), MEM_CREDENTIAL, c, NULL);
	store_wrote(s, device);
	return 0;
}

void
mem_credential_init(struct mem *m, struct store_ops *ops)
{
	m->table[MEM_CREDENTIAL] = (struct mem_table){
		.size = sizeof(struct store_credential),
		.ix = {
			[BY_ID] = {.cmp = cmp_id},
			[BY_IDENTITY] = {.cmp = cmp_identity},
			[BY_DEVICE] = {.cmp = cmp_device, .has = has_device},
			[BY_END] = {.cmp = cmp_end, .has = has_end},
			[BY_SECRET] = {.cmp = cmp_secret, .has = has_secret},
		},
	};
	ops->credential_put = credential_put;
	ops->credential_get = credential_get;
	ops->credential_list = credential_list;
	ops->credential_ended = credential_ended;
	ops->credential_same = credential_same;
	ops->credential_used = credential_used;
	ops->credential_count = credential_count;
	ops->credential_remove = credential_remove;
}
