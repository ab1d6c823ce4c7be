/* campaign: facts and tables of a campaign, for a person. */
#include "cli/campaign.h"

#include <inttypes.h>

#include "lib/policy.h"
#include "lib/text.h"

#define WAVES_WIDTH 76 /* of their table without the bar */
#define BAR_LEAST 4
#define BAR_MOST 20
#define BAR 16

bool
campaign_over(const struct msg_campaign *m)
{
	return m->work[0] == '\0' && (strcmp(m->state, "finished") == 0 ||
	    strcmp(m->state, "aborted") == 0);
}

char *
campaign_digest(const struct msg_campaign *m, char dst[CAMPAIGN_DIGEST + 1])
{
	dst[0] = '\0';
	return m->planned ? text_hex(slice_of(m->plan, CAMPAIGN_DIGEST / 2),
	    dst, CAMPAIGN_DIGEST + 1) : dst;
}

/* The rules have Unix seconds. */
static void
begins(FILE *out, const struct msg_campaign *m)
{
	struct policy p;
	struct why why;
	char at[32];

	policy_default(&p);
	if (policy_parse(m->policy, &p, NULL, &why) == 0 && p.start != 0)
		render_linef(out, "not before", "%s UTC", render_time(at,
		    sizeof(at), p.start * 1000));
}

void
campaign_facts(FILE *out, const struct msg_campaign *m)
{
	char text[CAMPAIGN_DIGEST + 1], at[32];

	render_linef(out, "campaign", "%" PRIu64 " %s%s%s", m->id, m->name,
	    m->name[0] != '\0' ? ", " : "", m->state);
	render_line(out, "because", m->cause);
	render_linef(out, "release", "%" PRIu64 ", sequence %" PRIu64,
	    m->release, m->target);
	render_line(out, "devices", m->select);
	render_line(out, "rules", m->policy[0] != '\0' ? m->policy :
	    "the defaults");
	begins(out, m);
	render_line(out, "plan", campaign_digest(m, text));
	if (m->by[0] != '\0')
		render_linef(out, "planned", "by %s, %s UTC", m->by,
		    render_time(at, sizeof(at), m->created));
	if (m->approved[0] != '\0')
		render_linef(out, "approved", "by %s", m->approved);
	if (m->started != 0)
		render_linef(out, "started", "%s UTC", render_time(at,
		    sizeof(at), m->started));
	if (m->ended != 0)
		render_linef(out, "ended", "%s UTC", render_time(at,
		    sizeof(at), m->ended));
	if (m->follower != 0)
		render_linef(out, "rolled back", "by campaign %" PRIu64,
		    m->follower);
}

/* "text, until 2026-.. UTC (in 3m)" */
static void
until_line(FILE *out, const char *label, const char *text, int64_t until,
    int64_t now)
{
	char at[32], in[32];

	if (until == 0 || text[0] == '\0')
		render_line(out, label, text);
	else
		render_linef(out, label, "%s, until %s UTC (%s)", text,
		    render_time(at, sizeof(at), until), render_age(in,
		    sizeof(in), now, until));
}

/* Bytes on the way to the devices that download just now. */
static void
flow_line(FILE *out, const struct msg_campaign *m)
{
	char bar[64], done[32], total[32], rate[32];

	if (m->downloads == 0)
		return;
	render_linef(out, "downloads", "%s %" PRIu64 " now, %s of %s, %s/s",
	    render_bar(bar, sizeof(bar), BAR, m->bytes_done, m->bytes_total),
	    m->downloads, render_bytes(done, sizeof(done), m->bytes_done),
	    render_bytes(total, sizeof(total), m->bytes_total),
	    render_bytes(rate, sizeof(rate), m->bytes_rate));
}

void
campaign_rests(FILE *out, const struct msg_campaign *m)
{
	if (m->gate_grade[0] != '\0')
		render_linef(out, "rests on", "evidence of grade %s%s",
		    m->gate_grade, strcmp(m->gate_grade, "L2") == 0 ? "" :
		    " at the weakest");
}

