/* campaign_ask: what the daemon is asked about a campaign. */
#include <inttypes.h>

#include "cli/campaign.h"

struct jobs {
	FILE *out;
	bool json;
	struct table table;
	struct json_list list;
	int64_t now;
};

static void
campaign_path(struct client_req *rq, uint64_t id, const char *what)
{
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, id);
	client_path(rq, "a", "campaigns", number, what, NULL);
}

int
campaign_get(struct client *cl, const char *id, struct msg_campaign *ret)
{
	struct client_req rq = {.method = CLIENT_GET};

	client_path(&rq, "a", "campaigns", id, NULL);
	return client_get(cl, &rq, &msg_campaign, ret);
}

static int
keep_notable(void *arg, const void *item)
{
	struct notable *n = arg;

	if (n->n < CAMPAIGN_NOTABLE)
		n->job[n->n++] = *(const struct msg_job *)item;
	return CLI_OK;
}

int
campaign_get_notable(struct client *cl, uint64_t id, const char *which,
    struct notable *ret)
{
	struct client_req rq = {.method = CLIENT_GET, .one_page = true};

	campaign_path(&rq, id, "jobs");
	client_query(&rq, "which=%s", which);
	client_query(&rq, "limit=%d", CAMPAIGN_NOTABLE);
	ret->n = 0;
	return client_list(cl, &rq, &msg_job, keep_notable, ret);
}

static int
each_job(void *arg, const void *item)
{
	struct jobs *l = arg;

	if (l->json)
		json_item(&l->list, item);
	else
		campaign_job(&l->table, item, l->now);
	return CLI_OK;
}

static int
each_planned(void *arg, const void *item)
{
	struct jobs *l = arg;
	const struct msg_plan *p = item;

	if (l->json) {
		json_item(&l->list, p);
		return CLI_OK;
	}
	table_cell(&l->table, p->ep);
	if (p->wave != 0)
		table_printf(&l->table, "%u", p->wave);
	else
		table_cell(&l->table, "");
	table_cell(&l->table, p->wave != 0 ? "" : p->text[0] != '\0' ?
	    p->text : p->verdict);
	return CLI_OK;
}

int
campaign_list_jobs(struct client *cl, uint64_t id, FILE *out, bool json)
{
	static struct jobs l;
	struct client_req rq = {.method = CLIENT_GET};
	int rc;

	campaign_path(&rq, id, "jobs");
	client_query(&rq, "limit=%d", LIMIT_PAGE);
	l.json = json;
	l.now = render_now();
	campaign_jobs_begin(&l.table, out);
	json_begin(&l.list, out, &msg_job);
	rc = client_list(cl, &rq, &msg_job, each_job, &l);
	if (rc == CLI_OK && json)
		json_end(&l.list);
	else if (rc == CLI_OK)
		table_end(&l.table);
	return rc;
}

int
campaign_list_plan(struct client *cl, uint64_t id, FILE *out, bool json)
{
	static const char *const head[] = {"EP", "WAVE", "WHY NOT"};
	static struct jobs l;
	struct client_req rq = {.method = CLIENT_GET};
	int rc;

	campaign_path(&rq, id, "plan");
	client_query(&rq, "limit=%d", LIMIT_PAGE);
	l.json = json;
	table_begin(&l.table, out, head, 3);
	json_begin(&l.list, out, &msg_plan);
	rc = client_list(cl, &rq, &msg_plan, each_planned, &l);
	if (rc == CLI_OK && json)
		json_end(&l.list);
	else if (rc == CLI_OK)
		table_end(&l.table);
	return rc;
}

/* --- waiting --- */

struct wait {
	bool bar;
	struct msg_campaign *m;
};

static int
on_work(void *arg, const struct client_answer *a)
{
	static const struct {
		const char *work, *says;
	} known[] = {
		{"plan", "looking at devices"},
		{"start", "making jobs"},
		{"cancel", "cancelling jobs"},
	};
	struct wait *w = arg;
	struct msg_campaign *m = w->m;
	struct why why = {0};
	const char *says = "at work";
	char bar[64];

	if (!a->cbor || msg_get(&msg_campaign, a->body, m, &why) != 0)
		return cli_usage("the daemon's answer is not understood: %s",
		    a->cbor ? why.text : "not CBOR"), CLI_REFUSED;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(m->work, known[i].work) == 0)
			says = known[i].says;
	if (w->bar && m->work[0] != '\0')
		printf("\r\033[K%s %s %" PRIu64 " of about %" PRIu64, says,
		    render_bar(bar, sizeof(bar), 30, m->work_done,
		    m->work_total), m->work_done, m->work_total);
	else if (w->bar)
		printf("\r\033[K");
	fflush(stdout);
	return m->work[0] != '\0' ? CLI_OK : -1;
}

int
campaign_wait(struct client *cl, const struct cli *c, struct msg_campaign *m)
{
	struct wait w = {c->tty && !c->json, m};
	struct client_req rq = {.method = CLIENT_GET};

	if (m->work[0] == '\0')
		return CLI_OK;
	campaign_path(&rq, m->id, NULL);
	return client_observe(cl, &rq, on_work, &w);
}
