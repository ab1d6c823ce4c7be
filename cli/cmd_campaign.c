/* campaign, job: what there is, and an operator's word about it */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/campaign.h"
#include "cli/online.h"
#include "cli/args.h"
#include "cli/list.h"
#include "lib/text.h"

static const struct cli_opt no_opts[] = {{.name = NULL}};

static void
campaign_row(struct table *t, int64_t now, const void *item)
{
	const struct msg_campaign *m = item;
	char text[192];

	table_printf(t, "%" PRIu64, m->id);
	table_cell(t, m->name);
	table_cell(t, m->state);
	table_printf(t, "%" PRIu64, m->release);
	if (m->wave_count > 0)
		table_printf(t, "%u/%zu", m->wave, m->wave_count);
	else
		table_cell(t, "");
	table_cell(t, render_age(text, sizeof(text), now, m->created));
	table_cell(t, campaign_digest(m, text));
	table_cell(t, m->cause[0] != '\0' ? m->cause : m->work[0] != '\0' ?
	    m->work : strcmp(m->state, "draft") != 0 ? render_counts(text,
	    sizeof(text), &m->counts) : m->needs_approval &&
	    m->approved[0] == '\0' ? "a second person has to approve it" : "");
}

int
cmd_campaign_list(struct cli *c, int argc, char **argv)
{
	static const char *const head[] = {"ID", "NAME", "STATE", "RELEASE",
	    "WAVE", "AGE", "PLAN", "JOBS"};
	static struct list l = {.rec = &msg_campaign, .head = head, .cols = 8,
	    .row = campaign_row, .rq = {.path = "a/campaigns"}};
	const struct cli_opt opts[] = {LIST_OPTS(&l), {.name = NULL}};

	l.cli = c;
	return cli_opts(opts, argc, argv, 0, 0) < 0 ? CLI_USAGE :
	    list_run(&l);
}

/* --- show --- */

struct show {
	bool jobs, plan;
};

/* The campaign; with options one document that has the lists, too. */
static int
show_json(struct client *cl, const struct msg_campaign *m,
    const struct show *s)
{
	int rc = CLI_OK;

	if (!s->jobs && !s->plan) {
		json_print(stdout, &msg_campaign, m);
		return CLI_OK;
	}
	fputs("{\"campaign\":", stdout);
	json_print(stdout, &msg_campaign, m);
	if (s->plan) {
		fputs(",\"devices\":", stdout);
		rc = campaign_list_plan(cl, m->id, stdout, true);
	}
	if (rc == CLI_OK && s->jobs) {
		fputs(",\"jobs\":", stdout);
		rc = campaign_list_jobs(cl, m->id, stdout, true);
	}
	fputs("}\n", stdout);
	return rc;
}

static int
show_notable(struct client *cl, const struct msg_campaign *m, int64_t now)
{
	static const char *const kind[][2] = {
		{"slow", "slowest"},
		{"stuck", "stuck"},
	};
	struct notable n;
	int rc = CLI_OK;

	for (size_t i = 0; i < 2 && rc == CLI_OK; i++) {
		rc = campaign_get_notable(cl, m->id, kind[i][0], &n);
		if (rc == CLI_OK)
			campaign_notable(stdout, kind[i][1], &n, now);
	}
	return rc;
}

static int
show_text(struct client *cl, const struct msg_campaign *m,
    const struct show *s)
{
	int64_t now = render_now();
	int rc = CLI_OK;

	campaign_show(stdout, m, now);
	if (strcmp(m->state, "draft") == 0)
		campaign_next(stdout, m);
	else if (!campaign_over(m))
		rc = show_notable(cl, m, now);
	if (rc == CLI_OK && s->plan)
		rc = campaign_list_plan(cl, m->id, stdout, false);
	if (rc == CLI_OK && s->jobs)
		rc = campaign_list_jobs(cl, m->id, stdout, false);
	return rc;
}

