/*
 * cmd_plan: campaign plan, start, approve. A plan is made by the daemon and
 * is its draft; what is started is named by the plan's digest, so that two
 * people speak of the same devices.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/campaign.h"
#include "cli/online.h"
#include "cli/want.h"
#include "lib/text.h"

#define DIGEST_LEAST 12 /* hex digits that name a plan */
#define CHANGES_SHOWN 20

/* --- making one --- */

static int
post_plan(struct client *cl, const struct msg_campaign_start *in,
    struct msg_campaign *ret)
{
	static uint8_t wire[LIMIT_BODY_MEM];
	struct buf body = buf_of(wire, sizeof(wire));
	struct client_req rq = {.method = CLIENT_POST, .body_cbor = true,
	    .path = "a/campaigns"};

	msg_put_cbor(&msg_campaign_start, in, &body);
	if (body.over)
		return cli_usage("too many --device; tag them, and select "
		    "them with --tag");
	rq.body = buf_slice(&body);
	return client_get(cl, &rq, &msg_campaign, ret);
}

/* {"campaign": ..., "devices": [...]}, or without --list the campaign. */
static int
print_json(struct client *cl, const struct msg_campaign *m, bool list)
{
	int rc;

	if (!list) {
		json_print(stdout, &msg_campaign, m);
		return CLI_OK;
	}
	fputs("{\"campaign\":", stdout);
	json_print(stdout, &msg_campaign, m);
	fputs(",\"devices\":", stdout);
	rc = campaign_list_plan(cl, m->id, stdout, true);
	fputs("}\n", stdout);
	return rc;
}

static int
print_plan(const struct cli *c, struct client *cl,
    const struct msg_campaign *m, bool list)
{
	int rc = CLI_OK;

	if (c->json)
		return print_json(cl, m, list);
	campaign_facts(stdout, m);
	if (m->planned)
		campaign_plan(stdout, m);
	if (list)
		rc = campaign_list_plan(cl, m->id, stdout, false);
	campaign_next(stdout, m);
	return rc;
}

/* What was asked for is there, or waits for somebody else's word. */
static bool
went_well(const struct msg_campaign *m, bool start)
{
	if (strcmp(m->state, "draft") != 0)
		return strcmp(m->state, "aborted") != 0;
	return m->planned && (!start || (m->needs_approval &&
	    m->approved[0] == '\0'));
}

/* A plan has devices by their numbers: which of the names have none? */
static int
print_unknown(struct client *cl, const struct msg_campaign_start *in,
    const struct msg_campaign *m)
{
	char shown[4 * LIMIT_EP + 1];
	struct client_answer a;
	bool any = false;
	int rc = CLI_OK;

	for (size_t i = 0; i < m->verdict_count; i++)
		any |= m->verdict[i].n > 0 &&
		    strcmp(m->verdict[i].name, "unknown") == 0;
	for (size_t i = 0; any && rc == CLI_OK && i < in->ep_count; i++) {
		struct client_req rq = {.method = CLIENT_GET};

		client_path(&rq, "a", "devices", in->ep[i], NULL);
		rc = client_try(cl, &rq, &a);
		if (rc == CLI_OK && a.code == 404)
			printf("no such device: %s\n", text_escape(slice_str(
			    in->ep[i]), shown, sizeof(shown)));
	}
	return rc;
}

static int
make_plan(struct cli *c, const struct msg_campaign_start *in, bool list)
{
	struct msg_campaign m;
	struct client *cl;
	int rc = client_open(c, &cl);

	if (rc != CLI_OK)
		return rc;
	rc = post_plan(cl, in, &m);
	if (rc == CLI_OK)
		rc = campaign_wait(cl, c, &m);
	if (rc == CLI_OK)
		rc = print_plan(c, cl, &m, list);
	if (rc == CLI_OK && !c->json)
		rc = print_unknown(cl, in, &m);
	if (rc == CLI_OK && !went_well(&m, in->start)) {
		cli_usage("campaign %" PRIu64 " was not %s", m.id,
		    in->start ? "started" : "planned");
		rc = CLI_REFUSED;
	}
	client_close(cl);
	return rc;
}

/* --- starting one that was made --- */

