/*
 * The plan: every selected device with a verdict, those that will be updated
 * with a wave. Two passes over the devices, in slices. The first
 * (campaign_scan.c) judges them and keeps place and name in memory, some 40
 * bytes each, for as long as it takes; then the waves are cut by place; the
 * second writes the parts of the stored plan and the digest.
 *
 * Starting makes the plan anew and compares digests, and, to tell what has
 * changed, both plans device by device. Only when they differ, and after the
 * row says so, the new one is written over the old one: a crash in between
 * neither starts half a plan nor compares with one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/campaign_impl.h"
#include "daemon/engine.h"
#include "daemon/log.h"
#include "lib/text.h"

#define WRITE_SLICE 4 /* parts of the plan */
#define CHECK_SLICE 40000 /* devices */

int
campaigns_new(struct campaigns **ret)
{
	*ret = calloc(1, sizeof(**ret));
	return *ret == NULL ? ERR_NOMEM : 0;
}

void
planner_reset(struct campaigns *k)
{
	plan_digest_free(&k->plan.digest);
	free(k->plan.dev);
	free(k->plan.names);
	free(k->plan.was);
	memset(&k->plan, 0, sizeof(k->plan));
	k->own = OWN_UNKNOWN;
}

void
planner_undone(struct campaigns *k)
{
	k->own = OWN_UNKNOWN;
	if (k->nested)
		planner_reset(k);
}

void
planner_committed(struct campaigns *k)
{
	k->nested = false;
}

void
campaigns_free(struct campaigns *k)
{
	if (k != NULL)
		planner_reset(k);
	free(k);
}

void *
planner_room(void *p, size_t need, size_t *cap, size_t size)
{
	if (need <= *cap)
		return p;
	*cap = *cap < 1024 ? 1024 : *cap + *cap / 2;
	if (*cap < need)
		*cap = need;
	p = realloc(p, *cap * size);
	if (p == NULL)
		abort(); /* all state is on the disk */
	return p;
}

/* --- the waves --- */

/* The k-th smallest (from 0) by Hoare's selection; reorders. */
static uint64_t
kth(uint64_t *a, size_t n, size_t k)
{
	size_t lo = 0, hi = n - 1;

	while (lo < hi) {
		uint64_t pivot = a[lo + (hi - lo) / 2], t;
		size_t i = lo, j = hi;

		for (;;) {
			while (a[i] < pivot)
				i++;
			while (a[j] > pivot)
				j--;
			if (i >= j)
				break;
			t = a[i];
			a[i++] = a[j];
			a[j--] = t;
		}
		if (k <= j)
			hi = j;
		else
			lo = j + 1;
	}
	return a[lo];
}

static int
by_device(const void *a, const void *b)
{
	const struct planned *x = a, *y = b;

	return (x->device > y->device) - (x->device < y->device);
}

static void
cut_waves(struct judge *j, struct store_campaign *c)
{
	struct campaigns *k = j->k;
	uint64_t *place = malloc((k->plan.n + 1) * sizeof(*place));
	uint64_t n = 0, before = 0;
	struct plan_waves *w = &k->plan.waves;

	if (place == NULL)
		abort();
	memset(c->verdict, 0, sizeof(c->verdict));
	memset(c->waves, 0, sizeof(c->waves));
	for (size_t i = 0; i < k->plan.n; i++) {
		c->verdict[k->plan.dev[i].verdict]++;
		if (k->plan.dev[i].verdict == PLAN_UPDATE)
			place[n++] = k->plan.dev[i].place;
	}
	plan_waves(&j->run->policy, n, w);
	c->wave_count = w->count;
	for (unsigned i = 0; i < w->count; i++) {
		c->waves[i].place = i + 1 == w->count ? UINT64_MAX :
		    kth(place, (size_t)n, (size_t)w->upto[i] - 1);
		c->waves[i].size = w->upto[i] - before;
		before = w->upto[i];
	}
	free(place);
	if (c->source != SOURCE_SELECT)
		qsort(k->plan.dev, k->plan.n, sizeof(*k->plan.dev),
		    by_device);
}

