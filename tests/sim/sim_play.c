/*
 * A scenario is played line by line: AT lets time pass up to a moment, the
 * statement behind it happens then. Before the first AT there is no time.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/text.h"

#define LOOK 10000 /* how often UNTIL looks */

static int
bad(struct sim *s, const char *what)
{
	return why_set(&s->why, ERR_INVALID, "%s", what);
}

/* --- the set-up --- */

static int
s_store(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);

	if (w == NULL || (strcmp(w, "mem") != 0 && strcmp(w, "sqlite") != 0))
		return bad(s, "STORE mem|sqlite");
	s->sqlite = strcmp(w, "sqlite") == 0;
	return 0;
}

static int
s_set(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);

	return w == NULL ? bad(s, "SET key=value") :
	    conf_set(&s->app.conf, w, &s->why);
}

static int
s_image(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);
	uint64_t n;

	if (w == NULL || text_bytes(slice_str(w), &n) != 0 || n == 0 ||
	    n > LIMIT_IMAGE)
		return bad(s, "IMAGE bytes");
	s->image_n = (size_t)n;
	return 0;
}

static int
s_block(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);
	uint64_t n;

	if (w == NULL || text_u64(slice_str(w), &n) != 0)
		return bad(s, "BLOCK bytes");
	for (uint8_t szx = 0; szx <= 6; szx++)
		if (n == (uint64_t)16 << szx) {
			s->block_szx = szx;
			return 0;
		}
	return bad(s, "BLOCK: 16, 32, ... 1024");
}

static int
s_settle(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);

	return w == NULL || sim_ms(w, &s->settle) != 0 ?
	    bad(s, "SETTLE duration") : 0;
}

static int
s_gate(struct sim *s, char *rest)
{
	(void)rest;
	s->gate = true;
	return 0;
}

/* run.sh counts: this share of the seeds may miss. */
static int
s_allow(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);
	double share;

	return w == NULL || sim_share(w, &share) != 0 || !s->gate ?
	    bad(s, "ALLOW 5%, of a GATE") : 0;
}

static int
s_fails(struct sim *s, char *rest)
{
	(void)rest;
	s->fails = true;
	return 0;
}

/* --- the network --- */

static int
s_latency(struct sim *s, char *rest)
{
	char *w = sim_word(&rest), *to = w != NULL ? strstr(w, "..") : NULL;
	struct sim_net *n = &s->net;

	if (to != NULL) {
		*to = '\0';
		to += 2;
	}
	if (w == NULL || sim_ms(w, &n->lat_min) != 0 ||
	    sim_ms(to != NULL ? to : w, &n->lat_max) != 0 ||
	    n->lat_max < n->lat_min)
		return bad(s, "LATENCY 10ms..200ms");
	return 0;
}

static int
s_blocktime(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);

	return w == NULL || sim_ms(w, &s->block_ms) != 0 ?
	    bad(s, "BLOCKTIME duration") : 0;
}

static int
s_drop(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);

	return w == NULL || sim_share(w, &s->net.drop) != 0 ?
	    bad(s, "DROP 5%") : 0;
}

static int
s_dup(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);

	return w == NULL || sim_share(w, &s->net.dup) != 0 ?
	    bad(s, "DUP 1%") : 0;
}

static int
s_outage(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);
	int64_t ms;

	if (w == NULL || sim_ms(w, &ms) != 0)
		return bad(s, "OUTAGE duration");
	sim_trace(s, NULL, "outage of %s", w);
	s->net.dark_until = s->now + ms;
	return 0;
}

/* LIE 503 4294967295 for 10m */
static int
s_lie(struct sim *s, char *rest)
{
	char *code = sim_word(&rest), *age = sim_word(&rest);
	char *word = sim_word(&rest), *span = sim_word(&rest);
	uint64_t c, a;
	int64_t ms;

	if (span == NULL || strcmp(word, "for") != 0 ||
	    text_u64(slice_str(code), &c) != 0 || c > 599 ||
	    text_u64(slice_str(age), &a) != 0 || a > UINT32_MAX ||
	    sim_ms(span, &ms) != 0)
		return bad(s, "LIE code max-age for duration");
	s->net.lie_code = (unsigned)c;
	s->net.lie_age = (uint32_t)a;
	s->net.lie_until = s->now + ms;
	return 0;
}

static int
s_forge(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);
	int64_t ms;

	if (w == NULL || sim_ms(w, &ms) != 0)
		return bad(s, "FORGE duration");
	sim_forge(s, ms);
	return 0;
}

/* --- the operator --- */

static struct sim_release *
release(struct sim *s, char **rest)
{
	char *w = sim_word(rest);
	uint64_t seq;

	return w == NULL || text_u64(slice_str(w), &seq) != 0 ? NULL :
	    sim_release_by(s, seq);
}

