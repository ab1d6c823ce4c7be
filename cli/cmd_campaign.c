/* campaign, job: bringing devices to a release */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/online.h"
#include "cli/args.h"
#include "cli/list.h"
#include "cli/render.h"

#define JOBS_SHOWN 20

static const struct cli_opt no_opts[] = {{.name = NULL}};

struct jobs {
	struct table table;
	int64_t now;
	bool all; /* the done ones, too */
	size_t shown;
};

static void
campaign_row(struct table *t, int64_t now, const void *item)
{
	const struct msg_campaign *m = item;
	char text[128];

	table_printf(t, "%" PRIu64, m->id);
	table_cell(t, m->name);
	table_cell(t, m->state);
	table_printf(t, "%" PRIu64, m->release);
	table_cell(t, render_age(text, sizeof(text), now, m->created));
	table_cell(t, render_counts(text, sizeof(text), &m->counts));
}

int
cmd_campaign_list(struct cli *c, int argc, char **argv)
{
	static const char *const head[] = {"ID", "NAME", "STATE", "RELEASE",
	    "STARTED", "JOBS"};
	static struct list l = {.rec = &msg_campaign, .head = head, .cols = 6,
	    .row = campaign_row, .rq = {.path = "a/campaigns"}};
	const struct cli_opt opts[] = {LIST_OPTS(&l), {.name = NULL}};

	l.cli = c;
	return cli_opts(opts, argc, argv, 0, 0) < 0 ? CLI_USAGE :
	    list_run(&l);
}

static void
show_campaign(const struct msg_campaign *m)
{
	const struct msg_counts *n = &m->counts;
	char text[160], bar[64];

	if (m->id != 0)
		render_linef(stdout, "campaign", "%" PRIu64 " %s, %s", m->id,
		    m->name, m->state);
	render_linef(stdout, "release", "%" PRIu64, m->release);
	render_line(stdout, "devices", m->select);
	if (m->id != 0)
		render_linef(stdout, "at a time", "%u", m->concurrency);
	if (m->id != 0)
		render_linef(stdout, "jobs", "%s %s", render_bar(bar,
		    sizeof(bar), 30, n->done, render_total(n)),
		    render_counts(text, sizeof(text), n));
	if (n->failed > 0)
		render_linef(stdout, "failed", "%" PRIu64 " transport, %"
		    PRIu64 " integrity, %" PRIu64 " policy, %" PRIu64
		    " execution", n->transport, n->integrity, n->policy,
		    n->execution);
}

static int
parse_start(struct msg_campaign_start *m, int argc, char **argv)
{
	const char *class = NULL, *tag = NULL, *conc = NULL, *name = NULL;
	const char *ep[MSG_EPS];
	const struct cli_opt opts[] = {
		{.name = "--class", .value = &class},
		{.name = "--tag", .value = &tag},
		{.name = "--device", .list = ep, .count = &m->ep_count,
		    .cap = MSG_EPS},
		{.name = "--concurrency", .value = &conc},
		{.name = "--name", .value = &name},
		{.name = "--dry-run", .flag = &m->dry_run},
		{.name = NULL},
	};
	size_t n = 0;
	uint64_t u = 0;

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if (conc != NULL && (cli_number("--concurrency", conc, &u) < 0 ||
	    u == 0 || u > 1000000))
		return cli_usage("--concurrency: 1 to 1000000");
	m->concurrency = (uint32_t)u;
	n = tag != NULL ? strcspn(tag, "=") : 0;
	if (!slice_to_cstr(slice_str(argv[0]), m->release,
	    sizeof(m->release)) ||
	    !slice_to_cstr(slice_str(class), m->class_name,
	    sizeof(m->class_name)) ||
	    !slice_to_cstr(slice_str(name), m->name, sizeof(m->name)) ||
	    !slice_to_cstr(slice_of(tag, n), m->tag, sizeof(m->tag)) ||
	    (tag != NULL && tag[n] == '=' &&
	    !slice_to_cstr(slice_str(tag + n + 1), m->value,
	    sizeof(m->value))))
		return cli_usage("campaign start: an argument is too long");
	for (size_t i = 0; i < m->ep_count; i++)
		if (!slice_to_cstr(slice_str(ep[i]), m->ep[i],
		    sizeof(m->ep[i])))
			return cli_usage("--device %s: too long", ep[i]);
	return CLI_OK;
}

