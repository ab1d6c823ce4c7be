/*
 * policy: when a campaign moves on, and when it stops. Stops are looked for
 * first, and in the last wave as well. A rate alone decides nothing: it is
 * the bound that is held against a limit, so that 1 of 10 is no 10 %.
 */
#include "lib/policy.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/gate.h"

/* What a decision is made of. */
struct judge {
	const struct policy *p;
	const struct policy_view *v;
	uint64_t outcomes;
	uint64_t need; /* outcomes */
	uint64_t reach; /* devices that can have an outcome now */
	struct policy_decision *d;
};

static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static double
share(uint32_t hundredths)
{
	return (double)hundredths / POLICY_WHOLE;
}

static double
ratio(uint64_t k, uint64_t n)
{
	return n == 0 ? 0 : (double)k / (double)n;
}

#define PERCENT 32

/* "5", "7.32", "0.25": two digits after the point, less zeros. */
static const char *
percent(double r, char dst[PERCENT])
{
	size_t n = (size_t)snprintf(dst, PERCENT, "%.2f", r * 100);

	if (n >= PERCENT) /* no rate is that long */
		return "?";
	while (dst[n - 1] == '0')
		n--;
	if (dst[n - 1] == '.')
		n--;
	dst[n] = '\0';
	return dst;
}

static void
decide(struct judge *j, enum policy_verdict verdict, enum policy_cause cause)
{
	j->d->verdict = verdict;
	j->d->cause = cause;
}

static void
measure(struct judge *j, uint64_t k, uint64_t n, double limit)
{
	j->d->k = k;
	j->d->n = n;
	j->d->rate = ratio(k, n);
	j->d->limit = limit;
}

/* "3 of 41 broke (7.32 %; with 95 % confidence at least 2.02 %), limit 5 %" */
static void
say_bound(struct judge *j, const char *what, const char *limit)
{
	struct policy_decision *d = j->d;
	char rate[PERCENT], bound[PERCENT], lim[PERCENT];

	d->bound = gate_lower(d->k, d->n, j->p->confidence);
	snprintf(d->text, sizeof(d->text), "%" PRIu64 " of %" PRIu64
	    " %s (%s %%; with %" PRIu32 " %% confidence at least %s %%), "
	    "%s %s %%", d->k, d->n, what, percent(d->rate, rate),
	    j->p->confidence, percent(d->bound, bound), limit,
	    percent(d->limit, lim));
}

static bool
trip_rate(struct judge *j, enum policy_cause cause, uint64_t k,
    uint32_t limit)
{
	if (j->outcomes < j->need || !gate_above(k, j->outcomes,
	    j->p->confidence, share(limit)))
		return false;
	decide(j, POLICY_TRIP, cause);
	measure(j, k, j->outcomes, share(limit));
	say_bound(j, cause == POLICY_CAUSE_BROKE ? "broke" :
	    "cannot be reached", "limit");
	return true;
}

static bool
trip_recovery(struct judge *j)
{
	uint64_t k = j->v->n.recovery;

	if (k == 0)
		return false;
	decide(j, POLICY_TRIP, POLICY_CAUSE_RECOVERY);
	measure(j, k, j->v->n.size, 0);
	snprintf(j->d->text, sizeof(j->d->text), k == 1 ? "%" PRIu64
	    " device is in recovery mode" : "%" PRIu64 " devices are in "
	    "recovery mode", k);
	return true;
}

/* A budget that was just enough stops nothing. */
static bool
trip_attempts(struct judge *j)
{
	const struct policy_counts *n = &j->v->n;
	double budget = j->p->attempts / 100.0;
	char rate[PERCENT], limit[PERCENT];

	if (j->p->attempts == 0 || n->devices == 0 ||
	    n->attempts * 100 < j->p->attempts * n->devices)
		return false;
	if (n->fresh == 0 && n->asleep == 0 && n->retrying == 0 &&
	    j->v->wave >= j->v->wave_count)
		return false;
	decide(j, POLICY_TRIP, POLICY_CAUSE_ATTEMPTS);
	measure(j, n->attempts, n->devices, budget);
	snprintf(j->d->text, sizeof(j->d->text), "%" PRIu64 " attempts for %"
	    PRIu64 " devices (%s %%), budget %s %%", n->attempts, n->devices,
	    percent(j->d->rate, rate), percent(budget, limit));
	return true;
}

static bool
wait_sample(struct judge *j)
{
	if (j->outcomes >= j->need)
		return false;
	decide(j, POLICY_WAIT, POLICY_CAUSE_SAMPLE);
	measure(j, j->outcomes, j->need, 1);
	snprintf(j->d->text, sizeof(j->d->text), "%" PRIu64 " of %" PRIu64
	    " outcomes that it takes to judge", j->outcomes, j->need);
	return true;
}

