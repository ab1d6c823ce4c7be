/* principal: who may do what; request and approve: the second person. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/list.h"
#include "cli/online.h"
#include "cli/render.h"
#include "lib/text.h"

static const struct cli_opt no_opts[] = {{.name = NULL}};

/* --- what is shown --- */

static void
principal_row(struct table *t, int64_t now, const void *item)
{
	const struct msg_principal *p = item;
	char age[32];

	table_cell(t, p->name);
	table_printf(t, "%zu", p->key_count);
	table_cell(t, render_age(age, sizeof(age), now, p->created));
	table_cell(t, p->by);
	table_cell(t, p->rights);
}

int
cmd_principal_list(struct cli *c, int argc, char **argv)
{
	static const char *const head[] = {"NAME", "KEYS", "ADDED", "BY",
	    "RIGHTS"};
	static struct list l = {.rec = &msg_principal, .head = head,
	    .cols = 5, .row = principal_row, .rq = {.path = "a/principals"}};
	const struct cli_opt opts[] = {LIST_OPTS(&l), {.name = NULL}};

	l.cli = c;
	return cli_opts(opts, argc, argv, 0, 0) < 0 ? CLI_USAGE :
	    list_run(&l);
}

static void
show(const struct cli *c, const struct msg_principal *p)
{
	int64_t now = render_now();
	char made[32], ends[32];

	if (c->json) {
		json_print(stdout, &msg_principal, p);
		return;
	}
	render_line(stdout, "name", p->name);
	render_line(stdout, "rights", p->rights);
	render_line(stdout, "by", p->file ? "a line of the daemon's admin.psk"
	    : p->by);
	if (!p->file && p->key_count == 0)
		render_linef(stdout, "key", "none yet: suitctl principal "
		    "rotate %s", p->name);
	for (size_t i = 0; i < p->key_count; i++) {
		const struct msg_principal_key *k = &p->key[i];

		render_linef(stdout, "key", "%s, made %s%s%s", k->identity,
		    render_age(made, sizeof(made), now, k->created),
		    k->ends != 0 ? ", ends " : "", k->ends != 0 ?
		    render_age(ends, sizeof(ends), now, k->ends) : "");
	}
}

static int
ask_principal(struct cli *c, struct client_req *rq, const char *name,
    bool quiet)
{
	static struct msg_principal p;
	int rc;

	client_path(rq, "a", "principals", name, NULL);
	memset(&p, 0, sizeof(p));
	rc = client_ask(c, rq, &msg_principal, &p);
	if (rc == CLI_OK && !quiet)
		show(c, &p);
	return rc;
}

int
cmd_principal_show(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_GET};

	return cli_opts(no_opts, argc, argv, 1, 1) < 0 ? CLI_USAGE :
	    ask_principal(c, &rq, argv[0], false);
}

/* --- making, changing, removing --- */

/* A line for a file of keys, in this answer and never again. */
static int
ask_key(struct cli *c, const char *name, uint64_t overlap)
{
	struct client_req rq = {.method = CLIENT_POST};
	struct msg_psk m = {.key_len = 0};
	char hex[2 * LIMIT_PSK_KEY + 1];
	int rc;

	client_path(&rq, "a", "principals", name, "key", NULL);
	if (overlap > 0)
		client_query(&rq, "overlap=%" PRIu64, overlap);
	rc = client_ask(c, &rq, &msg_psk, &m);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_psk, &m);
	else if (rc == CLI_OK)
		printf("%s %s\n", m.identity, text_hex(slice_of(m.key,
		    m.key_len), hex, sizeof(hex)));
	explicit_bzero(&m, sizeof(m));
	explicit_bzero(hex, sizeof(hex));
	return rc;
}

struct word {
	const char *name; /* "role=" */
	const char *value[LIMIT_SCOPE];
	size_t n;
};

static void
put_word(struct buf *b, const struct word *w)
{
	for (size_t i = 0; i < w->n; i++) {
		buf_puts(b, i > 0 ? "," : b->n > 0 ? " " : "");
		buf_puts(b, i > 0 ? "" : w->name);
		buf_puts(b, w->value[i]);
	}
}

static int
put_principal(struct cli *c, const char *name,
    const struct msg_principal_put *m, bool quiet)
{
	static uint8_t wire[LIMIT_RIGHTS + 64];
	struct buf body = buf_of(wire, sizeof(wire));
	struct client_req rq = {.method = CLIENT_PUT, .body_cbor = true};

	msg_put_cbor(&msg_principal_put, m, &body);
	rq.body = buf_slice(&body);
	return ask_principal(c, &rq, name, quiet);
}