void
campaign_progress(FILE *out, const struct msg_campaign *m, int64_t now)
{
	char text[192], bar[64], at[32];

	if (m->work[0] != '\0')
		render_linef(out, "at work", "%s %s %" PRIu64 " of about %"
		    PRIu64, m->work, render_bar(bar, sizeof(bar), BAR,
		    m->work_done, m->work_total), m->work_done,
		    m->work_total);
	if (render_total(&m->counts) > 0)
		render_linef(out, "jobs", "%s %s", render_bar(bar,
		    sizeof(bar), BAR, m->counts.done,
		    render_total(&m->counts)), render_counts(text,
		    sizeof(text), &m->counts));
	flow_line(out, m);
	until_line(out, "gate", m->gate, m->gate_until, now);
	campaign_rests(out, m);
	until_line(out, "on hold", m->hold, m->hold_until, now);
	if (m->per_hour != 0)
		render_linef(out, "rate", "%" PRIu64 " devices an hour",
		    m->per_hour);
	if (m->eta != 0)
		render_linef(out, "ETA", "%s, %s UTC%s%s", render_age(text,
		    sizeof(text), now, m->eta), render_time(at, sizeof(at),
		    m->eta), m->eta_basis[0] != '\0' ? ": " : "",
		    m->eta_basis);
}

void
campaign_done_cell(struct table *t, const struct msg_wave *w)
{
	const bool known = w->done > 0 && w->grade[0] != '\0';

	table_printf(t, "%" PRIu64 "%s%s", w->done, known ? " " : "",
	    known ? w->grade : "");
}

void
campaign_waves(FILE *out, const struct msg_campaign *m, unsigned columns)
{
	static const char *const head[] = {"WAVE", "DEVICES", "STATE",
	    "DONE", "ACTIVE", "RETRY", "ASLEEP", "BROKE", "UNREACHABLE", ""};
	static struct table t;
	unsigned room = columns > WAVES_WIDTH ? columns - WAVES_WIDTH : 0;
	char bar[BAR_MOST + 3];

	if (m->wave_count == 0)
		return;
	room = room > BAR_MOST ? BAR_MOST : room;
	table_begin(&t, out, head, room < BAR_LEAST ? 9 : 10);
	for (size_t i = 0; i < m->wave_count; i++) {
		const struct msg_wave *w = &m->waves[i];
		const uint64_t n[] = {w->active, w->retrying, w->asleep,
		    w->broke, w->unreachable};

		table_printf(&t, "%u", w->wave);
		table_printf(&t, "%" PRIu64, w->size);
		table_cell(&t, w->state);
		campaign_done_cell(&t, w);
		for (size_t k = 0; k < sizeof(n) / sizeof(n[0]); k++)
			table_printf(&t, "%" PRIu64, n[k]);
		if (room >= BAR_LEAST)
			table_cell(&t, render_bar(bar, sizeof(bar), room,
			    w->done, w->size));
	}
	table_end(&t);
}

void
campaign_failures(FILE *out, const struct msg_campaign *m, size_t max)
{
	static const char *const head[] = {"DEVICES", "FAILURE", "THEN",
	    "REASON"};
	static struct table t;

	if (m->failure_count == 0)
		return;
	table_begin(&t, out, head, 4);
	for (size_t i = 0; i < m->failure_count && i < max; i++) {
		const struct msg_reason *r = &m->failure[i];

		table_printf(&t, "%" PRIu64, r->n);
		table_cell(&t, r->failure);
		table_cell(&t, r->over ? "given up" : "tried again");
		table_cell(&t, r->text[0] != '\0' ? r->text : r->name);
	}
	table_end(&t);
	if (m->failure_count > max)
		fprintf(out, "and %zu more reasons\n", m->failure_count -
		    max);
}

static void
planned_waves(FILE *out, const struct msg_campaign *m, uint64_t all)
{
	static const char *const head[] = {"WAVE", "DEVICES", "SHARE",
	    "CUMULATIVE"};
	static struct table t;
	uint64_t sum = 0;

	table_begin(&t, out, head, 4);
	for (size_t i = 0; i < m->wave_count; i++) {
		uint64_t size = m->waves[i].size;

		sum += size;
		table_printf(&t, "%u", m->waves[i].wave);
		table_printf(&t, "%" PRIu64, size);
		table_printf(&t, "%.1f %%", all == 0 ? 0. :
		    100. * (double)size / (double)all);
		table_printf(&t, "%.1f %%", all == 0 ? 0. :
		    100. * (double)sum / (double)all);
	}
	table_end(&t);
}

