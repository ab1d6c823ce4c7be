/*
 * What EXPECT can ask for: one table. A metric is a number with a unit; the
 * unit says how the wanted value is written.
 */
#include "tests/sim/sim.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum unit {
	UNIT_COUNT, /* 7000, or 70% of the fleet */
	UNIT_RATIO, /* 2.6 */
	UNIT_TIME, /* 9h, or "1.10 ideal" */
	UNIT_STATE, /* a word */
};

double
sim_ideal(const struct sim *s)
{
	const size_t size = (size_t)16 << s->block_szx;
	const double blocks = (double)((s->image_n + size - 1) / size);

	return s->slots == 0 ? 0 : (double)s->todo * (double)s->block_ms *
	    blocks / (double)s->slots;
}

static double
m_done(struct sim *s)
{
	return (double)s->count.done;
}

static double
m_left(struct sim *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->dev_n; i++)
		n += s->dev[i].fate == FATE_ALIVE && !s->dev[i].done;
	return n;
}

static double
m_requests(struct sim *s)
{
	return (double)s->count.requests;
}

static double
m_requests_per_device(struct sim *s)
{
	return s->todo == 0 ? 0 : (double)s->count.requests / s->todo;
}

static double
m_most_requests(struct sim *s)
{
	unsigned most = 0;

	for (unsigned i = 0; i < s->dev_n; i++)
		if (s->dev[i].asks > most)
			most = s->dev[i].asks;
	return most;
}

static double
m_peak(struct sim *s)
{
	return s->count.peak;
}

static double
m_makespan(struct sim *s)
{
	return s->count.done_at == 0 ? (double)(s->now - s->campaign_at) :
	    (double)(s->count.done_at - s->campaign_at);
}

static double
m_loading_peak(struct sim *s)
{
	return (double)s->count.loading_peak;
}

static double
m_loading_after_kill(struct sim *s)
{
	return (double)s->count.loading_after_kill;
}

static double
m_active_peak(struct sim *s)
{
	return (double)s->count.active_peak;
}

static double
m_inside_max_age(struct sim *s)
{
	return (double)s->count.inside_max_age;
}

static double
m_steered(struct sim *s)
{
	return (double)s->count.steered;
}

static double
m_bricked(struct sim *s)
{
	return (double)s->count.bricked;
}

static double
m_rolled_back(struct sim *s)
{
	return (double)s->count.rolled_back;
}

static double
m_kills(struct sim *s)
{
	return (double)s->count.kills;
}

/* Those that wait now count with what they have waited so far. */
static double
m_longest_wait(struct sim *s)
{
	int64_t most = s->count.longest_wait;

	for (unsigned i = 0; i < s->dev_n; i++) {
		const struct sim_dev *d = &s->dev[i];
		int64_t since = d->tried > s->campaign_at ? d->tried :
		    s->campaign_at;

		if (d->on && !d->done && s->now - since > most)
			most = s->now - since;
	}
	return (double)most;
}

#define OPS(name, member) \
	static double \
	m_##name(struct sim *s) \
	{ \
		struct ops_view v; \
\
		ops_view(s, &v); \
		return (double)v.member; \
	}
OPS(campaign, state)
OPS(jobs_done, done)
OPS(jobs_failed, failed)
OPS(jobs_live, live)
OPS(active, active)
#undef OPS

#define WHEN(m) offsetof(struct sim_count, m)

static const struct metric {
	const char *name;
	enum unit unit;
	double (*fn)(struct sim *s);
	size_t when; /* WHEN it became so; 0: not known */
} metrics[] = {
	{"done", UNIT_COUNT, m_done, 0},
	{"left", UNIT_COUNT, m_left, 0},
	{"requests", UNIT_COUNT, m_requests, 0},
	{"requests_per_device", UNIT_RATIO, m_requests_per_device, 0},
	{"most_requests", UNIT_COUNT, m_most_requests, 0},
	{"peak_requests", UNIT_COUNT, m_peak, WHEN(peak_at)},
	{"makespan", UNIT_TIME, m_makespan, 0},
	{"admitted_peak", UNIT_COUNT, m_loading_peak,
	    WHEN(loading_peak_at)},
	{"admitted_over_kill", UNIT_COUNT, m_loading_after_kill, 0},
	{"active_peak", UNIT_COUNT, m_active_peak, 0},
	{"active", UNIT_COUNT, m_active, 0},
	{"inside_max_age", UNIT_COUNT, m_inside_max_age, WHEN(early_at)},
	{"steered", UNIT_COUNT, m_steered, 0},
	{"bricked", UNIT_COUNT, m_bricked, 0},
	{"rolled_back", UNIT_COUNT, m_rolled_back, 0},
	{"kills", UNIT_COUNT, m_kills, 0},
	{"longest_wait", UNIT_TIME, m_longest_wait, 0},
	{"campaign", UNIT_STATE, m_campaign, 0},
	{"jobs_done", UNIT_COUNT, m_jobs_done, 0},
	{"jobs_failed", UNIT_COUNT, m_jobs_failed, 0},
	{"jobs_live", UNIT_COUNT, m_jobs_live, 0},
};