struct changes {
	struct cli *cli;
	bool all;
	uint64_t n;
	struct table table;
	struct json_list json;
};

static void
put_verdict(struct table *t, const char *verdict, uint32_t wave,
    const char *text)
{
	if (wave != 0)
		table_printf(t, "wave %u", wave);
	else
		table_cell(t, text[0] != '\0' ? text : verdict[0] != '\0' ?
		    verdict : "not there");
}

static int
each_change(void *arg, const void *item)
{
	struct changes *d = arg;
	const struct msg_plan *p = item;

	if (d->cli->json) {
		json_item(&d->json, p);
	} else if (d->all || d->n < CHANGES_SHOWN) {
		table_cell(&d->table, p->ep);
		put_verdict(&d->table, p->before, p->wave_before, "");
		put_verdict(&d->table, p->verdict, p->wave, p->text);
	}
	d->n++;
	return CLI_OK;
}

static int
print_changes(struct client *cl, uint64_t id, struct changes *d)
{
	static const char *const head[] = {"EP", "WAS", "IS"};
	struct client_req rq = {.method = CLIENT_GET};
	char number[24];
	int rc;

	snprintf(number, sizeof(number), "%" PRIu64, id);
	client_path(&rq, "a", "campaigns", number, "diff", NULL);
	client_query(&rq, "limit=%d", LIMIT_PAGE);
	table_begin(&d->table, stdout, head, 3);
	json_begin(&d->json, stdout, &msg_plan);
	rc = client_list(cl, &rq, &msg_plan, each_change, d);
	if (rc != CLI_OK)
		return rc;
	if (d->cli->json) {
		json_end(&d->json);
		return CLI_OK;
	}
	table_end(&d->table);
	if (!d->all && d->n > CHANGES_SHOWN)
		printf("and %" PRIu64 " more; --list shows them all\n", d->n -
		    CHANGES_SHOWN);
	printf("%" PRIu64 " devices are planned otherwise than before\n",
	    d->n);
	return CLI_OK;
}

/* It stayed a draft. With another plan: what has changed, and the way on. */
static int
not_started(struct client *cl, const struct msg_campaign *m,
    struct changes *d, bool changed)
{
	int rc = CLI_OK;

	if (d->cli->json) {
		fputs("{\"campaign\":", stdout);
		json_print(stdout, &msg_campaign, m);
		fputs(",\"changes\":", stdout);
	} else {
		render_line(stdout, "not started", m->cause[0] != '\0' ?
		    m->cause : "the daemon does not say why");
	}
	if (changed)
		rc = print_changes(cl, m->id, d);
	else if (d->cli->json)
		fputs("[]\n", stdout);
	if (d->cli->json)
		fputs("}\n", stdout);
	else
		campaign_next(stdout, m);
	return rc == CLI_OK ? CLI_REFUSED : rc;
}

static int
parse_digest(const char *text, char ret[65])
{
	size_t n = strlen(text);

	if (n < DIGEST_LEAST || n > 64 ||
	    strspn(text, "0123456789abcdefABCDEF") != n)
		return cli_usage("--plan takes %d to 64 hex digits, which "
		    "`suitctl campaign plan` has printed", DIGEST_LEAST);
	for (size_t i = 0; i <= n; i++)
		ret[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ?
		    text[i] - 'A' + 'a' : text[i]);
	return CLI_OK;
}

static bool
is_plan(const struct msg_campaign *m, const char *digits)
{
	char hex[65];

	text_hex(slice_of(m->plan, sizeof(m->plan)), hex, sizeof(hex));
	return m->planned && strncmp(hex, digits, strlen(digits)) == 0;
}

/* The campaign whose plan begins with the digits, and then exactly that
 * plan: whoever plans anew in between makes the daemon refuse. */
static int
act_on_plan(struct client *cl, const char *digits, const char *action,
    struct msg_campaign *m)
{
	uint8_t wire[128];
	struct buf body = buf_of(wire, sizeof(wire));
	struct msg_campaign_action in = {.have_plan = true};
	struct client_req rq = {.method = CLIENT_POST, .body_cbor = true};
	char number[24];
	int rc = campaign_get(cl, digits, m);

