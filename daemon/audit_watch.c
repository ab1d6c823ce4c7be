#include "daemon/audit_watch.h"

#define PAGE 32

void
audit_watch_begin(struct audit_watch *w)
{
	memset(w, 0, sizeof(*w));
	audit_verify_begin(&w->v, NULL);
}

static int
take(struct audit_watch *w, const struct audit_entry *e, size_t n,
    struct why *why)
{
	int fault = 0;

	for (size_t i = 0; fault == 0 && i < n; i++)
		fault = audit_verify_add(&w->v, &e[i], why);
	return fault;
}

/* The next page; what cannot be an entry is as good as changed. */
static int
look(struct audit_watch *w, struct store *s, size_t *ret_n, struct why *why)
{
	static struct audit_entry page[PAGE];
	const struct store_audit_filter f = {.limit = PAGE,
	    .after = w->v.head.n};
	int rc = s->ops->audit_list(s, &f, page, ret_n);

	if (rc == ERR_CORRUPT) {
		w->fault = why_set(why, ERR_DIGEST, "one of the entries after "
		    "%llu cannot be read", (unsigned long long)f.after);
		return 0;
	}
	if (rc == 0)
		w->fault = take(w, page, *ret_n, why);
	return rc;
}

/* Nothing is left: is it all that there was? */
static int
end(struct audit_watch *w, const struct audit_head *last, struct why *why)
{
	w->v.kept = *last;
	return audit_verify_end(&w->v, why);
}

/* What is not durable may be undone still, entries and what was pruned: then
 * it is looked at another time. */
int
audit_watch_step(struct audit_watch *w, struct store *s,
    const struct audit_head *last, struct why *why)
{
	struct audit_head now;
	size_t n = PAGE;
	int rc = s->ops->audit_head(s, &now);

	if (rc != 0 || now.n > last->n || w->fault != 0)
		return rc;
	for (int i = 0; rc == 0 && w->fault == 0 && n == PAGE &&
	    i < AUDIT_WATCH_ENTRIES / PAGE; i++)
		rc = look(w, s, &n, why);
	if (rc == 0 && w->fault == 0 && n < PAGE)
		w->fault = end(w, last, why);
	return rc;
}