int
cmd_campaign_show(struct cli *c, int argc, char **argv)
{
	struct show s = {false, false};
	const struct cli_opt opts[] = {
		{.name = "--jobs", .flag = &s.jobs},
		{.name = "--plan", .flag = &s.plan},
		{.name = NULL},
	};
	struct msg_campaign m;
	struct client *cl;
	int rc;

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = campaign_get(cl, argv[0], &m);
	/* before anything is printed: half a document is none */
	if (rc == CLI_OK && s.plan && m.started != 0) {
		cli_usage("campaign %" PRIu64 " was started, its plan is "
		    "gone: --jobs has every device that it updates", m.id);
		rc = CLI_REFUSED;
	}
	if (rc == CLI_OK)
		rc = c->json ? show_json(cl, &m, &s) :
		    show_text(cl, &m, &s);
	client_close(cl);
	return rc;
}

/* --- actions --- */

struct act {
	const char *id, *action;
	struct msg_campaign_action in;
	bool ask; /* "are you sure?" */
	bool follow; /* show what comes instead, too */
};

/* No terminal, no answer: then --yes is the only one. */
static int
confirm(const struct msg_campaign *m)
{
	char name[4 * LIMIT_KEY_NAME + 1], answer[16];

	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return cli_usage("--hard cancels running installs and "
		    "withdraws the release: add --yes");
	text_escape(slice_str(m->name), name, sizeof(name));
	fprintf(stderr, "Campaign %" PRIu64 " %s: %" PRIu64 " devices are "
	    "in an attempt. Cancel them, too, and\nwithdraw release %" PRIu64
	    "? Type yes: ", m->id, name, m->counts.active, m->release);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    strcmp(answer, "yes\n") == 0)
		return CLI_OK;
	return cli_usage("nothing was done"), CLI_REFUSED;
}

/* Says it about what was seen: the open wave, and the campaign's number. */
static int
send_act(struct client *cl, struct act *a, struct msg_campaign *m)
{
	uint8_t wire[256];
	struct buf body = buf_of(wire, sizeof(wire));
	struct client_req rq = {.method = CLIENT_POST, .body_cbor = true};
	int rc = CLI_OK;

	if (a->ask || a->in.expect_wave)
		rc = campaign_get(cl, a->id, m);
	if (rc == CLI_OK && a->ask)
		rc = confirm(m);
	if (rc != CLI_OK)
		return rc;
	if (a->in.expect_wave)
		a->in.wave = m->wave;
	msg_put_cbor(&msg_campaign_action, &a->in, &body);
	rq.body = buf_slice(&body);
	client_path(&rq, "a", "campaigns", a->id, a->action, NULL);
	return client_get(cl, &rq, &msg_campaign, m);
}

/* The way back goes on, or waits for a second person's word. */
static int
follow(struct client *cl, const struct cli *c, const struct msg_campaign *m)
{
	static struct msg_campaign next;
	char number[24];
	int rc;

	snprintf(number, sizeof(number), "%" PRIu64, m->follower);
	rc = campaign_get(cl, number, &next);
	if (rc == CLI_OK)
		rc = campaign_wait(cl, c, &next);
	if (rc != CLI_OK)
		return rc;
	if (strcmp(next.state, "draft") != 0) {
		campaign_next(stdout, m);
		return CLI_OK;
	}
	printf("\n");
	campaign_show(stdout, &next, render_now());
	campaign_next(stdout, &next);
	return CLI_OK;
}

static int
act(struct cli *c, struct act *a)
{
	struct msg_campaign m;
	struct client *cl;
	int rc = client_open(c, &cl);

	if (rc != CLI_OK)
		return rc;
	rc = send_act(cl, a, &m);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_campaign, &m);
	else if (rc == CLI_OK)
		campaign_show(stdout, &m, render_now());
	if (rc == CLI_OK && !c->json && a->follow)
		rc = follow(cl, c, &m);
	else if (rc == CLI_OK && !c->json && !campaign_over(&m))
		campaign_next(stdout, &m);
	client_close(cl);
	return rc;
}

