/*
 * cmd_report: campaign report, fit to be attached to an audit. It is written
 * as it is read, page by page: a million jobs are never in memory. All that
 * is printed runs through a SHA-256, and the last line says which.
 *
 * Verify text with `head -n -1 FILE | sha256sum`, JSON with `head -n -2`.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/args.h"
#include "cli/campaign.h"
#include "cli/online.h"
#include "lib/digest.h"
#include "lib/policy.h"
#include "lib/text.h"

struct report {
	struct client *client;
	bool json;
	FILE *out; /* through the hash to stdout */
	struct digest_ctx *hash;
	bool broken; /* the hash, or stdout */
	struct msg_campaign m;
	struct msg_release rel;
	struct table table;
	struct json_list list;
};

/* --- what is printed is hashed --- */

static ssize_t
on_write(void *cookie, const char *p, size_t n)
{
	struct report *r = cookie;

	if (digest_update(r->hash, slice_of(p, n)) != 0 ||
	    fwrite(p, 1, n, stdout) != n)
		r->broken = true;
	return r->broken ? 0 : (ssize_t)n;
}

static int
open_out(struct report *r)
{
	r->hash = digest_new(DIGEST_SHA256);
	if (r->hash != NULL)
		r->out = fopencookie(r, "w", (cookie_io_functions_t){
		    .write = on_write});
	return r->out != NULL ? CLI_OK : cli_usage("%s",
	    err_text(ERR_NOMEM));
}

static int
close_out(struct report *r, int rc)
{
	struct digest d;
	char hex[65];

	if (r->out != NULL && fclose(r->out) != 0)
		r->broken = true;
	if (rc == CLI_OK && (r->broken || digest_final(r->hash, &d) != 0)) {
		cli_usage("the report could not be written");
		rc = CLI_REFUSED;
	}
	if (rc == CLI_OK)
		printf(r->json ? "\"sha256\":\"%s\"\n}\n" : "sha256       %s\n",
		    text_hex(digest_slice(&d), hex, sizeof(hex)));
	digest_free(r->hash);
	return rc;
}

/* --- facts --- */

static void
plan_line(const struct report *r)
{
	char hex[65];

	if (r->m.planned)
		render_line(r->out, "plan digest", text_hex(slice_of(
		    r->m.plan, sizeof(r->m.plan)), hex, sizeof(hex)));
}

/* Every rule that held, also those that nobody had to write down: a default
 * may be another one in the next version. */
static int
put_rules(struct report *r)
{
	char value[LIMIT_POLICY], shown[4 * LIMIT_POLICY];
	const char *sep = "";
	struct policy p;
	struct why why;

	policy_default(&p);
	if (policy_parse(r->m.policy, &p, NULL, &why) != 0)
		return cli_usage("the rules are of another version of suitd: "
		    "%s", why.text), CLI_REFUSED;
	fputs(r->json ? ",\"rules\":{" : "\nRULES\n", r->out);
	/* no table, which would cut a window */
	for (const struct policy_key *k = policy_keys; k->name; k++) {
		struct buf b = buf_of(value, sizeof(value));
		struct slice v;

		policy_key_put(k, &p, &b);
		v = buf_slice(&b);
		if (v.n >= 2 && v.p[0] == '"') /* has blanks */
			v = slice_of(v.p + 1, v.n - 2);
		text_escape(v, shown, sizeof(shown));
		if (!r->json)
			fprintf(r->out, "%-20s %s\n", k->name, shown);
		else
			fprintf(r->out, "%s\"%s\":\"%.*s\"", sep, k->name,
			    (int)v.n, (const char *)v.p);
		sep = ",";
	}
	fputs(r->json ? "}\n" : "", r->out);
	return CLI_OK;
}

/* What became of the waves; what is neither done nor lost is open. */
static void
put_waves(struct report *r)
{
	static const char *const head[] = {"WAVE", "DEVICES", "STATE",
	    "DONE", "BROKE", "UNREACHABLE", "OTHER", "OPEN"};

	table_begin(&r->table, r->out, head, 8);
	for (size_t i = 0; i < r->m.wave_count; i++) {
		const struct msg_wave *w = &r->m.waves[i];
		const uint64_t n[] = {w->broke, w->unreachable, w->other,
		    w->fresh + w->asleep + w->active + w->retrying};

		table_printf(&r->table, "%u", w->wave);
		table_printf(&r->table, "%" PRIu64, w->size);
		table_cell(&r->table, w->state);
		campaign_done_cell(&r->table, w);
		for (size_t k = 0; k < sizeof(n) / sizeof(n[0]); k++)
			table_printf(&r->table, "%" PRIu64, n[k]);
	}
	table_end(&r->table);
}

static void
put_facts(struct report *r)
{
	const struct msg_campaign *m = &r->m;
	char hex[65], counts[192];

	fputs("CAMPAIGN REPORT\n", r->out);
	if (!campaign_over(m))
		fputs("not final: the campaign goes on while this is "
		    "written\n", r->out);
	campaign_facts(r->out, m);
	plan_line(r);
	render_line(r->out, "manifest", text_hex(slice_of(r->rel.digest, 32),
	    hex, sizeof(hex)));
	render_line(r->out, "author", r->rel.author);
	render_line(r->out, "version", r->rel.label);
	render_line(r->out, "gate", m->gate);
	campaign_rests(r->out, m);
	render_line(r->out, "jobs", render_counts(counts, sizeof(counts),
	    &m->counts));
	render_linef(r->out, "attempts", "%" PRIu64, m->attempts);
}

