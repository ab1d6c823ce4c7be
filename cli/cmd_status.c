/* status, events */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/online.h"
#include "cli/args.h"
#include "cli/render.h"
#include "lib/text.h"

static const struct cli_opt no_opts[] = {{.name = NULL}};

static int
get_status(struct client *cl, struct msg_status *ret)
{
	struct client_req rq = {.method = CLIENT_GET, .path = "a/status"};

	return client_get(cl, &rq, &msg_status, ret);
}

/* An older suitd says nothing of it. */
static void
show_lag(const struct msg_status *m)
{
	if (m->lag_turns == 0)
		return;
	render_linef(stdout, "turns", "half within %.1f ms, 99 %% within "
	    "%.1f ms, longest %.1f ms (last minute %.1f ms), %" PRIu64
	    " over 100 ms", (double)m->lag_p50_us / 1e3,
	    (double)m->lag_p99_us / 1e3, (double)m->lag_max_us / 1e3,
	    (double)m->lag_recent_us / 1e3, m->lag_over);
}

/* Without workers the main loop serves images like all else. */
static void
show_images(const struct msg_status *m)
{
	if (m->image_workers == 0)
		return;
	render_linef(stdout, "images", "%" PRIu64 " workers, %" PRIu64
	    " images mapped, %" PRIu64 " requests left to the main loop, %"
	    PRIu64 " dropped", m->image_workers, m->images_mapped,
	    m->image_slow, m->image_dropped);
	render_linef(stdout, "peers", "%" PRIu64 " downloads noted, %" PRIu64
	    " forgotten for newer ones", m->image_peers, m->image_evicted);
}

/* An older suitd says nothing of it, and one that runs as ever need not. */
static void
show_life(const struct msg_status *m)
{
	char t[64];

	if (m->reloaded != 0)
		render_linef(stdout, m->reload_failed ? "NOT RELOADED" :
		    "reloaded", "%s ago: %s", render_age(t, sizeof(t), m->now,
		    m->reloaded), m->reload);
	if (strcmp(m->state, "draining") == 0)
		render_linef(stdout, "DRAINING", "it is about to stop: "
		    "downloads that run go on, nothing new begins");
}

/* A month before the end is time enough for a new one. */
static void
show_cert(const struct msg_status *m)
{
	const int64_t day = 86400 * INT64_C(1000);
	char t[64];

	if (m->clients[0] != '\0')
		render_line(stdout, m->clients_late ? "OVERDUE" : "clients",
		    m->clients);
	if (m->tls_until == 0)
		return;
	if (m->tls_until <= m->now)
		render_linef(stdout, "EXPIRED", "the certificate of coaps, "
		    "since %s", render_age(t, sizeof(t), m->now,
		    m->tls_until));
	else
		render_linef(stdout, "certificate", "of coaps: %" PRId64
		    " days left%s", (m->tls_until - m->now) / day,
		    m->tls_until - m->now < 30 * day ? ", renew it" : "");
}

static void
show_trust(const struct msg_status *m)
{
	if (m->trust == 0)
		render_line(stdout, "trust list", "none: authors are those of "
		    "suitctl author");
	else if (m->trust_refused == 0)
		render_linef(stdout, "trust list", "number %" PRIu64, m->trust);
	else
		render_linef(stdout, "trust list", "number %" PRIu64 ", %" PRIu64
		    " releases are not served because of it", m->trust,
		    m->trust_refused);
}

static const char *
or_off(const char *address)
{
	return address[0] != '\0' ? address : "off";
}

/* What stands, what waits for the daemon, and what waits for its time. */
static void
show_work(const struct msg_status *m)
{
	char t[64], paused[48] = "", since[80] = "";

	if (m->campaigns_paused > 0)
		snprintf(paused, sizeof(paused), ", %" PRIu64 " paused",
		    m->campaigns_paused);
	render_linef(stdout, "campaigns", "%" PRIu64 " (%" PRIu64 " running%s)",
	    m->campaigns, m->campaigns_running, paused);
	render_linef(stdout, "jobs", "%" PRIu64 " (%" PRIu64 " live, %" PRIu64
	    " failed)", m->jobs, m->jobs_live, m->jobs_failed);
	render_linef(stdout, "done", "L2 %" PRIu64 " (signed), L1 %" PRIu64
	    " (over their keys), L0 %" PRIu64 " (anybody's word)", m->done.l2,
	    m->done.l1, m->done.l0);
	render_linef(stdout, "downloads", "%" PRIu64 " in sight, %" PRIu64
	    " of %" PRIu64 " slots taken", m->downloads, m->slots,
	    m->slots_limit);
	if (m->oldest_due != 0)
		snprintf(since, sizeof(since), ", the oldest for %s",
		    render_age(t, sizeof(t), m->now, m->oldest_due));
	render_linef(stdout, "queue", "%" PRIu64 " due%s, %" PRIu64
	    " rest after a failure", m->due, since, m->backoff);
}