void
campaign_plan(FILE *out, const struct msg_campaign *m)
{
	static const char *const head[] = {"DEVICES", "WILL NOT, BECAUSE"};
	static struct table t;
	uint64_t all = 0, seen = 0;
	bool others = false;

	for (size_t i = 0; i < m->wave_count; i++)
		all += m->waves[i].size;
	for (size_t i = 0; i < m->verdict_count; i++)
		seen += m->verdict[i].n;
	render_linef(out, "will update", "%" PRIu64 " of %" PRIu64 " devices",
	    all, seen);
	if (all > 0)
		planned_waves(out, m, all);
	table_begin(&t, out, head, 2);
	for (size_t i = 0; i < m->verdict_count; i++) {
		const struct msg_reason *r = &m->verdict[i];

		if (r->n == 0 || strcmp(r->name, "update") == 0)
			continue;
		others = true;
		table_printf(&t, "%" PRIu64, r->n);
		table_cell(&t, r->text[0] != '\0' ? r->text : r->name);
	}
	if (others)
		table_end(&t);
	if (m->offered && m->wave_count > 1)
		fprintf(out, "note: waves hold back the devices of the plan "
		    "by name; others get release %" PRIu64 " when they ask\n"
		    "      (suitctl publish --staged keeps a release from "
		    "them)\n", m->release);
}

void
campaign_next(FILE *out, const struct msg_campaign *m)
{
	char digest[CAMPAIGN_DIGEST + 1];

	campaign_digest(m, digest);
	if (m->follower != 0)
		fprintf(out, "follow the way back: suitctl campaign watch %"
		    PRIu64 "\n", m->follower);
	else if (strcmp(m->state, "draft") != 0)
		fprintf(out, "follow it: suitctl campaign watch %" PRIu64
		    "\n", m->id);
	else if (!m->planned || m->verdict_count == 0 ||
	    m->verdict[0].n == 0)
		return; /* there is nothing to be started */
	else if (m->needs_approval && m->approved[0] == '\0')
		fprintf(out, "a second operator approves it: suitctl "
		    "campaign approve --plan %s\n"
		    "and then it can be started: suitctl campaign start "
		    "--plan %s\n", digest, digest);
	else
		fprintf(out, "start it: suitctl campaign start --plan %s\n",
		    digest);
}

void
campaign_show(FILE *out, const struct msg_campaign *m, int64_t now)
{
	campaign_facts(out, m);
	campaign_progress(out, m, now);
	if (strcmp(m->state, "draft") != 0)
		campaign_waves(out, m, WAVES_WIDTH + BAR_MOST);
	else if (m->planned)
		campaign_plan(out, m);
	campaign_failures(out, m, MSG_REASONS);
}

void
campaign_jobs_begin(struct table *t, FILE *out)
{
	static const char *const head[] = {"JOB", "EP", "WAVE", "STATE",
	    "ATTEMPT", "SINCE", "DUE", "REASON"};

	table_begin(t, out, head, 8);
}

void
campaign_job(struct table *t, const struct msg_job *j, int64_t now)
{
	char text[32];

	table_printf(t, "%" PRIu64, j->id);
	table_cell(t, j->ep);
	table_printf(t, "%u", j->wave);
	if (j->total > 0 && strcmp(j->state, "fetching") == 0)
		table_printf(t, "%s %u%%", j->state,
		    (unsigned)(100.0 * (double)j->done / (double)j->total));
	else
		table_cell(t, j->state);
	table_printf(t, "%u", j->attempt);
	table_cell(t, render_age(text, sizeof(text), now, j->updated));
	table_cell(t, render_age(text, sizeof(text), now, j->due));
	table_cell(t, j->text[0] != '\0' ? j->text : j->reason);
}

void
campaign_notable(FILE *out, const char *title, const struct notable *n,
    int64_t now)
{
	static struct table t;

	if (n->n == 0)
		return;
	fprintf(out, "%s:\n", title);
	campaign_jobs_begin(&t, out);
	for (size_t i = 0; i < n->n; i++)
		campaign_job(&t, &n->job[i], now);
	table_end(&t);
}