static bool
wait_settle(struct judge *j)
{
	double limit = share(j->p->settle);
	char rate[PERCENT], lim[PERCENT];

	if (j->outcomes * POLICY_WHOLE >= j->p->settle * j->reach)
		return false;
	decide(j, POLICY_WAIT, POLICY_CAUSE_SETTLE);
	measure(j, j->outcomes, j->reach, limit);
	snprintf(j->d->text, sizeof(j->d->text), "%" PRIu64 " of %" PRIu64
	    " devices that can be tried have an outcome (%s %%), needs %s %%",
	    j->outcomes, j->reach, percent(j->d->rate, rate),
	    percent(limit, lim));
	if (j->v->n.weak > 0)
		snprintf(j->d->text + strlen(j->d->text), sizeof(j->d->text) -
		    strlen(j->d->text), "; %" PRIu64 " told one below grade "
		    "L%d", j->v->n.weak, j->p->grade);
	return true;
}

static bool
wait_success(struct judge *j)
{
	double limit = share(j->p->success), most;
	uint64_t k = j->v->n.done;

	/* what a small wave can prove at all */
	most = gate_lower(j->reach, j->reach, j->p->confidence);
	if (limit > most)
		limit = most;
	if (gate_reaches(k, j->outcomes, j->p->confidence, limit))
		return false;
	decide(j, POLICY_WAIT, POLICY_CAUSE_SUCCESS);
	measure(j, k, j->outcomes, limit);
	say_bound(j, "done", "needs");
	return true;
}

/* The criteria hold; have they for long enough? */
static void
soak(struct judge *j)
{
	const struct policy_view *v = j->v;
	int64_t since = v->met != 0 ? v->met : v->now;

	if (since < v->wave_opened)
		since = v->wave_opened;
	if (since > v->now) /* the clock was set back */
		since = v->now;
	j->d->met = true;
	measure(j, v->n.done, j->outcomes, share(j->p->success));
	say_bound(j, "done", "needs");
	if (v->now - since >= j->p->soak * 1000) {
		decide(j, POLICY_ADVANCE, POLICY_CAUSE_NONE);
		return;
	}
	decide(j, POLICY_WAIT, POLICY_CAUSE_SOAK);
	snprintf(j->d->text + strlen(j->d->text), sizeof(j->d->text) -
	    strlen(j->d->text), "; this has to stay so for %" PRId64 " s in "
	    "all", j->p->soak);
	j->d->until = since + j->p->soak * 1000;
}

/* Without what an operator has seen and gone on from. */
static void
forgive(const struct policy *p, struct policy_counts *n)
{
	uint64_t broke = less(n->broke, p->forgive_broke);
	uint64_t unreachable = less(n->unreachable, p->forgive_unreachable);

	n->size = less(n->size, n->broke - broke + n->unreachable -
	    unreachable);
	n->broke = broke;
	n->unreachable = unreachable;
	n->recovery = less(n->recovery, p->forgive_recovery);
	n->attempts = less(n->attempts, p->forgive_attempts);
}

void
policy_decide(const struct policy *p, const struct policy_view *given,
    struct policy_decision *ret)
{
	struct policy_view view = *given;
	const struct policy_view *v = &view;
	const struct policy_counts *n = &v->n;
	struct judge j = {.p = p, .v = v, .d = ret};
	uint64_t able;

	forgive(p, &view.n);
	able = less(n->size, n->other);
	memset(ret, 0, sizeof(*ret));
	j.outcomes = n->done + n->broke + n->unreachable;
	while (ret->lowest < GRADES && n->told[ret->lowest] == 0)
		ret->lowest++;
	j.need = able < p->sample ? able : p->sample;
	if (j.need == 0) /* nobody is left, and nothing is proven */
		j.need = 1;
	j.reach = less(able, n->asleep);
	if (j.reach < j.need) /* the sample must come from somebody */
		j.reach = j.need;

	if (trip_recovery(&j) ||
	    trip_rate(&j, POLICY_CAUSE_BROKE, n->broke, p->broke) ||
	    trip_rate(&j, POLICY_CAUSE_UNREACHABLE, n->unreachable,
	    p->unreachable) || trip_attempts(&j))
		return;
	if (v->wave >= v->wave_count) {
		decide(&j, POLICY_LAST, POLICY_CAUSE_NONE);
		measure(&j, n->done, j.outcomes, 0);
		snprintf(ret->text, sizeof(ret->text),
		    "the last wave is open");
		return;
	}
	if (wait_sample(&j) || wait_settle(&j) || wait_success(&j))
		return;
	soak(&j);
}