int
cmd_principal_add(struct cli *c, int argc, char **argv)
{
	static struct msg_principal_put m;
	static struct word w[] = {{.name = "role="}, {.name = "class="},
	    {.name = "tag="}, {.name = "campaign="}};
	struct buf b = buf_of(m.rights, sizeof(m.rights) - 1);
	bool psk = false;
	struct cli_opt opts[] = {
		{.name = "--role", .list = w[0].value, .count = &w[0].n,
		    .cap = LIMIT_SCOPE},
		{.name = "--class", .list = w[1].value, .count = &w[1].n,
		    .cap = LIMIT_SCOPE},
		{.name = "--tag", .list = w[2].value, .count = &w[2].n,
		    .cap = LIMIT_SCOPE},
		{.name = "--campaign", .list = w[3].value, .count = &w[3].n,
		    .cap = LIMIT_SCOPE},
		{.name = "--psk-new", .flag = &psk},
		{.name = NULL},
	};
	int rc;

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	for (size_t i = 0; i < sizeof(w) / sizeof(w[0]); i++)
		put_word(&b, &w[i]);
	if (b.over)
		return cli_usage("that is longer than %d bytes",
		    LIMIT_RIGHTS);
	if (w[0].n == 0)
		return cli_usage("principal add NAME --role ROLE: author, "
		    "operator, auditor or grant");
	m.rights[b.n] = '\0';
	/* with a key its line is all there is, to be appended to a file */
	rc = put_principal(c, argv[0], &m, psk);
	return rc == CLI_OK && psk ? ask_key(c, argv[0], 0) : rc;
}

int
cmd_principal_rotate(struct cli *c, int argc, char **argv)
{
	const char *overlap = NULL;
	const struct cli_opt opts[] = {
		{.name = "--overlap", .value = &overlap}, {.name = NULL},
	};
	int64_t s = 0;

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if (overlap != NULL && text_duration(slice_str(overlap), &s) != 0)
		return cli_usage("--overlap: how long the old key stays "
		    "valid, e.g. 7d");
	return ask_key(c, argv[0], (uint64_t)s);
}

static int
ask_bare(struct cli *c, struct client_req *rq, const char *said)
{
	int rc = client_tell(c, rq);

	if (rc == CLI_OK && !c->json)
		printf("%s\n", said);
	return rc;
}

int
cmd_principal_remove(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_DELETE};

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "principals", argv[0], NULL);
	return ask_bare(c, &rq, "from now on this is nobody, on open "
	    "connections, too");
}

/* --- the second person --- */

static void
request_row(struct table *t, int64_t now, const void *item)
{
	const struct msg_request *r = item;
	char age[32];

	table_printf(t, "%" PRIu64, r->id);
	table_cell(t, r->kind);
	table_cell(t, r->by);
	table_cell(t, render_age(age, sizeof(age), now, r->created));
	table_cell(t, r->approved[0] != '\0' ? r->approved : "-");
	table_cell(t, r->facts[0] != '\0' ? r->facts : r->what);
}

/* A line for each fact; its label is its own. */
static void
show_facts(const struct msg_request *r)
{
	char line[LIMIT_REQUEST_FACTS + 1], shown[4 * LIMIT_REQUEST_FACTS];
	const char *at = r->facts, *label = "change";
	size_t n;

	for (; *at != '\0'; at += n + (at[n] != '\0'), label = "") {
		n = strcspn(at, "\n");
		snprintf(line, sizeof(line), "%.*s", (int)n, at);
		printf("%-12s %s\n", label, text_escape(slice_str(line),
		    shown, sizeof(shown)));
	}
}

static void
show_request(const struct msg_request *r)
{
	char hex[65], at[32];

	render_linef(stdout, "request", "%" PRIu64 ", %s", r->id, r->kind);
	render_linef(stdout, "asked for", "by %s, %s UTC", r->by,
	    render_time(at, sizeof(at), r->created));
	show_facts(r);
	render_line(stdout, "as said", r->what);
	render_line(stdout, "digest", text_hex(slice_of(r->digest, 32), hex,
	    sizeof(hex)));
	if (r->approved[0] != '\0')
		render_linef(stdout, "approved", "by %s", r->approved);
	render_linef(stdout, "until", "%s UTC", render_time(at, sizeof(at),
	    r->expires));
}

/* One request: read, or approved; then what comes next is told. */
static int
one_request(struct cli *c, struct client_req *rq, bool approve)
{
	static struct msg_request r;
	int rc = client_ask(c, rq, &msg_request, &r);

	if (rc != CLI_OK)
		return rc;
	if (c->json) {
		json_print(stdout, &msg_request, &r);
		return CLI_OK;
	}
	show_request(&r);
	if (approve)
		render_linef(stdout, "next", "%s says it again", r.by);
	else if (r.approved[0] == '\0')
		render_linef(stdout, "next", "suitctl approve %" PRIu64
		    ", or request deny %" PRIu64, r.id, r.id);
	return CLI_OK;
}

int
cmd_request_show(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_GET};

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "requests", argv[0], NULL);
	return one_request(c, &rq, false);
}

int
cmd_request_list(struct cli *c, int argc, char **argv)
{
	static const char *const head[] = {"ID", "KIND", "BY", "ASKED",
	    "APPROVED", "WHAT"};
	static struct list l = {.rec = &msg_request, .head = head, .cols = 6,
	    .row = request_row, .rq = {.path = "a/requests"}};

	l.cli = c;
	return cli_opts(no_opts, argc, argv, 0, 0) < 0 ? CLI_USAGE :
	    list_run(&l);
}

int
cmd_request_deny(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_DELETE};

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "requests", argv[0], NULL);
	return ask_bare(c, &rq, "it waits no longer");
}

int
cmd_approve(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_POST};

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "requests", argv[0], "approve", NULL);
	return one_request(c, &rq, true);
}