static void
show_disk(const struct msg_status *m)
{
	char db[64], images[64], limit[64], left[64], size[64];

	render_linef(stdout, "disk", "database %s, %" PRIu64 " images %s of "
	    "%s, free %s of %s",
	    render_bytes(db, sizeof(db), m->database_bytes), m->images,
	    render_bytes(images, sizeof(images), m->image_bytes),
	    render_bytes(limit, sizeof(limit), m->image_bytes_limit),
	    render_bytes(left, sizeof(left), m->disk_free),
	    render_bytes(size, sizeof(size), m->disk_size));
}

static void
show_status(const struct client *cl, const struct msg_status *m)
{
	char t[64], when[32];

	render_linef(stdout, "suitd", "%s at %s, up %s", m->version,
	    client_uri(cl), render_age(t, sizeof(t), m->now, m->started));
	render_linef(stdout, "listens", "coap %s, coaps %s, tcp %s, tls %s, "
	    "oscore %s, admin %s, http %s", or_off(m->coap),
	    or_off(m->coaps), or_off(m->tcp), or_off(m->coaps_tcp),
	    or_off(m->oscore),
	    or_off(m->admin), or_off(m->http));
	render_line(stdout, "library", m->features);
	render_linef(stdout, "devices", "%" PRIu64, m->devices);
	render_linef(stdout, "releases", "%" PRIu64, m->releases);
	show_work(m);
	render_linef(stdout, "traffic", "%" PRIu64 " requests, %" PRIu64
	    " blocks, %" PRIu64 " pushes, %" PRIu64 " answers 4.xx or 5.xx",
	    m->requests, m->blocks, m->pushes, m->errors);
	show_images(m);
	render_linef(stdout, "now", "%" PRIu64 " sessions, %" PRIu64
	    " observers", m->sessions, m->observers);
	render_linef(stdout, "store", "%" PRIu64 " events, %" PRIu64
	    " commits, %" PRIu64 " failed", m->events, m->commits,
	    m->commits_failed);
	show_disk(m);
	show_lag(m);
	if (m->backup != 0)
		render_linef(stdout, "backup", "the last one is of %s UTC, %s "
		    "ago", render_time(when, sizeof(when), m->backup),
		    render_age(t, sizeof(t), m->now, m->backup));
	if (m->restored != 0)
		render_linef(stdout, "restored", "%s ago, from the backup of "
		    "%s UTC", render_age(t, sizeof(t), m->now, m->restored),
		    render_time(when, sizeof(when), m->restored_from));
	if (m->ahead > 0)
		render_linef(stdout, "ahead", "%" PRIu64 " devices run newer "
		    "than this server knows; publish or restore a newer "
		    "backup", m->ahead);
	if (m->twins > 0)
		render_linef(stdout, "twins", "%" PRIu64 " credentials are "
		    "used by two devices; suitctl device list --where twin",
		    m->twins);
	show_cert(m);
	show_trust(m);
	show_life(m);
	if (m->degraded)
		render_linef(stdout, "DEGRADED", "%s", m->why);
}

