/*
 * device explain: the one cause, what comes next and when, what to do; then
 * what has happened, the latest last. suitctl only asks and shows: which
 * cause it is, the daemon knows.
 */
#include <inttypes.h>
#include <stdio.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/device.h"
#include "cli/online.h"
#include "cli/render.h"

#define HISTORY 12 /* events that are shown */

struct history {
	size_t n;
	struct msg_event event[HISTORY];
};

static int
keep_event(void *arg, const void *item)
{
	struct history *h = arg;

	if (h->n < HISTORY)
		h->event[h->n++] = *(const struct msg_event *)item;
	return CLI_OK;
}

static void
show_history(const struct history *h, int64_t now)
{
	static const char *const head[] = {"AGO", "WHAT", "GRADE", "DETAIL"};
	static struct table t;
	char text[32];

	if (h->n == 0)
		return;
	puts("history:");
	table_begin(&t, stdout, head, 4);
	for (size_t i = h->n; i > 0; i--) {
		const struct msg_event *e = &h->event[i - 1];

		table_cell(&t, render_age(text, sizeof(text), now, e->at));
		table_cell(&t, e->what);
		table_printf(&t, "L%" PRIu32, e->grade);
		table_cell(&t, e->detail[0] ? e->detail : "-");
	}
	table_end(&t);
}

static void
show_explain(const struct msg_explain *m, int64_t now)
{
	char at[32], in[32];

	render_line(stdout, "device", m->ep);
	render_line(stdout, "runs", m->runs[0] ? m->runs : "unknown");
	render_line(stdout, "offered", m->offered[0] ? m->offered : "nothing");
	render_linef(stdout, "because", "%s (%s)", m->cause, m->hold);
	render_line(stdout, "next", m->next);
	if (m->until > now)
		render_linef(stdout, "when", "%s UTC (%s)", render_time(at,
		    sizeof(at), m->until), render_age(in, sizeof(in), now,
		    m->until));
	render_line(stdout, "to do", m->advice);
	render_line(stdout, "but", m->note);
	if (m->have_job)
		device_show_job(&m->job, now);
}

int
cmd_device_explain(struct cli *c, int argc, char **argv)
{
	static const struct cli_opt no_opts[] = {{.name = NULL}};
	struct client_req rq = {.method = CLIENT_GET};
	struct client_req log = {.method = CLIENT_GET, .one_page = true};
	static struct msg_explain m;
	static struct history h;
	struct client *cl;
	int rc;

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "devices", argv[0], "explain", NULL);
	client_path(&log, "a", "devices", argv[0], "events", NULL);
	client_query(&log, "newest=1");
	client_query(&log, "limit=%d", HISTORY);
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = client_get(cl, &rq, &msg_explain, &m);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_explain, &m);
	else if (rc == CLI_OK)
		rc = client_list(cl, &log, &msg_event, keep_event, &h);
	client_close(cl);
	if (rc != CLI_OK || c->json)
		return rc;
	show_explain(&m, render_now());
	show_history(&h, render_now());
	return CLI_OK;
}
