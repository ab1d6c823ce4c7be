/*
 * Values are compared and copied as they lie in the struct, by their type:
 * through their text a default of less than a second would be rounded.
 */
#include "lib/conf_reload.h"

#include "lib/conf_key.h"

static size_t
size_of(const struct conf_key *k, const struct conf *c)
{
	switch (k->type) {
	case CONF_BOOL:
		return sizeof(bool);
	case CONF_NUMBER:
	case CONF_BLOCK:
	case CONF_SECONDS:
		return sizeof(uint32_t);
	case CONF_CHOICE:
		return sizeof(int);
	case CONF_BYTES:
	case CONF_MS:
	case CONF_MS_NUMBER:
		return sizeof(uint64_t);
	default: /* a text */
		return strlen((const char *)c + k->off) + 1;
	}
}

bool
conf_key_same(const struct conf_key *k, const struct conf *a,
    const struct conf *b)
{
	size_t n = size_of(k, a);

	return n == size_of(k, b) && memcmp((const char *)a + k->off,
	    (const char *)b + k->off, n) == 0;
}

static void
put(const struct conf_key *k, const struct conf *c, char *dst, size_t cap)
{
	struct buf b = buf_of(dst, cap - 1);

	conf_key_put(k, c, &b);
	dst[b.n] = '\0';
}

static bool
same_aliases(const struct conf *a, const struct conf *b)
{
	return a->alias_count == b->alias_count && memcmp(a->alias, b->alias,
	    a->alias_count * sizeof(a->alias[0])) == 0;
}

size_t
conf_reload(struct conf *run, const struct conf *next,
    void (*fn)(void *arg, const struct conf_change *c), void *arg)
{
	struct conf_change c;
	size_t live = 0;

	for (const struct conf_key *k = conf_keys; k->name != NULL; k++) {
		if (conf_key_same(k, run, next))
			continue;
		c.name = k->name;
		c.live = k->live;
		put(k, run, c.was, sizeof(c.was));
		put(k, next, c.now, sizeof(c.now));
		live += k->live;
		if (k->live)
			memcpy((char *)run + k->off,
			    (const char *)next + k->off, size_of(k, next));
		if (fn != NULL)
			fn(arg, &c);
	}
	if (same_aliases(run, next))
		return live;
	run->alias_count = next->alias_count;
	memcpy(run->alias, next->alias, sizeof(run->alias));
	c = (struct conf_change){.name = "alias", .live = true};
	if (fn != NULL)
		fn(arg, &c);
	return live + 1;
}
