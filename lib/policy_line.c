/*
 * policy_line: a policy as one line of text. Words are found here; what they
 * mean is the table in policy_key.c.
 */
#include <stdlib.h>

#include "lib/policy.h"

struct word {
	struct slice key, value;
	size_t at, value_at, end; /* offsets in the line */
};

void
policy_default(struct policy *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (const struct policy_key *k = policy_keys; k->name != NULL; k++)
		if (policy_set(ret, slice_str(k->name), slice_str(k->def),
		    NULL) != 0)
			abort(); /* the table is wrong; test_policy sees it */
}

/* key=value, key="value" or key='value' at `at`; *ret_at is where it is wrong. */
static int
word_next(const char *line, size_t at, struct word *w, size_t *ret_at,
    struct why *why)
{
	size_t n = strcspn(line + at, "=\"' \t"), end;
	char quote[2] = "";

	w->at = *ret_at = at;
	w->key = slice_of(line + at, n);
	if (n == 0 || line[at + n] != '=')
		return why_set(why, ERR_MALFORMED, "must be key=value");
	at += n + 1;
	if (line[at] != '"' && line[at] != '\'') {
		n = strcspn(line + at, "\"' \t");
		end = at + n;
	} else {
		quote[0] = line[at];
		n = strcspn(line + ++at, quote);
		*ret_at = at - 1;
		if (line[at + n] == '\0')
			return why_set(why, ERR_TRUNCATED,
			    "the quote does not end");
		end = at + n + 1;
	}
	w->value = slice_of(line + at, n);
	w->value_at = at;
	w->end = end;
	*ret_at = end;
	if (strchr(" \t", line[end]) == NULL) /* the NUL is found, too */
		return why_set(why, ERR_MALFORMED, "a quoted value is "
		    "key=\"value\", and a blank follows");
	return 0;
}

static int
word_set(const struct word *w, struct policy *p, uint64_t *seen,
    struct why *why)
{
	for (size_t i = 0; policy_keys[i].name != NULL; i++) {
		if (!slice_eq_str(w->key, policy_keys[i].name))
			continue;
		if (*seen >> i & 1)
			return why_set(why, ERR_DUPLICATE, "%s: given twice",
			    policy_keys[i].name);
		*seen |= UINT64_C(1) << i;
	}
	return policy_set(p, w->key, w->value, why);
}

static int
line_parse(const char *line, struct policy *p, size_t *ret_at,
    struct why *why)
{
	uint64_t seen = 0;
	struct word w = {0};
	size_t at = strspn(line, " \t");
	int rc;

	*ret_at = LIMIT_POLICY;
	if (strnlen(line, LIMIT_POLICY + 1) > LIMIT_POLICY)
		return why_set(why, ERR_SIZE, "a policy has at most %d bytes",
		    LIMIT_POLICY);
	for (; line[at] != '\0'; at = w.end + strspn(line + w.end, " \t")) {
		rc = word_next(line, at, &w, ret_at, why);
		if (rc != 0)
			return rc;
		rc = word_set(&w, p, &seen, why);
		*ret_at = rc == ERR_NOT_FOUND || rc == ERR_DUPLICATE ? w.at :
		    w.value_at;
		if (rc != 0)
			return rc;
	}
	return 0;
}

int
policy_parse(const char *line, struct policy *p, unsigned *ret_column,
    struct why *why)
{
	struct why inner = {0};
	struct policy q;
	size_t at = 0;
	int rc;

	memcpy(&q, p, sizeof(q)); /* with its padding */
	rc = line_parse(line, &q, &at, &inner);
	if (rc == 0) {
		memcpy(p, &q, sizeof(q));
		return 0;
	}
	if (ret_column != NULL)
		*ret_column = (unsigned)at + 1;
	return why_set(why, rc, "column %u: %s", (unsigned)at + 1, inner.text);
}

int
policy_check(const struct policy *p, struct why *why)
{
	if (p->on_failure == POLICY_ROLLBACK && p->rollback == 0)
		return why_set(why, ERR_MISSING, "on_failure=rollback needs "
		    "rollback=RELEASE");
	if (p->rate == 0 && (p->rate_step != 0 || p->rate_max != 0 ||
	    p->rate_factor != 100))
		return why_set(why, ERR_MISSING, "rate_factor, rate_step and "
		    "rate_max need a rate");
	if ((p->rate_factor != 100) != (p->rate_step != 0))
		return why_set(why, ERR_MISSING, "rate_factor and rate_step "
		    "go together");
	if (p->rate_max != 0 && p->rate_max < p->rate)
		return why_set(why, ERR_CONFLICT, "rate_max is below rate");
	return 0;
}

void
policy_print(const struct policy *p, struct buf *out)
{
	uint8_t mine[LIMIT_POLICY], theirs[LIMIT_POLICY];
	const char *blank = "";
	struct policy def;

	policy_default(&def);
	for (const struct policy_key *k = policy_keys; k->name != NULL; k++) {
		struct buf a = buf_of(mine, sizeof(mine));
		struct buf b = buf_of(theirs, sizeof(theirs));

		policy_key_put(k, p, &a);
		policy_key_put(k, &def, &b);
		if (slice_eq(buf_slice(&a), buf_slice(&b)))
			continue;
		buf_puts(out, blank);
		buf_puts(out, k->name);
		buf_puts(out, "=");
		buf_put(out, buf_slice(&a));
		blank = " ";
	}
}
