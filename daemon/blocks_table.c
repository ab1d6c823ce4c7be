/*
 * The table of images. Immutable but for two marks in an entry; the one that
 * is in use is replaced, never changed. Each table has a reference of its
 * own to each mapping, so that old bytes stay until the last table that
 * has them is freed.
 */
#include "daemon/blocks_impl.h"

#include <stdlib.h>

int
table_new(const struct image_name *img, size_t n, struct table **ret)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return ERR_NOMEM;
	t->name = calloc(n + 1, sizeof(*t->name));
	t->entry = calloc(n + 1, sizeof(*t->entry));
	if (t->name == NULL || t->entry == NULL) {
		table_free(t);
		return ERR_NOMEM;
	}
	if (n > 0)
		memcpy(t->name, img, n * sizeof(*img));
	t->n = n;
	*ret = t;
	return 0;
}

void
table_free(struct table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		blob_unref(t->entry[i].blob);
	free(t->name);
	free(t->entry);
	free(t);
}

static size_t
coldest(const struct table *t)
{
	size_t at = t->n;
	uint32_t used, least = UINT32_MAX;

	for (size_t i = 0; i < t->n; i++) {
		if (t->entry[i].blob == NULL)
			continue;
		used = entry_used(&t->entry[i]);
		if (at == t->n || used < least) {
			at = i;
			least = used;
		}
	}
	return at;
}

void
table_map(struct table *t, size_t at, struct blob *b, uint32_t now)
{
	struct entry *e = &t->entry[at];

	table_unmap(t, at);
	if (t->mapped == LIMIT_IMAGES_MAPPED)
		table_unmap(t, coldest(t));
	e->blob = blob_ref(b);
	e->bytes = blob_bytes(b);
	entry_use(e, now);
	t->mapped++;
}

void
table_unmap(struct table *t, size_t at)
{
	struct entry *e = &t->entry[at];

	if (e->blob == NULL)
		return;
	blob_unref(e->blob);
	e->blob = NULL;
	e->bytes = SLICE_NONE;
	t->mapped--;
}

/* Both are sorted: one walk over both. */
void
table_inherit(struct table *t, const struct table *old)
{
	size_t k = 0;

	for (size_t i = 0; i < t->n; i++) {
		int cmp = -1;

		while (k < old->n && (cmp = memcmp(old->name[k].digest,
		    t->name[i].digest, 32)) < 0)
			k++;
		if (cmp == 0 && t->name[i].live &&
		    old->entry[k].blob != NULL && !entry_bad(&old->entry[k]))
			table_map(t, i, old->entry[k].blob,
			    entry_used(&old->entry[k]));
		/* beyond the end of the old one nothing is inherited */
		if (k == old->n)
			break;
	}
}
