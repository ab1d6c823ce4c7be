#include "lib/audit_fold.h"

#include <inttypes.h>
#include <stdio.h>

static bool
is_due(const struct audit_slot *s, int64_t now)
{
	return s->count > 0 && (!s->old || now - s->written >= AUDIT_FOLD_MS);
}

static bool
is_free(const struct audit_slot *s, int64_t now)
{
	return s->key[0] == '\0' || (s->count == 0 && s->old &&
	    now - s->written >= AUDIT_FOLD_MS);
}

static struct audit_slot *
find(struct audit_fold *f, const char *key, int64_t now)
{
	struct audit_slot *unused = NULL, *s;

	for (s = f->slot; s < f->slot + LIMIT_AUDIT_FOLD; s++) {
		if (strncmp(s->key, key, sizeof(s->key) - 1) == 0)
			return s;
		if (unused == NULL && is_free(s, now))
			unused = s;
	}
	if (unused == NULL)
		return s; /* the one for all others */
	memset(unused, 0, sizeof(*unused));
	snprintf(unused->key, sizeof(unused->key), "%s", key);
	return unused;
}

bool
audit_fold_add(struct audit_fold *f, const char *key,
    const struct audit_entry *e, int64_t now)
{
	struct audit_slot *s = find(f, key, now);

	s->last = *e;
	s->count++;
	return is_due(s, now);
}

struct audit_slot *
audit_fold_due(struct audit_fold *f, int64_t now, bool all)
{
	for (size_t i = 0; i < LIMIT_AUDIT_FOLD + 1; i++) {
		struct audit_slot *s = &f->slot[i];

		if (is_due(s, now) || (all && s->count > 0))
			return s;
		if (s->key[0] != '\0' && is_free(s, now))
			memset(s, 0, sizeof(*s));
	}
	return NULL;
}

void
audit_fold_entry(const struct audit_slot *s, struct audit_entry *ret)
{
	*ret = s->last;
	if (s->count > 1)
		snprintf(ret->detail, sizeof(ret->detail), "%" PRIu64
		    " times%s%.*s", s->count, s->last.detail[0] != '\0' ?
		    ", the last: " : "", LIMIT_AUDIT_DETAIL - 48,
		    s->last.detail);
}

void
audit_fold_written(struct audit_slot *s, int64_t now)
{
	s->count = 0;
	s->written = now;
	s->old = true;
}