static const struct {
	const char *op;
	bool less, same, more;
} ops[] = {
	{"==", false, true, false}, {"!=", true, false, true},
	{"<=", true, true, false}, {">=", false, true, true},
	{"<", true, false, false}, {">", false, false, true},
};

static int
wanted(struct sim *s, const struct metric *m, const char *value, char *rest,
    double *ret)
{
	char *end, *word = sim_word(&rest);
	double share;
	int64_t ms;

	if (m->unit == UNIT_STATE) {
		*ret = ops_state(value);
		return *ret < 0 ? ERR_INVALID : 0;
	}
	if (m->unit == UNIT_TIME && word != NULL &&
	    strcmp(word, "ideal") == 0) {
		*ret = strtod(value, &end) * sim_ideal(s);
		return *end == '\0' ? 0 : ERR_INVALID;
	}
	if (word != NULL)
		return ERR_TRAILING;
	if (m->unit == UNIT_TIME && sim_ms(value, &ms) == 0) {
		*ret = (double)ms;
		return 0;
	}
	if (m->unit == UNIT_COUNT && sim_share(value, &share) == 0) {
		*ret = ceil(share * s->dev_n);
		return 0;
	}
	*ret = strtod(value, &end);
	return *end == '\0' && m->unit != UNIT_TIME ? 0 : ERR_INVALID;
}

static void
say(const struct metric *m, double v, char dst[24])
{
	if (m->unit == UNIT_TIME)
		sim_time((int64_t)v, dst);
	else
		snprintf(dst, 24, "%.10g", v);
}

static void
miss(struct sim *s, const struct metric *m, const char *op, const char *want,
    const char *got)
{
	int64_t at = 0;
	char t[24] = "";

	if (m->when != 0)
		memcpy(&at, (const char *)&s->count + m->when, sizeof(at));
	if (at != 0)
		sim_time(at - SIM_EPOCH, t);
	snprintf(s->verdict, sizeof(s->verdict), "%s:%u: seed %llu: %s: "
	    "wanted %s %s, got %s%s%s", s->file, s->line,
	    (unsigned long long)s->seed, m->name, op, want, got,
	    t[0] != '\0' ? " at " : "", t);
}

int
sim_expect(struct sim *s, char *words, bool *ret_met)
{
	const char *name = sim_word(&words), *op = sim_word(&words);
	const char *value = sim_word(&words);
	const struct metric *m = metrics;
	const struct metric *end = m + sizeof(metrics) / sizeof(metrics[0]);
	size_t i = 0;
	double got, want;
	char a[24], b[24];

	if (value == NULL)
		return why_set(&s->why, ERR_MISSING, "EXPECT metric op value");
	while (m < end && strcmp(m->name, name) != 0)
		m++;
	while (i < sizeof(ops) / sizeof(ops[0]) && strcmp(ops[i].op, op) != 0)
		i++;
	if (m == end || i == sizeof(ops) / sizeof(ops[0]))
		return why_set(&s->why, ERR_INVALID, "no such metric or "
		    "comparison: %s %s", name, op);
	if (wanted(s, m, value, words, &want) != 0)
		return why_set(&s->why, ERR_INVALID, "%s: not a value for "
		    "this metric", value);
	got = m->fn(s);
	*ret_met = got < want ? ops[i].less : got > want ? ops[i].more :
	    ops[i].same;
	say(m, got, a);
	say(m, want, b);
	sim_trace(s, NULL, "EXPECT %s %s %s: %s, %s", name, op, value, a,
	    *ret_met ? "met" : "MISSED");
	if (!*ret_met)
		miss(s, m, op, b, a);
	return 0;
}

int
sim_csv(const struct sim *s, const char *path)
{
	FILE *f = fopen(path, "w");

	if (f == NULL)
		return ERR_IO;
	fputs("minute,requests_per_s,busiest_s,completions,active,"
	    "downloading\n", f);
	for (size_t i = 0; i < s->count.minute_n; i++) {
		const struct sim_minute *m = &s->count.minute[i];

		if ((int64_t)i * 60000 > s->now - s->start)
			break;
		fprintf(f, "%zu,%.3f,%u,%u,%u,%u\n", i, m->requests / 60.0,
		    m->busiest, m->done, m->active, m->loading);
	}
	return fclose(f) == 0 ? 0 : ERR_IO;
}