int
cmd_status(struct cli *c, int argc, char **argv)
{
	struct client *cl;
	struct msg_status m;
	int rc;

	if (cli_opts(no_opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = get_status(cl, &m);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_status, &m);
	else if (rc == CLI_OK)
		show_status(cl, &m);
	client_close(cl);
	return rc;
}

/* --- events --- */

struct events {
	struct cli *cli;
	struct client *client;
	struct client_req rq; /* with the filters, without after= */
	uint64_t last;
	struct json_list json;
};

static void
show_event(const struct msg_event *e)
{
	char at[32], ids[128] = "", out[800], line[800];
	size_t n = 0;
	const struct {
		const char *name;
		uint64_t id;
	} id[] = {
		{"release", e->release},
		{"campaign", e->campaign},
		{"job", e->job},
	};

	for (size_t i = 0; i < sizeof(id) / sizeof(id[0]); i++)
		if (id[i].id != 0)
			n += (size_t)snprintf(ids + n, sizeof(ids) - n,
			    " %s=%" PRIu64, id[i].name, id[i].id);
	snprintf(line, sizeof(line), "%s %s %s%s%s%s%s%s%s",
	    render_time(at, sizeof(at), e->at), e->kind, e->what,
	    e->ep[0] ? " ep=" : "", e->ep, ids,
	    e->grade > 0 ? e->grade > 1 ? " L2" : " L1" : "",
	    e->detail[0] ? " " : "", e->detail);
	printf("%6" PRIu64 " %s\n", e->id, text_escape(slice_str(line), out,
	    sizeof(out)));
}

static int
each_event(void *arg, const void *item)
{
	struct events *v = arg;
	const struct msg_event *e = item;

	if (e->id <= v->last)
		return CLI_OK;
	v->last = e->id;
	if (!v->cli->json)
		show_event(e);
	else if (v->json.out != NULL)
		json_item(&v->json, e);
	else
		json_print(stdout, &msg_event, e);
	return CLI_OK;
}

/* Everything behind the last one that was shown. */
static int
events_more(struct events *v)
{
	struct client_req rq = v->rq;
	int rc;

	client_query(&rq, "limit=100");
	if (v->last > 0)
		snprintf(rq.after, sizeof(rq.after), "%" PRIu64, v->last);
	rc = client_list(v->client, &rq, &msg_event, each_event, v);
	fflush(stdout);
	return rc;
}

static int
on_news(void *arg, const struct client_answer *a)
{
	(void)a;
	return events_more(arg);
}

/* Without --after: the last ones, of which the oldest comes first. */
static int
find_start(struct events *v)
{
	struct client_req rq = v->rq;
	struct client_answer a;
	struct msg_page page;
	struct msg_event e = {.id = 0};
	int rc;

	client_query(&rq, "newest=1");
	client_query(&rq, "limit=20");
	rc = client_call(v->client, &rq, &a);
	if (rc != CLI_OK || msg_page_open(&msg_event, a.body, &page) != 0)
		return rc;
	while (page.left > 0 && msg_page_item(&page, &e, NULL) == 0)
		;
	v->last = e.id > 0 ? e.id - 1 : 0;
	return CLI_OK;
}

static int
events_run(struct cli *c, struct events *v, bool from_start, bool follow)
{
	struct client_req news = {.method = CLIENT_GET};
	int rc = client_open(c, &v->client);

	if (rc != CLI_OK)
		return rc;
	if (!from_start)
		rc = find_start(v);
	if (rc == CLI_OK && follow) {
		client_path(&news, "a", "events", NULL);
		client_query(&news, "newest=1");
		client_query(&news, "limit=1");
		rc = client_observe(v->client, &news, on_news, v);
	} else if (rc == CLI_OK) {
		if (c->json)
			json_begin(&v->json, stdout, &msg_event);
		rc = events_more(v);
		if (c->json && rc == CLI_OK)
			json_end(&v->json);
	}
	client_close(v->client);
	return rc;
}

int
cmd_events(struct cli *c, int argc, char **argv)
{
	bool follow = false;
	const char *after = NULL, *device = NULL, *campaign = NULL,
	    *kind = NULL;
	const struct cli_opt opts[] = {
		{.name = "--follow", .flag = &follow},
		{.name = "--after", .value = &after},
		{.name = "--device", .value = &device},
		{.name = "--campaign", .value = &campaign},
		{.name = "--kind", .value = &kind},
		{.name = NULL},
	};
	struct events v = {.cli = c, .rq = {.method = CLIENT_GET}};

	if (cli_opts(opts, argc, argv, 0, 0) < 0 ||
	    (after != NULL && cli_number("--after", after, &v.last) < 0))
		return CLI_USAGE;
	if (device != NULL && campaign != NULL)
		return cli_usage("--device or --campaign, not both");
	if (device != NULL)
		client_path(&v.rq, "a", "devices", device, "events", NULL);
	else
		client_path(&v.rq, "a", "events", NULL);
	if (campaign != NULL)
		client_query(&v.rq, "campaign=%s", campaign);
	if (kind != NULL)
		client_query(&v.rq, "kind=%s", kind);
	return events_run(c, &v, after != NULL, follow);
}

int
cmd_device_events(struct cli *c, int argc, char **argv)
{
	struct events v = {.cli = c, .rq = {.method = CLIENT_GET}};

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&v.rq, "a", "devices", argv[0], "events", NULL);
	return events_run(c, &v, true, false);
}