static void
show_selection(const struct msg_campaign *m)
{
	const struct msg_selection *s = &m->selection;
	const struct {
		uint64_t n;
		const char *why;
	} left[] = {
		{s->there, "run it already"},
		{s->newer, "run something newer"},
		{s->busy, "are being updated to this or a newer release"},
		{s->other_class, "are of another class"},
		{s->unknown, "are not known"},
	};

	show_campaign(m);
	render_linef(stdout, "selected", "%" PRIu64 " devices, %" PRIu64
	    " will be updated", s->selected, s->jobs);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++)
		if (left[i].n > 0)
			render_linef(stdout, "left out", "%" PRIu64 " %s",
			    left[i].n, left[i].why);
	if (s->superseded > 0)
		render_linef(stdout, "superseded", "%" PRIu64 " older jobs",
		    s->superseded);
	if (m->id != 0)
		printf("follow it: suitctl campaign watch %" PRIu64 "\n",
		    m->id);
	else
		puts("dry run: nothing was started");
}

/* One request that is answered with a campaign. */
static int
ask(struct cli *c, const struct client_req *rq,
    void (*show)(const struct msg_campaign *m))
{
	struct msg_campaign m;
	struct client *cl;
	int rc = client_open(c, &cl);

	if (rc != CLI_OK)
		return rc;
	rc = client_get(cl, rq, &msg_campaign, &m);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_campaign, &m);
	else if (rc == CLI_OK)
		show(&m);
	client_close(cl);
	return rc;
}

int
cmd_campaign_start(struct cli *c, int argc, char **argv)
{
	static struct msg_campaign_start in;
	static uint8_t wire[LIMIT_BODY_MEM];
	struct buf body = buf_of(wire, sizeof(wire));
	struct client_req rq = {.method = CLIENT_POST, .body_cbor = true,
	    .path = "a/campaigns"};
	int rc = parse_start(&in, argc, argv);

	if (rc != CLI_OK)
		return rc;
	msg_put_cbor(&msg_campaign_start, &in, &body);
	if (body.over)
		return cli_usage("too many --device; tag them instead");
	rq.body = buf_slice(&body);
	return ask(c, &rq, show_selection);
}

static int
each_job(void *arg, const void *item)
{
	struct jobs *l = arg;
	const struct msg_job *j = item;
	char text[128];

	if (!l->all && (strcmp(j->state, "done") == 0 ||
	    l->shown == JOBS_SHOWN))
		return CLI_OK;
	l->shown++;
	table_printf(&l->table, "%" PRIu64, j->id);
	table_cell(&l->table, j->ep);
	if (j->total > 0 && strcmp(j->state, "fetching") == 0)
		table_printf(&l->table, "%s %u%%", j->state,
		    (unsigned)(100.0 * (double)j->done / (double)j->total));
	else
		table_cell(&l->table, j->state);
	table_printf(&l->table, "%u", j->attempt);
	table_cell(&l->table, render_age(text, sizeof(text), l->now,
	    j->updated));
	table_cell(&l->table, render_age(text, sizeof(text), l->now,
	    j->due));
	table_cell(&l->table, j->text);
	return CLI_OK;
}

