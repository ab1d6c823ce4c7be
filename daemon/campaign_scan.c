/*
 * The first pass of a plan: which devices are meant, and what is the verdict
 * on each? A selection scans the device table once, in the order of ids; a
 * list, or the devices of another campaign, are looked up one by one.
 */
#include <stdlib.h>

#include "daemon/campaign_impl.h"
#include "daemon/push.h"
#include "daemon/trusted.h"
#include "daemon/twin.h"

#define SCAN_SLICE 4000 /* devices judged in one turn */
#define LOOK_SLICE 400 /* devices that are looked up one by one */
#define NO_NAME UINT32_MAX

static void
keep(struct judge *j, const struct store_device *d, enum plan_verdict v)
{
	struct campaigns *k = j->k;
	struct planned *p;
	size_t n = strlen(d->ep) + 1;

	k->plan.dev = planner_room(k->plan.dev, k->plan.n + 1, &k->plan.cap,
	    sizeof(*k->plan.dev));
	p = &k->plan.dev[k->plan.n++];
	*p = (struct planned){.device = d->id, .verdict = (uint8_t)v,
	    .ep = NO_NAME};
	if (v != PLAN_UPDATE)
		return;
	p->place = plan_place(j->run->c.name, j->rel.digest, d->ep);
	k->plan.names = planner_room(k->plan.names, k->plan.names_n + n,
	    &k->plan.names_cap, 1);
	p->ep = (uint32_t)k->plan.names_n;
	memcpy(k->plan.names + k->plan.names_n, d->ep, n);
	k->plan.names_n += n;
}

static void
subject_of(const struct app *app, const struct store_device *d,
    struct select_subject *ret)
{
	*ret = (struct select_subject){
		.ep = d->ep, .have_class = d->have_class,
		.class_id = d->class_id, .vendor = d->vendor,
		.have_seq = d->have_seq, .seq = d->seq,
		.grade = d->seq_grade, .version = d->version,
		.driver = push_name(d->driver), .seen = d->seen,
		.psk = d->have_psk, .registered = d->registered,
		.revoked = d->revoked, .ahead = d->ahead,
		.twin = twin_of(app, d->id),
		.class_set = d->class_set, .class_said = d->have_class_said,
		.tag_count = d->tag_count, .tag = d->tag,
	};
}

bool
campaign_selects(const struct app *app, const struct select *s,
    const struct store_device *d, int64_t now)
{
	struct select_subject sub;

	subject_of(app, d, &sub);
	return select_match(s, &sub, now);
}

/* Only a plan for grade L2 pays for the look. */
static bool
is_attested(struct app *app, const struct plan_target *t, uint64_t device)
{
	struct store_attest a;

	return t->policy->grade == GRADE_L2 &&
	    app->store->ops->attest_get(app->store, device, &a) == 0;
}

static enum plan_verdict
judge(struct app *app, const struct plan_target *t,
    const struct store_scan *s)
{
	const struct store_device *d = &s->d;
	const struct plan_device pd = {
		.have_class = d->have_class, .class_id = d->class_id,
		.have_seq = d->have_seq, .seq = trusted_runs(app, d),
		.seen = d->seen,
		.created = d->created, .have_psk = d->have_psk,
		.revoked = d->revoked,
		.attested = is_attested(app, t, d->id),
		.declined = s->have_last &&
		    s->last.reason == REASON_DECLINED &&
		    s->last.target_seq == t->seq,
		.live = s->have_live, .live_campaign = s->live.campaign,
		.live_seq = s->live.target_seq, .live_state = s->live.state,
	};

	return plan_judge(&pd, t);
}

/* A selection that names no class means the classes of the release: a
 * million devices of other classes are no news. */
static bool
meant(const struct judge *j, const struct store_device *d)
{
	if (j->run->c.select[0] != '\0')
		return campaign_selects(j->app, &j->run->select, d,
		    j->target.now);
	for (size_t i = 0; d->have_class && i < j->rel.class_count; i++)
		if (memcmp(j->rel.class_id[i], d->class_id, 16) == 0)
			return true;
	return false;
}