static int
plain_act(struct cli *c, int argc, char **argv, struct act *a)
{
	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	a->id = argv[0];
	return act(c, a);
}

int
cmd_campaign_pause(struct cli *c, int argc, char **argv)
{
	return plain_act(c, argc, argv, &(struct act){.action = "pause"});
}

int
cmd_campaign_resume(struct cli *c, int argc, char **argv)
{
	return plain_act(c, argc, argv, &(struct act){.action = "resume"});
}

int
cmd_campaign_next(struct cli *c, int argc, char **argv)
{
	return plain_act(c, argc, argv, &(struct act){.action = "next",
	    .in = {.expect_wave = true}});
}

int
cmd_campaign_abort(struct cli *c, int argc, char **argv)
{
	struct act a = {.action = "abort"};
	bool yes = false;
	const struct cli_opt opts[] = {
		{.name = "--hard", .flag = &a.in.hard},
		{.name = "--yes", .flag = &yes},
		{.name = NULL},
	};

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	a.id = argv[0];
	a.ask = a.in.hard && !yes;
	return act(c, &a);
}

int
cmd_campaign_rollback(struct cli *c, int argc, char **argv)
{
	struct act a = {.action = "rollback", .follow = true};

	if (cli_opts(no_opts, argc, argv, 2, 2) < 0)
		return CLI_USAGE;
	if (!slice_to_cstr(slice_str(argv[1]), a.in.release,
	    sizeof(a.in.release)))
		return cli_usage("RELEASE is its number or the first digits "
		    "of its digest");
	a.id = argv[0];
	return act(c, &a);
}

/* --- job retry --- */

static int
retry(struct client *cl, const char *id, struct client_answer *a)
{
	struct client_req rq = {.method = CLIENT_POST};

	client_path(&rq, "a", "jobs", id, "retry", NULL);
	return client_try(cl, &rq, a);
}

/* The device's live job, else its last one. */
static int
retry_of_device(struct client *cl, const char *ep, struct client_answer *a)
{
	static struct msg_device d;
	struct client_req rq = {.method = CLIENT_GET};
	char number[24];
	int rc;

	client_path(&rq, "a", "devices", ep, NULL);
	rc = client_get(cl, &rq, &msg_device, &d);
	if (rc != CLI_OK)
		return rc;
	if (!d.have_job)
		return cli_usage("the device has no job; `suitctl campaign "
		    "plan RELEASE --device EP` would make one"), CLI_REFUSED;
	snprintf(number, sizeof(number), "%" PRIu64, d.job.id);
	client_path(&rq, "a", "jobs", number, "retry", NULL);
	rq.method = CLIENT_POST;
	return client_call(cl, &rq, a);
}

/* A number is a job, or else a device may be called so. */
static int
retry_any(struct client *cl, const char *what, struct msg_job *ret)
{
	struct client_answer a = {.code = 404};
	struct why why = {0};
	uint64_t id;
	int rc = CLI_OK;

	if (text_u64(slice_str(what), &id) == 0)
		rc = retry(cl, what, &a);
	if (rc == CLI_OK && a.code == 404)
		rc = retry_of_device(cl, what, &a);
	if (rc != CLI_OK)
		return rc;
	if (!a.cbor || msg_get(&msg_job, a.body, ret, &why) != 0)
		return cli_usage("the daemon's answer is not understood: %s",
		    a.cbor ? why.text : "not CBOR"), CLI_REFUSED;
	return CLI_OK;
}

int
cmd_job_retry(struct cli *c, int argc, char **argv)
{
	struct msg_job j;
	struct client *cl;
	int rc;

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = retry_any(cl, argv[0], &j);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_job, &j);
	else if (rc == CLI_OK)
		render_linef(stdout, "job", "%" PRIu64 " of %s is %s", j.id,
		    j.ep, j.state);
	client_close(cl);
	return rc;
}
