#include "lib/bucket.h"

#define SECOND INT64_C(1000000)
#define V4_BYTES 15 /* 12 of ::ffff:, and 3 */
#define V6_BYTES 7

static int64_t
cell(struct bucket_rate r)
{
	int64_t us = SECOND / r.per_s;

	return us > 0 ? us : 1;
}

static struct bucket *
set_of(const struct bucket_table *t, uint64_t key)
{
	return &t->at[(key & (t->sets - 1)) * BUCKET_WAYS];
}

/* The key's own, or NULL. */
static struct bucket *
find(const struct bucket_table *t, uint64_t key)
{
	struct bucket *b = set_of(t, key);

	for (unsigned i = 0; i < BUCKET_WAYS; i++)
		if (b[i].next != 0 && b[i].key == key)
			return &b[i];
	return NULL;
}

static struct bucket *
fullest(const struct bucket_table *t, uint64_t key)
{
	struct bucket *b = set_of(t, key), *best = b;

	for (unsigned i = 1; i < BUCKET_WAYS; i++)
		if (b[i].next < best->next)
			best = &b[i];
	return best;
}

bool
bucket_take(struct bucket_table *t, uint64_t key, struct bucket_rate r,
    int64_t now)
{
	struct bucket *b;
	int64_t next, each;

	if (r.per_s == 0)
		return true;
	each = cell(r);
	b = find(t, key);
	next = b != NULL && b->next > now ? b->next : now;
	if (next - now > each * ((int64_t)(r.burst > 0 ? r.burst : 1) - 1))
		return false;
	if (b == NULL)
		b = fullest(t, key);
	*b = (struct bucket){key, next + each};
	return true;
}

void
bucket_give(struct bucket_table *t, uint64_t key, struct bucket_rate r,
    int64_t now)
{
	struct bucket *b = r.per_s > 0 ? find(t, key) : NULL;

	if (b == NULL)
		return;
	b->next -= cell(r);
	if (b->next <= now)
		*b = (struct bucket){0, 0};
}

size_t
bucket_count(const struct bucket_table *t, int64_t now)
{
	size_t n = 0;

	for (size_t i = 0; i < t->sets * BUCKET_WAYS; i++)
		n += t->at[i].next > now;
	return n;
}

struct slice
bucket_prefix(const uint8_t host[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};

	return slice_of(host, memcmp(host, mapped, sizeof(mapped)) == 0 ?
	    V4_BYTES : V6_BYTES);
}
