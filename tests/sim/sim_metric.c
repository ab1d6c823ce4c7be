/*
 * What EXPECT can ask for: one table. A metric is a number with a unit; the
 * unit says how the wanted value is written.
 */
#include "tests/sim/sim.h"

#include <math.h>
#include <stddef.h>
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

/* --- those that are computed --- */

static double
left(struct sim *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->dev_n; i++)
		n += s->dev[i].fate == FATE_ALIVE && !s->dev[i].done;
	return n;
}

static double
requests_per_device(struct sim *s)
{
	return s->todo == 0 ? 0 : (double)s->count.all.requests / s->todo;
}

static double
most_requests(struct sim *s)
{
	unsigned most = 0;

	for (unsigned i = 0; i < s->dev_n; i++)
		if (s->dev[i].asks > most)
			most = s->dev[i].asks;
	return most;
}

static double
makespan(struct sim *s)
{
	return s->count.done_at == 0 ? (double)(s->now - s->campaign_at) :
	    (double)(s->count.done_at - s->campaign_at);
}

/* Those that wait now count with what they have waited so far. */
static double
longest_wait(struct sim *s)
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

/* --- the table --- */

enum from {
	FROM_COUNT, /* a member of struct sim_count */
	FROM_TALLY, /* ... of a group's struct sim_tally, or of all */
	FROM_OPS, /* ... of what the operator sees */
	FROM_FN,
};

#define COUNT(m) FROM_COUNT, offsetof(struct sim_count, m), NULL
#define TALLY(m) FROM_TALLY, offsetof(struct sim_tally, m), NULL
#define OPS(m) FROM_OPS, offsetof(struct ops_view, m), NULL
#define FN(f) FROM_FN, 0, f
#define WHEN(m) offsetof(struct sim_count, m)

static const struct metric {
	const char *name;
	enum unit unit;
	enum from from;
	size_t off; /* of 64 bits */
	double (*fn)(struct sim *s);
	size_t when; /* WHEN it became so; 0: not known */
} metrics[] = {
	{"done", UNIT_COUNT, TALLY(done), 0},
	{"left", UNIT_COUNT, FN(left), 0},
	{"requests", UNIT_COUNT, TALLY(requests), 0},
	{"requests_per_device", UNIT_RATIO, FN(requests_per_device), 0},
	{"most_requests", UNIT_COUNT, FN(most_requests), 0},
	{"peak_requests", UNIT_COUNT, COUNT(peak), WHEN(peak_at)},
	{"makespan", UNIT_TIME, FN(makespan), 0},
	{"admitted_peak", UNIT_COUNT, TALLY(loading_peak),
	    WHEN(loading_peak_at)},
	{"admitted_over_kill", UNIT_COUNT, COUNT(loading_after_kill), 0},
	{"bytes_minute", UNIT_COUNT, TALLY(bytes_peak), 0},
	{"active_peak", UNIT_COUNT, COUNT(active_peak), 0},
	{"slots_peak", UNIT_COUNT, COUNT(slots_peak), 0},
	{"active", UNIT_COUNT, OPS(active), 0},
	{"inside_max_age", UNIT_COUNT, COUNT(inside_max_age),
	    WHEN(early_at)},
	{"steered", UNIT_COUNT, COUNT(steered), 0},
	{"bricked", UNIT_COUNT, COUNT(bricked), 0},
	{"rolled_back", UNIT_COUNT, COUNT(rolled_back), 0},
	{"kills", UNIT_COUNT, COUNT(kills), 0},
	{"forged", UNIT_COUNT, COUNT(forged), 0},
	{"longest_wait", UNIT_TIME, FN(longest_wait), 0},
	{"campaign", UNIT_STATE, OPS(state), 0},
	{"jobs_done", UNIT_COUNT, OPS(done), 0},
	{"jobs_failed", UNIT_COUNT, OPS(failed), 0},
	{"jobs_live", UNIT_COUNT, OPS(live), 0},
};

static double
value(struct sim *s, const struct metric *m, const struct sim_tally *t)
{
	struct ops_view v;
	int64_t i = 0;
	const void *at = &s->count;

	if (m->from == FROM_FN)
		return m->fn(s);
	if (m->from == FROM_OPS) {
		ops_view(s, &v);
		at = &v;
	} else if (m->from == FROM_TALLY) {
		at = t;
	}
	memcpy(&i, (const char *)at + m->off, sizeof(i));
	return (double)i;
}