/* --- the second pass --- */

static void
change(struct campaigns *k, const struct plan_entry *was,
    const struct planned *is)
{
	struct plan_change *c;

	k->changes++;
	if (k->change_n == PLAN_CHANGES)
		return;
	c = &k->change[k->change_n++];
	*c = (struct plan_change){.was_there = was != NULL,
	    .is_there = is != NULL};
	if (was != NULL) {
		c->device = was->device;
		c->verdict_was = was->verdict;
		c->wave_was = was->wave;
	}
	if (is != NULL) {
		c->device = is->device;
		c->verdict = is->verdict;
		c->wave = is->wave;
	}
}

/* Both are in the order of devices. */
static void
compare(struct campaigns *k, const struct planned *is)
{
	struct plan_entry *was;

	while (k->plan.was_at < k->plan.was_n) {
		was = &k->plan.was[k->plan.was_at];
		if (is != NULL && was->device > is->device)
			break;
		k->plan.was_at++;
		if (is != NULL && was->device == is->device) {
			if (was->verdict != is->verdict ||
			    was->wave != is->wave)
				change(k, was, is);
			return;
		}
		change(k, was, NULL);
	}
	if (is != NULL)
		change(k, NULL, is);
}

/* The next device, with its wave. */
static struct planned *
next_planned(struct judge *j, const struct store_campaign *c)
{
	struct campaigns *k = j->k;
	struct planned *p = &k->plan.dev[k->plan.written++];
	uint64_t place[STORE_WAVES];

	if (p->verdict != PLAN_UPDATE)
		return p;
	for (size_t i = 0; i < STORE_WAVES; i++)
		place[i] = c->waves[i].place;
	p->wave = (uint8_t)plan_wave_of(p->place, place, c->wave_count);
	plan_digest_add(&k->plan.digest, k->plan.names + p->ep, p->wave);
	return p;
}

static int
write_part(struct judge *j, const struct store_campaign *c)
{
	struct campaigns *k = j->k;
	struct store *s = j->app->store;
	static uint8_t bytes[STORE_PLAN_PART];
	size_t n = 0;

	while (n < PLAN_PART_ENTRIES && k->plan.written < k->plan.n) {
		const struct planned *p = next_planned(j, c);
		uint8_t *at = bytes + n++ * PLAN_ENTRY;

		memcpy(at, &p->device, 8);
		at[8] = p->verdict;
		at[9] = p->wave;
	}
	return n == 0 ? 0 : s->ops->plan_put(s, c->id, k->plan.parts++,
	    slice_of(bytes, n * PLAN_ENTRY));
}

int
campaign_plan_part(struct app *app, uint64_t id, uint64_t part,
    struct plan_entry *ret, size_t *ret_n)
{
	static uint8_t bytes[STORE_PLAN_PART];
	struct buf b = buf_of(bytes, sizeof(bytes));
	int rc = app->store->ops->plan_get(app->store, id, part, &b);

	if (rc != 0)
		return rc;
	if (b.n % PLAN_ENTRY != 0)
		return ERR_CORRUPT;
	*ret_n = b.n / PLAN_ENTRY;
	for (size_t i = 0; i < *ret_n; i++) {
		memcpy(&ret[i].device, bytes + i * PLAN_ENTRY, 8);
		ret[i].verdict = bytes[i * PLAN_ENTRY + 8];
		ret[i].wave = bytes[i * PLAN_ENTRY + 9];
	}
	return 0;
}

