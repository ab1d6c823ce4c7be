/*
 * Two censuses: one that is being made, and the last one that is whole.
 * Rejected: to keep all this up to date with each write. It would cost a read
 * of the device's row there, to tell what it was before.
 */
#include "daemon/survey.h"

#include <stdlib.h>

#include "daemon/admit.h"
#include "daemon/log.h"

#define CHUNK 32 /* devices that are looked at at once, some 10 us each */

struct survey {
	struct app *app;
	struct census census[2];
	unsigned made; /* which of them is whole, if any is */
	bool any; /* one is */
	bool walking;
	uint64_t after; /* the last device that was looked at */
	int64_t asked, ended; /* monotonic ms; asked 0: never */
};

static int
census_new(struct census *c)
{
	c->group_cap = LIMIT_SURVEY_GROUPS;
	c->group = calloc(c->group_cap, sizeof(*c->group));
	c->index = calloc(2 * c->group_cap, sizeof(*c->index));
	return c->group != NULL && c->index != NULL ? 0 : ERR_NOMEM;
}

static void
on_tick(void *arg)
{
	survey_step(arg);
}

int
survey_new(struct app *app, struct survey **ret)
{
	struct survey *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return ERR_NOMEM;
	s->app = app;
	s->ended = INT64_MIN / 2; /* the first walk need not wait */
	rc = census_new(&s->census[0]);
	if (rc == 0)
		rc = census_new(&s->census[1]);
	if (rc == 0)
		rc = loop_every(app->loop, SURVEY_TICK_MS, on_tick, s);
	if (rc != 0) {
		survey_free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

void
survey_free(struct survey *s)
{
	if (s == NULL)
		return;
	for (int i = 0; i < 2; i++) {
		free(s->census[i].group);
		free(s->census[i].index);
	}
	free(s);
}

const struct census *
survey_ask(struct survey *s)
{
	s->asked = loop_mono(s->app->loop);
	return s->any ? &s->census[s->made] : NULL;
}

static int
look(void *arg, const struct store_scan *row)
{
	struct survey *s = arg;
	struct app *app = s->app;
	const struct store_device *d = &row->d;
	int64_t now = loop_now(app->loop);
	char group[LIMIT_ADDRESS];
	struct census_device one = {
		.have_class = d->have_class,
		.registered = d->registered && d->reg_expires > now,
		.have_job = row->have_last, .state = row->last.state,
		.seen = d->seen, .gap = d->gap,
	};

	memcpy(one.class_id, d->class_id, sizeof(one.class_id));
	if (admit_group_name(app, d, group, sizeof(group)))
		one.group = group;
	census_add(&s->census[!s->made], &one, now);
	return 0;
}

/* false: it is at an end, good or not. */
static bool
walk(struct survey *s)
{
	struct store *st = s->app->store;
	struct store_scan_filter f = {.after = s->after, .limit = CHUNK,
	    .tags = s->app->conf.group_tag[0] != '\0'};
	int rc = st->ops->device_scan(st, &f, look, s, &s->after);

	if (rc != 0)
		log_warn("metrics: devices cannot be looked at: %s (%s)",
		    err_text(rc), store_why(st));
	if (rc == 0 && s->after != 0)
		return true;
	if (rc == 0) {
		s->made = !s->made;
		s->any = true;
	}
	return false;
}

void
survey_step(struct survey *s)
{
	int64_t now = loop_mono(s->app->loop), end;

	if (s->asked == 0 || now - s->asked > SURVEY_IDLE_MS) {
		s->walking = s->any = false; /* it would be of long ago */
		return;
	}
	if (!s->walking && now - s->ended < SURVEY_REST_MS)
		return;
	if (!s->walking) {
		census_begin(&s->census[!s->made]);
		s->after = 0;
		s->walking = true;
	}
	end = loop_clock() + SURVEY_SLICE_US;
	while (s->walking && loop_clock() < end) {
		s->walking = walk(s);
		s->ended = now;
	}
}