static int
show_jobs(struct client *cl, const char *id, struct jobs *l)
{
	static const char *const head[] = {"JOB", "EP", "STATE", "ATTEMPT",
	    "SINCE", "DUE", "REASON"};
	struct client_req rq = {.method = CLIENT_GET};
	int rc;

	client_path(&rq, "a", "campaigns", id, "jobs", NULL);
	client_query(&rq, "limit=%d", LIMIT_PAGE);
	table_begin(&l->table, stdout, head, 7);
	rc = client_list(cl, &rq, &msg_job, each_job, l);
	if (rc == CLI_OK && l->shown > 0)
		table_end(&l->table);
	if (rc == CLI_OK && !l->all && l->shown == JOBS_SHOWN)
		puts("--jobs shows them all");
	return rc;
}

int
cmd_campaign_show(struct cli *c, int argc, char **argv)
{
	static struct jobs l;
	const struct cli_opt opts[] = {
		{.name = "--jobs", .flag = &l.all},
		{.name = NULL},
	};
	struct client_req rq = {.method = CLIENT_GET};
	struct msg_campaign m;
	struct client *cl;
	int rc;

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "campaigns", argv[0], NULL);
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	l.now = render_now();
	rc = client_get(cl, &rq, &msg_campaign, &m);
	if (rc == CLI_OK && c->json) {
		json_print(stdout, &msg_campaign, &m);
	} else if (rc == CLI_OK) {
		show_campaign(&m);
		rc = show_jobs(cl, argv[0], &l);
	}
	client_close(cl);
	return rc;
}

static int
act(struct cli *c, int argc, char **argv, const char *action)
{
	struct client_req rq = {.method = CLIENT_POST};

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "campaigns", argv[0], action, NULL);
	return ask(c, &rq, show_campaign);
}

int
cmd_campaign_pause(struct cli *c, int argc, char **argv)
{
	return act(c, argc, argv, "pause");
}

int
cmd_campaign_resume(struct cli *c, int argc, char **argv)
{
	return act(c, argc, argv, "resume");
}

int
cmd_campaign_abort(struct cli *c, int argc, char **argv)
{
	return act(c, argc, argv, "abort");
}

int
cmd_job_retry(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_POST};
	struct msg_job j;
	struct client *cl;
	int rc;

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "jobs", argv[0], "retry", NULL);
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = client_get(cl, &rq, &msg_job, &j);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_job, &j);
	else if (rc == CLI_OK)
		render_linef(stdout, "job", "%" PRIu64 " of %s is %s", j.id,
		    j.ep, j.state);
	client_close(cl);
	return rc;
}

/* --- watch --- */

struct watch {
	struct cli *cli;
	char last[256]; /* the line that was shown last */
};

static int
on_campaign(void *arg, const struct client_answer *a)
{
	struct watch *w = arg;
	struct msg_campaign m;
	struct why why = {0};
	char bar[64], counts[128], line[256];
	bool over;

	if (msg_get(&msg_campaign, a->body, &m, &why) != 0)
		return cli_usage("the daemon's answer is not understood: %s",
		    why.text), CLI_REFUSED;
	over = strcmp(m.state, "finished") == 0 ||
	    strcmp(m.state, "aborted") == 0;
	snprintf(line, sizeof(line), "campaign %" PRIu64 " %.12s %s %s",
	    m.id, m.state, render_bar(bar, sizeof(bar), 30, m.counts.done,
	    render_total(&m.counts)), render_counts(counts, sizeof(counts),
	    &m.counts));
	if (w->cli->json)
		json_print(stdout, &msg_campaign, &m);
	else if (w->cli->tty)
		printf("\r\033[K%s%s", line, over ? "\n" : "");
	else if (strcmp(line, w->last) != 0)
		puts(line);
	strcpy(w->last, line);
	fflush(stdout);
	if (!over)
		return CLI_OK;
	return m.counts.failed > 0 || strcmp(m.state, "finished") != 0 ?
	    CLI_REFUSED : -1;
}

int
cmd_campaign_watch(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_GET};
	struct watch w = {.cli = c};
	struct client *cl;
	int rc;

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "campaigns", argv[0], NULL);
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = client_observe(cl, &rq, on_campaign, &w);
	client_close(cl);
	return rc;
}