	if (rc != CLI_OK)
		return rc;
	if (!is_plan(m, digits)) {
		cli_usage("campaign %" PRIu64 " has another plan by now; "
		    "look at it: suitctl campaign show %" PRIu64, m->id,
		    m->id);
		return CLI_REFUSED;
	}
	memcpy(in.plan, m->plan, sizeof(in.plan));
	msg_put_cbor(&msg_campaign_action, &in, &body);
	rq.body = buf_slice(&body);
	snprintf(number, sizeof(number), "%" PRIu64, m->id);
	client_path(&rq, "a", "campaigns", number, action, NULL);
	return client_get(cl, &rq, &msg_campaign, m);
}

static int
start_plan(struct cli *c, const char *digits, bool all)
{
	static struct changes d;
	struct msg_campaign m;
	struct client *cl;
	int rc = client_open(c, &cl);

	if (rc != CLI_OK)
		return rc;
	d.cli = c;
	d.all = all;
	d.n = 0;
	rc = act_on_plan(cl, digits, "start", &m);
	if (rc == CLI_OK)
		rc = campaign_wait(cl, c, &m);
	if (rc == CLI_OK && strcmp(m.state, "draft") == 0 &&
	    !is_plan(&m, digits))
		rc = not_started(cl, &m, &d, true);
	else if (rc == CLI_OK && !went_well(&m, true))
		rc = not_started(cl, &m, &d, false);
	else if (rc == CLI_OK)
		rc = print_plan(c, cl, &m, false);
	client_close(cl);
	return rc;
}

/* --- sentences --- */

struct line {
	struct want want;
	const char *plan;
	bool list;
};

/* The options of both sentences; --plan only where it has a meaning. */
static int
parse(struct line *l, bool plan, int argc, char **argv)
{
	struct cli_opt o[WANT_OPTS];
	size_t n;

	memset(l, 0, sizeof(*l));
	n = want_opts(&l->want, o);

	o[n++] = (struct cli_opt){.name = "--list", .flag = &l->list};
	if (plan)
		o[n++] = (struct cli_opt){.name = "--plan",
		    .value = &l->plan};
	o[n] = (struct cli_opt){.name = NULL};
	return cli_opts(o, argc, argv, plan ? 0 : 1, 1);
}

int
cmd_campaign_plan(struct cli *c, int argc, char **argv)
{
	static struct msg_campaign_start in;
	static struct line l;

	if (parse(&l, false, argc, argv) < 0 ||
	    want_start(&l.want, argv[0], &in) != CLI_OK)
		return CLI_USAGE;
	return make_plan(c, &in, l.list);
}

int
cmd_campaign_start(struct cli *c, int argc, char **argv)
{
	static struct msg_campaign_start in;
	static const struct want none;
	static struct line l;
	char digits[65];
	int n = parse(&l, true, argc, argv);

	if (n < 0)
		return CLI_USAGE;
	if (l.plan == NULL) {
		if (n == 0)
			return cli_usage("campaign start RELEASE, or --plan "
			    "DIGEST for what was planned");
		if (want_start(&l.want, argv[0], &in) != CLI_OK)
			return CLI_USAGE;
		in.start = true;
		return make_plan(c, &in, l.list);
	}
	if (n != 0 || memcmp(&l.want, &none, sizeof(none)) != 0)
		return cli_usage("--plan starts exactly what was planned: "
		    "no RELEASE and no other options with it");
	return parse_digest(l.plan, digits) != CLI_OK ? CLI_USAGE :
	    start_plan(c, digits, l.list);
}

int
cmd_campaign_approve(struct cli *c, int argc, char **argv)
{
	const char *plan = NULL;
	const struct cli_opt opts[] = {
		{.name = "--plan", .value = &plan},
		{.name = NULL},
	};
	struct msg_campaign m;
	struct client *cl;
	char digits[65];
	int rc;

	if (cli_opts(opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	if (plan == NULL)
		return cli_usage("campaign approve --plan DIGEST: what was "
		    "looked at is what is approved");
	if (parse_digest(plan, digits) != CLI_OK)
		return CLI_USAGE;
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = act_on_plan(cl, digits, "approve", &m);
	if (rc == CLI_OK)
		rc = print_plan(c, cl, &m, false);
	client_close(cl);
	return rc;
}