/* Parts of a longer plan before this one must not stay behind it. */
static int
end_parts(struct judge *j, const struct store_campaign *c)
{
	struct store *s = j->app->store;
	struct buf none = buf_of(NULL, 0);
	int rc = s->ops->plan_get(s, c->id, j->k->plan.parts, &none);

	if (rc == ERR_NOT_FOUND)
		return 0;
	for (; rc == 0 || rc == ERR_SPACE; j->k->plan.parts++) {
		rc = s->ops->plan_put(s, c->id, j->k->plan.parts,
		    slice_of("", 0));
		if (rc == 0)
			rc = s->ops->plan_get(s, c->id, j->k->plan.parts + 1,
			    &none);
	}
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

/* --- a slice --- */

static int
load_was(struct judge *j, const struct store_campaign *c)
{
	struct campaigns *k = j->k;
	static struct plan_entry part[PLAN_PART_ENTRIES];
	size_t n, cap = 0;
	int rc = 0;

	if (!c->planned && c->source != SOURCE_LIST)
		return 0;
	for (uint64_t at = 0; rc == 0; at++) {
		rc = campaign_plan_part(j->app, c->id, at, part, &n);
		if (rc != 0)
			break;
		k->plan.was = planner_room(k->plan.was, k->plan.was_n + n, &cap,
		    sizeof(*k->plan.was));
		memcpy(k->plan.was + k->plan.was_n, part, n * sizeof(*part));
		k->plan.was_n += n;
	}
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

static int
begin(struct judge *j)
{
	struct campaigns *k = j->k;

	planner_reset(k);
	k->plan.phase = PLANNER_SCAN;
	k->plan.campaign = j->run->c.id;
	return load_was(j, &j->run->c);
}

/* A pass over what was judged. */
static int
begin_pass(struct judge *j, enum planner_phase phase)
{
	struct campaigns *k = j->k;
	const struct store_campaign *c = &j->run->c;
	const struct plan_head head = {j->rel.digest, c->name, c->select,
	    c->policy};

	k->plan.phase = phase;
	k->plan.written = 0;
	plan_digest_free(&k->plan.digest);
	return plan_digest_begin(&k->plan.digest, &head);
}

static int
scan(struct judge *j)
{
	struct campaigns *k = j->k;
	struct store_campaign c = j->run->c;
	bool last = false;
	int rc = planner_scan(j, &last);

	if (rc != 0 || !last)
		return rc;
	cut_waves(j, &c);
	if (c.planned) {
		k->change_of = c.id;
		k->change_n = 0;
		k->changes = 0;
	}
	rc = begin_pass(j, c.planned ? PLANNER_CHECK : PLANNER_WRITE);
	return rc != 0 ? rc : campaign_save(j->app, &c);
}

/* By its digest: what is approved and started names it. */
static int
audit_plan(struct app *app, const struct store_campaign *c,
    const char *detail)
{
	char hex[65], text[300];

	snprintf(text, sizeof(text), "plan %.12s: %s", text_hex(slice_of(
	    c->plan, 32), hex, sizeof(hex)), detail);
	return campaign_audit(app, c, AUDIT_CAMPAIGN_PLAN, text);
}

/* The plan is there, or is still what it was: is it to be started now? */
static int
decided(struct judge *j, struct store_campaign *c)
{
	bool wanted = c->start && !(j->run->policy.approval &&
	    c->approved[0] == '\0');
	char detail[120], whose[48] = "";
	int rc;

	c->planned = true;
	c->work = WORK_NONE;
	c->work_at = 0;
	if (wanted && c->verdict[PLAN_UPDATE] == 0 &&
	    !j->run->policy.continuous) {
		c->start = false;
		snprintf(c->cause, sizeof(c->cause), "nothing to do: the plan "
		    "has no device to update");
	} else if (wanted) {
		c->work = WORK_START;
	}
	if (c->source == SOURCE_CAMPAIGN)
		snprintf(whose, sizeof(whose), ", of those of campaign %"
		    PRIu64, c->of);
	snprintf(detail, sizeof(detail), "%" PRIu64 " devices will be updated"
	    "%s%s%.44s", c->verdict[PLAN_UPDATE], c->source == SOURCE_LIST ?
	    ", of those named" : whose, c->cause[0] ? "; " : "", c->cause);
	c->updated = loop_now(j->app->loop);
	rc = campaign_save(j->app, c);
	if (rc == 0)
		rc = audit_plan(j->app, c, detail);
	return rc != 0 ? rc : campaign_log(j->app, c, "planned", detail);
}

static int
write_out(struct judge *j)
{
	struct campaigns *k = j->k;
	struct store_campaign c = j->run->c;
	int rc = 0;

	for (int i = 0; i < WRITE_SLICE && rc == 0 &&
	    k->plan.written < k->plan.n; i++)
		rc = write_part(j, &c);
	if (rc != 0 || k->plan.written < k->plan.n)
		return rc;
	rc = end_parts(j, &c);
	if (rc == 0)
		rc = plan_digest_end(&k->plan.digest, c.plan);
	if (rc == 0)
		rc = decided(j, &c);
	planner_reset(k);
	return rc;
}

/* From here on there is no plan, until the new one is written. */
static int
changed(struct judge *j, struct store_campaign *c)
{
	int rc;

	c->planned = false;
	c->start = false;
	c->approved[0] = '\0';
	snprintf(c->cause, sizeof(c->cause), "the fleet has changed: %" PRIu64
	    " devices differ from the plan; this is the new one",
	    j->k->changes);
	rc = campaign_save(j->app, c);
	return rc != 0 ? rc : begin_pass(j, PLANNER_WRITE);
}

static int
check(struct judge *j)
{
	struct campaigns *k = j->k;
	struct store_campaign c = j->run->c;
	uint8_t digest[32];
	int rc;

	for (int i = 0; i < CHECK_SLICE && k->plan.written < k->plan.n; i++)
		compare(k, next_planned(j, &c));
	if (k->plan.written < k->plan.n)
		return 0;
	compare(k, NULL);
	rc = plan_digest_end(&k->plan.digest, digest);
	if (rc == 0 && memcmp(c.plan, digest, 32) != 0)
		return changed(j, &c);
	if (rc == 0)
		rc = decided(j, &c);
	planner_reset(k);
	return rc;
}

/* What is meant cannot be told any more. */
static int
give_up(struct app *app, const struct run *r)
{
	struct store_campaign c = r->c;
	int rc;

	planner_reset(app->campaigns);
	c.work = WORK_NONE;
	c.start = false;
	snprintf(c.cause, sizeof(c.cause), "its selection names a class alias "
	    "that the configuration does not have any more: plan it anew");
	rc = campaign_save(app, &c);
	return rc != 0 ? rc : campaign_log(app, &c, "not planned", c.cause);
}

int
planner_slice(struct app *app, struct run *r)
{
	static int (*const phases[])(struct judge *j) = {
		[PLANNER_SCAN] = scan,
		[PLANNER_CHECK] = check,
		[PLANNER_WRITE] = write_out,
	};
	struct judge j = {.app = app, .run = r, .k = app->campaigns};
	struct store *s = app->store;
	int rc;

	if (r->blind)
		return give_up(app, r);
	rc = s->ops->release_get(s, r->c.release, &j.rel);
	if (rc != 0)
		return rc;
	judge_target(&j);
	if (j.k->plan.campaign != r->c.id || j.k->plan.phase ==
	    PLANNER_IDLE)
		rc = begin(&j);
	if (rc != 0)
		return rc;
	return phases[j.k->plan.phase](&j);
}

const struct plan_change *
campaign_diff(const struct app *app, uint64_t id, size_t *ret_n)
{
	const struct campaigns *k = app->campaigns;

	*ret_n = k->change_of == id ? k->change_n : 0;
	return k->change;
}

void
campaign_progress(const struct app *app, const struct store_campaign *c,
    uint64_t *ret_done, uint64_t *ret_total)
{
	const struct campaigns *k = app->campaigns;
	struct store_stats st;

	*ret_done = *ret_total = 0;
	if (c->work == WORK_START) {
		*ret_done = c->work_at;
		for (size_t i = 0; i < STORE_VERDICTS; i++)
			*ret_total += c->verdict[i];
	} else if (c->work == WORK_PLAN && k->plan.campaign == c->id) {
		app->store->ops->stats(app->store, &st);
		*ret_done = k->plan.seen + k->plan.written;
		*ret_total = st.devices + k->plan.n;
	}
}