static int
s_publish(struct sim *s, char *rest)
{
	struct sim_release *r = release(s, &rest);

	if (r == NULL || !s->up)
		return bad(s, "PUBLISH: no such release, or no daemon");
	s->touched = true;
	return sim_publish(s, r);
}

static int
s_campaign(struct sim *s, char *rest)
{
	struct sim_release *r = release(s, &rest);
	int rc;

	if (r == NULL || !s->up)
		return bad(s, "CAMPAIGN: no such release, or no daemon");
	s->touched = true;
	s->target_seq = r->seq;
	sim_count_campaign(s);
	rc = sim_publish(s, r);
	return rc != 0 ? rc : ops_start(s, r->id, rest);
}

static int
verb(struct sim *s, const char *name)
{
	if (!s->up || s->campaign == 0)
		return bad(s, "no daemon, or no campaign");
	s->touched = true;
	sim_trace(s, NULL, "%s", name);
	return ops_do(s, name);
}

static int
s_pause(struct sim *s, char *rest)
{
	(void)rest;
	return verb(s, "PAUSE");
}

static int
s_resume(struct sim *s, char *rest)
{
	(void)rest;
	return verb(s, "RESUME");
}

static int
s_abort(struct sim *s, char *rest)
{
	(void)rest;
	return verb(s, "ABORT");
}

static int
s_next(struct sim *s, char *rest)
{
	(void)rest;
	return verb(s, "NEXT");
}

/* --- accidents --- */

static void
restart(struct sim *s, void *arg, int64_t n)
{
	(void)arg;
	(void)n;
	if (s->over || s->up)
		return;
	sim_trace(s, NULL, "the daemon starts");
	if (sim_daemon_start(s) != 0)
		sim_trace(s, NULL, "... not: %s", s->why.text);
}

/* It dies at its next writes; when there are none for a second, then. */
static int
kill_daemon(struct sim *s, int64_t down)
{
	static const enum sim_kill how[] = {KILL_TURN, KILL_SENT};
	int64_t end = s->now + 1000;

	s->kill = how[sim_below(&s->net_rnd, 2)];
	s->count.kills++;
	while (s->up && s->now < end)
		sim_run(s, s->now + 1);
	sim_daemon_kill(s);
	sim_at(s, s->now + (down > 0 ? down : 1), restart, NULL, 0);
	return 0;
}

static int
s_kill(struct sim *s, char *rest)
{
	char *who = sim_word(&rest), *word = sim_word(&rest);
	char *span = sim_word(&rest);
	int64_t ms = 0;

	if (who == NULL || strcmp(who, "daemon") != 0 || (word != NULL &&
	    (strcmp(word, "for") != 0 || span == NULL ||
	    sim_ms(span, &ms) != 0)))
		return bad(s, "KILL daemon [for duration]");
	return s->up ? kill_daemon(s, ms) : bad(s, "it is dead already");
}

static int
s_power(struct sim *s, char *rest)
{
	char *how = sim_word(&rest), *who = sim_word(&rest);
	double share = 1;
	bool on;

	if (who == NULL || (strcmp(how, "on") != 0 && strcmp(how, "off") !=
	    0) || (strcmp(who, "all") != 0 && sim_share(who, &share) != 0))
		return bad(s, "POWER on|off all|30%");
	on = strcmp(how, "on") == 0;
	sim_trace(s, NULL, "power %s, %s", how, who);
	for (unsigned i = 0; i < s->dev_n; i++)
		if (sim_chance(&s->dev_rnd) < share)
			sim_dev_power(&s->dev[i], on);
	return 0;
}

/* --- time --- */

static int
s_step(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);
	int64_t ms;

	if (w == NULL || sim_ms(w, &ms) != 0)
		return bad(s, "STEP duration");
	sim_run(s, s->now + ms);
	s->at = s->now - s->start;
	return 0;
}

static bool
all_over(struct sim *s)
{
	if (!s->up || !ops_ended(s))
		return false;
	for (unsigned i = 0; i < s->dev_n; i++)
		if (s->dev[i].fate == FATE_ALIVE && !s->dev[i].done)
			return false;
	return true;
}

/* Until nothing is left to happen, at the latest then. */
static int
s_until(struct sim *s, char *rest)
{
	char *w = sim_word(&rest);
	int64_t ms, end;

	if (w == NULL || sim_ms(w, &ms) != 0)
		return bad(s, "UNTIL time");
	end = s->start + ms;
	while (s->now < end && !all_over(s))
		sim_run(s, end - s->now < LOOK ? end : s->now + LOOK);
	s->at = s->now - s->start;
	return 0;
}

static int
s_expect(struct sim *s, char *rest)
{
	bool met = true;
	int rc = sim_expect(s, rest, &met);

	s->expected++;
	if (rc != 0 || met)
		return rc;
	if (s->missed++ > 0 || s->fails)
		return 0;
	printf("  MISSED %s\n", s->verdict);
	sim_trace_print(s);
	return 0;
}

