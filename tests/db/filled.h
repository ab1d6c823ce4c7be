/*
 * filled: a fleet in a store, and devices that come to it, for the tests of
 * SQLite's store.
 */
#ifndef SUITD_TESTS_DB_FILLED_H
#define SUITD_TESTS_DB_FILLED_H

#include "tests/db/twins.h"

#define CAMPAIGN 1 /* the one that fill makes */

static UNUSED int
put_device(struct store *s, const char *ep)
{
	struct store_device d;

	memset(&d, 0, sizeof(d));
	strcpy(d.ep, ep);
	memset(d.version, 'v', LIMIT_VERSION);
	return s->ops->device_put(s, &d);
}

static UNUSED bool
has_device(struct store *s, const char *ep)
{
	struct store_device d;

	return s->ops->device_by_ep(s, ep, &d) == 0;
}

/* n devices with a tag, a job each in a campaign, and events. */
static UNUSED void
fill(struct store *s, unsigned n)
{
	uint64_t rel = add_release(s, 1), camp = add_campaign(s, rel, 10);
	struct store_device d;
	struct store_event e;
	struct job j;

	OK(store_begin(s));
	for (unsigned i = 0; i < n; i++) {
		memset(&d, 0, sizeof(d));
		snprintf(d.ep, sizeof(d.ep), "dev%06u", i);
		snprintf(d.addr, sizeof(d.addr), "10.0.%u", i);
		d.reg = i + 1;
		d.have_class = true;
		d.class_id[0] = 7;
		d.tag_count = 1;
		strcpy(d.tag[0].name, "site");
		snprintf(d.tag[0].value, sizeof(d.tag[0].value), "%u", i % 9);
		OK(s->ops->device_put(s, &d));
		j = make_job(camp, d.id, rel, 1000 + i);
		OK(s->ops->job_put(s, &j));
		memset(&e, 0, sizeof(e));
		e.device = d.id;
		e.job = j.id;
		e.campaign = camp;
		strcpy(e.kind, "job");
		OK(s->ops->event_put(s, &e));
	}
	OK(store_commit(s));
}

static UNUSED int
no_scan(void *arg, const struct store_scan *row)
{
	(void)arg;
	(void)row;
	return 0;
}

static UNUSED int
no_job(void *arg, const struct job *j)
{
	(void)arg;
	(void)j;
	return 0;
}

#endif
