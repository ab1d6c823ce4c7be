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

/* Who finds two that collide hides one of them in a count. */
static uint64_t
hash(const char *s)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (; *s != '\0'; s++)
		h = (h ^ (uint8_t)*s) * 1099511628211u;
	return h;
}

static void
add_subject(struct audit_slot *s, const char *subject)
{
	uint64_t h = hash(subject);

	for (size_t i = 0; i < s->subjects; i++)
		if (s->subject[i] == h)
			return;
	if (s->subjects == LIMIT_AUDIT_SUBJECTS)
		s->more = true;
	else
		s->subject[s->subjects++] = h;
}

bool
audit_fold_add(struct audit_fold *f, const char *key,
    const struct audit_entry *e, int64_t now)
{
	struct audit_slot *s = find(f, key, now);

	s->last = *e;
	s->count++;
	add_subject(s, e->subject);
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
	char of[40] = "";

	*ret = s->last;
	if (s->subjects > 1)
		snprintf(of, sizeof(of), ", %s%zu subjects", s->more ?
		    "over " : "", s->subjects);
	if (s->count > 1)
		snprintf(ret->detail, sizeof(ret->detail), "%" PRIu64
		    " times%s%s%.*s", s->count, of, s->last.detail[0] != '\0' ?
		    ", the last: " : "", LIMIT_AUDIT_DETAIL - 80,
		    s->last.detail);
}

void
audit_fold_written(struct audit_slot *s, int64_t now)
{
	s->count = s->subjects = 0;
	s->more = false;
	s->written = now;
	s->old = true;
}