/* "done", or "done@lamp-": of the group with this prefix. */
static const struct metric *
find(struct sim *s, const char *name, const struct sim_tally **ret_tally)
{
	const size_t n = strcspn(name, "@");
	const struct metric *m = metrics;
	const struct metric *end = m + sizeof(metrics) / sizeof(metrics[0]);

	*ret_tally = &s->count.all;
	while (m < end && (strncmp(m->name, name, n) != 0 ||
	    m->name[n] != '\0'))
		m++;
	if (m == end || name[n] == '\0')
		return m == end ? NULL : m;
	for (size_t i = 0; i < s->group_n; i++)
		if (m->from == FROM_TALLY &&
		    strcmp(s->group[i].prefix, name + n + 1) == 0) {
			*ret_tally = &s->group[i].tally;
			return m;
		}
	return NULL;
}

static const struct {
	const char *op;
	bool less, same, more;
} ops[] = {
	{"==", false, true, false}, {"!=", true, false, true},
	{"<=", true, true, false}, {">=", false, true, true},
	{"<", true, false, false}, {">", false, false, true},
};

struct want {
	const struct metric *m;
	const struct sim_tally *tally;
	const char *text; /* the value, as it is written */
	char *rest; /* what follows it */
};

static int
wanted(struct sim *s, struct want *w, double *ret)
{
	const struct metric *m = w->m;
	char *end, *word = sim_word(&w->rest);
	double share;
	int64_t ms;

	if (m->unit == UNIT_STATE) {
		*ret = ops_state(w->text);
		return *ret < 0 ? ERR_INVALID : 0;
	}
	if (m->unit == UNIT_TIME && word != NULL &&
	    strcmp(word, "ideal") == 0) {
		*ret = strtod(w->text, &end) * sim_ideal(s);
		return *end == '\0' ? 0 : ERR_INVALID;
	}
	if (word != NULL)
		return ERR_TRAILING;
	if (m->unit == UNIT_TIME && sim_ms(w->text, &ms) == 0) {
		*ret = (double)ms;
		return 0;
	}
	if (m->unit == UNIT_COUNT && sim_share(w->text, &share) == 0) {
		*ret = ceil(share * w->tally->n);
		return 0;
	}
	*ret = strtod(w->text, &end);
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
miss(struct sim *s, const struct want *w, const char *what, const char *got)
{
	int64_t at = 0;
	char t[24] = "";

	if (w->m->when != 0)
		memcpy(&at, (const char *)&s->count + w->m->when, sizeof(at));
	if (at != 0)
		sim_time(at - SIM_EPOCH, t);
	snprintf(s->verdict, sizeof(s->verdict), "%s:%u: seed %llu: "
	    "wanted %s, got %s%s%s", s->file, s->line,
	    (unsigned long long)s->seed, what, got,
	    t[0] != '\0' ? " at " : "", t);
}

int
sim_expect(struct sim *s, char *words, bool *ret_met)
{
	const char *name = sim_word(&words), *op = sim_word(&words);
	struct want w = {.text = sim_word(&words), .rest = words};
	size_t i = 0;
	double got, want;
	char a[24], b[24], what[80];

	if (w.text == NULL)
		return why_set(&s->why, ERR_MISSING, "EXPECT metric op value");
	w.m = find(s, name, &w.tally);
	while (i < sizeof(ops) / sizeof(ops[0]) && strcmp(ops[i].op, op) != 0)
		i++;
	if (w.m == NULL || i == sizeof(ops) / sizeof(ops[0]))
		return why_set(&s->why, ERR_INVALID, "no such metric or "
		    "comparison: %s %s", name, op);
	if (wanted(s, &w, &want) != 0)
		return why_set(&s->why, ERR_INVALID, "%s: not a value for "
		    "this metric", w.text);
	got = value(s, w.m, w.tally);
	*ret_met = got < want ? ops[i].less : got > want ? ops[i].more :
	    ops[i].same;
	say(w.m, got, a);
	say(w.m, want, b);
	snprintf(what, sizeof(what), "%.40s %s %s", name, op, b);
	sim_trace(s, NULL, "EXPECT %s: %s, %s", what, a,
	    *ret_met ? "met" : "MISSED");
	if (!*ret_met)
		miss(s, &w, what, a);
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