/* --- lines --- */

#define SETUP 1u
#define PLAY 2u

static const struct {
	const char *word;
	unsigned when;
	int (*fn)(struct sim *s, char *rest);
} statements[] = {
	{"STORE", SETUP, s_store}, {"SET", SETUP, s_set},
	{"IMAGE", SETUP, s_image}, {"BLOCK", SETUP, s_block},
	{"RELEASE", SETUP, sim_release}, {"FLEET", SETUP, sim_fleet},
	{"SETTLE", SETUP, s_settle}, {"GATE", SETUP, s_gate},
	{"FAILS", SETUP, s_fails}, {"ALLOW", SETUP, s_allow},
	{"BLOCKTIME", SETUP, s_blocktime},
	{"LATENCY", SETUP | PLAY, s_latency}, {"DROP", SETUP | PLAY, s_drop},
	{"DUP", SETUP | PLAY, s_dup}, {"OUTAGE", PLAY, s_outage},
	{"LIE", PLAY, s_lie}, {"FORGE", PLAY, s_forge}, {"PUBLISH", PLAY, s_publish},
	{"CAMPAIGN", PLAY, s_campaign}, {"PAUSE", PLAY, s_pause},
	{"RESUME", PLAY, s_resume}, {"ABORT", PLAY, s_abort},
	{"NEXT", PLAY, s_next},
	{"KILL", PLAY, s_kill}, {"POWER", PLAY, s_power},
	{"STEP", PLAY, s_step}, {"UNTIL", PLAY, s_until},
	{"EXPECT", PLAY, s_expect},
};

static int
run(struct sim *s, char *word, char *rest)
{
	for (size_t i = 0; i < sizeof(statements) / sizeof(statements[0]);
	    i++) {
		if (strcmp(statements[i].word, word) != 0)
			continue;
		if (!(statements[i].when & (s->began ? PLAY : SETUP)))
			return bad(s, s->began ? "belongs before the first "
			    "AT" : "belongs behind an AT");
		return statements[i].fn(s, rest);
	}
	return bad(s, "no such statement");
}

/* AT 0 has come: plans of sleep begin, some devices are never seen again. */
static int
begin(struct sim *s)
{
	int rc;

	if (s->group_n == 0)
		return bad(s, "no FLEET");
	for (size_t i = 0; i < s->group_n; i++)
		s->group[i].kind.szx = s->block_szx;
	rc = sim_world_begin(s);
	if (rc != 0)
		return rc;
	sim_run(s, SIM_EPOCH);
	s->start = s->now;
	s->began = true;
	for (unsigned i = 0; i < s->dev_n; i++) {
		struct sim_dev *d = &s->dev[i];

		if (sim_chance(&s->dev_rnd) < d->g->gone) {
			d->fate = FATE_GONE;
			sim_dev_power(d, false);
		} else if (d->g->sleep > 0) {
			sim_dev_run(d);
		}
	}
	return 0;
}

/* "5m", or any moment of "5m..1h". */
static int
moment(struct sim *s, char *w, int64_t *ret)
{
	char *to = strstr(w, "..");
	int64_t end;
	int rc;

	if (to != NULL)
		*to = '\0';
	rc = sim_ms(w, ret);
	if (rc != 0 || to == NULL)
		return rc;
	rc = sim_ms(to + 2, &end);
	*ret += sim_below(&s->dev_rnd, end - *ret + 1);
	return rc;
}

static int
at(struct sim *s, char **rest)
{
	char *w = sim_word(rest);
	int64_t ms;
	int rc = s->began ? 0 : begin(s);

	if (rc != 0)
		return rc;
	if (w == NULL || moment(s, w, &ms) != 0)
		return bad(s, "AT time statement");
	if (ms < s->at)
		return bad(s, "that was before");
	s->at = ms;
	sim_run(s, s->start + ms); /* a kill may have come later than asked */
	return 0;
}

static int
line(struct sim *s, char *text)
{
	char *rest = text, *w;
	int rc = 0;

	text[strcspn(text, "#\r")] = '\0';
	w = sim_word(&rest);
	if (w == NULL)
		return 0;
	if (strcmp(w, "AT") == 0) {
		rc = at(s, &rest);
		w = sim_word(&rest);
		if (rc != 0 || w == NULL)
			return rc != 0 ? rc : bad(s, "AT time statement");
	}
	rc = run(s, w, rest);
	if (rc == 0 && s->touched)
		sim_turn(s);
	return rc;
}

int
sim_play(struct sim *s, char *text)
{
	int rc = 0;

	s->why.text[0] = '\0';
	for (char *p = text, *next; rc == 0 && p != NULL; p = next) {
		next = strchr(p, '\n');
		if (next != NULL)
			*next++ = '\0';
		s->line++;
		rc = line(s, p);
	}
	if (rc == 0 && s->expected == 0)
		rc = bad(s, "nothing is expected");
	return rc;
}