static int
on_scan(void *arg, const struct store_scan *s)
{
	struct judge *j = arg;

	j->k->plan.seen++;
	if (meant(j, &s->d))
		keep(j, &s->d, judge(j->app, &j->target, s));
	return 0;
}

/* One device by its id, as a scan would have it. */
static int
look_up(struct judge *j, uint64_t device)
{
	static struct store_scan s;
	struct store *st = j->app->store;
	int rc = st->ops->device_get(st, device, &s.d);

	j->k->plan.seen++;
	if (rc == ERR_NOT_FOUND) {
		memset(&s.d, 0, sizeof(s.d));
		s.d.id = device; /* 0: there never was one */
		keep(j, &s.d, PLAN_UNKNOWN);
		return 0;
	}
	if (rc == 0)
		rc = st->ops->job_live(st, device, &s.live);
	s.have_live = rc == 0;
	if (rc == 0 || rc == ERR_NOT_FOUND)
		rc = st->ops->job_last(st, device, &s.last);
	s.have_last = rc == 0;
	if (rc != 0 && rc != ERR_NOT_FOUND)
		return rc;
	keep(j, &s.d, judge(j->app, &j->target, &s));
	return 0;
}

static int
scan_select(struct judge *j, bool *ret_last)
{
	struct store *s = j->app->store;
	const struct store_scan_filter f = {j->k->plan.after, SCAN_SLICE,
	    select_uses_tags(&j->run->select)};
	int rc = s->ops->device_scan(s, &f, on_scan, j, &j->k->plan.after);

	*ret_last = j->k->plan.after == 0;
	return rc;
}

/* Those of the list, which was stored as the first plan. */
static int
scan_list(struct judge *j, bool *ret_last)
{
	struct campaigns *k = j->k;
	int rc = 0;

	for (size_t i = 0; i < LOOK_SLICE && rc == 0 &&
	    k->plan.after < k->plan.was_n; i++)
		rc = look_up(j, k->plan.was[k->plan.after++].device);
	*ret_last = k->plan.after >= k->plan.was_n;
	return rc;
}

/* Those that the other campaign has attempted. */
static int
scan_campaign(struct judge *j, bool *ret_last)
{
	struct store *s = j->app->store;
	struct job page[LIMIT_PAGE];
	size_t n = 0;
	int rc = s->ops->job_list(s, j->run->c.of, j->k->plan.after,
	    LIMIT_PAGE, page, &n);

	for (size_t i = 0; i < n && rc == 0; i++) {
		j->k->plan.after = page[i].id;
		if (page[i].attempt > 0)
			rc = look_up(j, page[i].device);
	}
	*ret_last = n < LIMIT_PAGE;
	return rc;
}

int
planner_scan(struct judge *j, bool *ret_last)
{
	static int (*const sources[])(struct judge *j, bool *ret_last) = {
		[SOURCE_SELECT] = scan_select,
		[SOURCE_LIST] = scan_list,
		[SOURCE_CAMPAIGN] = scan_campaign,
	};

	return sources[j->run->c.source](j, ret_last);
}

enum plan_verdict
campaign_verdict(struct app *app, const struct run *r,
    const struct store_release *rel, const struct store_scan *scan)
{
	struct judge j = {.app = app, .run = r, .rel = *rel};

	judge_target(&j);
	return judge(app, &j.target, scan);
}

bool
campaign_wants(struct app *app, const struct run *r,
    const struct store_release *rel, const struct store_scan *scan)
{
	struct judge j = {.app = app, .run = r, .rel = *rel};

	judge_target(&j);
	return meant(&j, &scan->d) &&
	    judge(app, &j.target, scan) == PLAN_UPDATE;
}

void
judge_target(struct judge *j)
{
	j->target = (struct plan_target){
		.seq = j->rel.seq, .class_count = j->rel.class_count,
		.class_id = (const void *)j->rel.class_id,
		.campaign = j->run->c.id, .now = loop_now(j->app->loop),
		.policy = &j->run->policy,
	};
}