static void
put_outcome(struct report *r)
{
	const struct msg_campaign *m = &r->m;

	fputs("\nPLAN\n", r->out);
	campaign_plan(r->out, m);
	fputs("\nWAVES\n", r->out);
	put_waves(r);
	fputs("\nFAILURES\n", r->out);
	campaign_failures(r->out, m, MSG_REASONS);
}

/* --- events --- */

static int
each_event(void *arg, const void *item)
{
	struct report *r = arg;
	const struct msg_event *e = item;
	char at[32], line[400], shown[4 * sizeof(line)];

	if (r->json) {
		json_item(&r->list, e);
		return CLI_OK;
	}
	/* no table: nothing of what was done is cut */
	snprintf(line, sizeof(line), "%s %s%s%s%s%s", e->kind, e->what,
	    e->ep[0] != '\0' ? " " : "", e->ep, e->detail[0] != '\0' ?
	    ": " : "", e->detail);
	fprintf(r->out, "%s  %s\n", render_time(at, sizeof(at), e->at),
	    text_escape(slice_str(line), shown, sizeof(shown)));
	return CLI_OK;
}

/* Of single jobs there is the outcome; of the campaign every step. What an
 * operator did to a job counts as such. */
static int
put_events(struct report *r)
{
	struct client_req rq = {.method = CLIENT_GET};
	int rc;

	client_path(&rq, "a", "events", NULL);
	client_query(&rq, "campaign=%" PRIu64, r->m.id);
	client_query(&rq, "kind=campaign,admin,release");
	client_query(&rq, "limit=%d", LIMIT_PAGE);
	json_begin(&r->list, r->out, &msg_event);
	rc = client_list(r->client, &rq, &msg_event, each_event, r);
	if (rc == CLI_OK && r->json)
		json_end(&r->list);
	return rc;
}

/* --- devices --- */

static bool
is_final(const struct msg_job *j)
{
	static const char *const final[] = {"done", "failed", "cancelled",
	    "superseded"};

	for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++)
		if (strcmp(j->state, final[i]) == 0)
			return true;
	return false;
}

static int
each_job(void *arg, const void *item)
{
	struct report *r = arg;
	const struct msg_job *j = item;
	char at[32];

	if (r->json) {
		json_item(&r->list, j);
		return CLI_OK;
	}
	table_cell(&r->table, j->ep);
	table_printf(&r->table, "%u", j->wave);
	table_cell(&r->table, j->state);
	table_printf(&r->table, "%u", j->attempt);
	table_printf(&r->table, "L%u", j->grade);
	table_cell(&r->table, is_final(j) ? render_time(at, sizeof(at),
	    j->updated) : "");
	table_cell(&r->table, j->text[0] != '\0' ? j->text : j->reason);
	return CLI_OK;
}

static int
put_jobs(struct report *r)
{
	static const char *const head[] = {"EP", "WAVE", "STATE", "ATTEMPTS",
	    "GRADE", "FINISHED (UTC)", "REASON"};
	struct client_req rq = {.method = CLIENT_GET};
	char number[24];
	int rc;

	snprintf(number, sizeof(number), "%" PRIu64, r->m.id);
	client_path(&rq, "a", "campaigns", number, "jobs", NULL);
	client_query(&rq, "limit=%d", LIMIT_PAGE);
	table_begin(&r->table, r->out, head, 7);
	json_begin(&r->list, r->out, &msg_job);
	rc = client_list(r->client, &rq, &msg_job, each_job, r);
	if (rc == CLI_OK && r->json)
		json_end(&r->list);
	else if (rc == CLI_OK)
		table_end(&r->table);
	return rc;
}

/* --- the whole --- */

static int
put_text(struct report *r)
{
	int rc;

	put_facts(r);
	rc = put_rules(r);
	if (rc != CLI_OK)
		return rc;
	put_outcome(r);
	fputs("\nSTEPS\n", r->out);
	rc = put_events(r);
	if (rc != CLI_OK)
		return rc;
	fputs("\nDEVICES\n", r->out);
	return put_jobs(r);
}

static int
put_json(struct report *r)
{
	int rc;

	fputs("{\n\"campaign\":", r->out);
	json_print(r->out, &msg_campaign, &r->m);
	rc = put_rules(r);
	if (rc != CLI_OK)
		return rc;
	fputs(",\"release\":", r->out);
	json_print(r->out, &msg_release, &r->rel);
	fputs(",\"events\":", r->out);
	rc = put_events(r);
	if (rc != CLI_OK)
		return rc;
	fputs(",\"jobs\":", r->out);
	rc = put_jobs(r);
	fputs(",\n", r->out);
	return rc;
}

static int
get_release(struct report *r)
{
	struct client_req rq = {.method = CLIENT_GET};
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, r->m.release);
	client_path(&rq, "a", "releases", number, NULL);
	return client_get(r->client, &rq, &msg_release, &r->rel);
}

static int
run(struct report *r, const char *id)
{
	int rc = campaign_get(r->client, id, &r->m);

	if (rc == CLI_OK)
		rc = get_release(r);
	if (rc == CLI_OK)
		rc = open_out(r);
	if (rc == CLI_OK)
		rc = r->json ? put_json(r) : put_text(r);
	return close_out(r, rc);
}

int
cmd_campaign_report(struct cli *c, int argc, char **argv)
{
	static struct report r;
	bool text = false;
	const struct cli_opt opts[] = {
		{.name = "--text", .flag = &text},
		{.name = NULL},
	};
	int rc;

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if (text && c->json)
		return cli_usage("--text or --json, not both");
	memset(&r, 0, sizeof(r));
	r.json = c->json;
	rc = client_open(c, &r.client);
	if (rc != CLI_OK)
		return rc;
	rc = run(&r, argv[0]);
	client_close(r.client);
	return rc;
}
