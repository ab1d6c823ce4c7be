/* device psk, device credentials: what a device proves itself with */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/args.h"
#include "cli/device.h"
#include "cli/list.h"
#include "cli/online.h"
#include "lib/text.h"

static void
credential_row(struct table *t, int64_t now, const void *item)
{
	const struct msg_credential *m = item;
	bool cert = strlen(m->identity) == 64 && strcmp(m->kind, "psk") != 0;
	char text[48];

	snprintf(text, sizeof(text), "%" PRIu64, m->id);
	table_cell(t, text);
	table_cell(t, m->kind);
	/* of a fingerprint as much as tells two apart; --json has all of it */
	snprintf(text, sizeof(text), "%.16s...", m->identity);
	table_cell(t, cert ? text : m->identity);
	table_cell(t, m->created == 0 ? "" : render_age(text, sizeof(text),
	    now, m->created));
	table_cell(t, m->used == 0 ? "never" : render_age(text, sizeof(text),
	    now, m->used));
	if (m->revoked != 0)
		table_cell(t, "REVOKED");
	else
		table_cell(t, m->ends == 0 ? "" : render_age(text,
		    sizeof(text), now, m->ends));
	table_cell(t, m->label);
}

static const char *const credential_head[] = {"ID", "KIND", "IDENTITY",
	"CREATED", "USED", "ENDS", "LABEL"};

int
cmd_device_credentials(struct cli *c, int argc, char **argv)
{
	static struct list l = {.rec = &msg_credential,
	    .head = credential_head, .cols = 7, .row = credential_row};
	static const struct cli_opt opts[] = {{.name = NULL}};

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&l.rq, "a", "devices", argv[0], "credentials", NULL);
	l.cli = c;
	return list_run(&l);
}

/* --- psk --- */

struct psk {
	struct msg_psk m;
	bool make;
	int64_t overlap; /* seconds */
};

static int
parse(struct psk *p, int argc, char **argv)
{
	const char *hex = NULL, *overlap = NULL;
	const struct cli_opt opts[] = {
		{.name = "--new", .flag = &p->make},
		{.name = "--psk", .value = &hex},
		{.name = "--overlap", .value = &overlap},
		{.name = NULL},
	};
	struct buf key = buf_of(p->m.key, sizeof(p->m.key));

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if (p->make == (hex != NULL))
		return cli_usage("one of --new and --psk HEX");
	if (hex != NULL && (text_unhex(slice_str(hex), &key) != 0 ||
	    key.n < LIMIT_PSK_KEY_LEAST))
		return cli_usage("--psk: must be %d to %d bytes in hex",
		    LIMIT_PSK_KEY_LEAST, LIMIT_PSK_KEY);
	p->m.key_len = key.n;
	if (overlap != NULL && (text_duration(slice_str(overlap),
	    &p->overlap) != 0 || p->overlap < 1 ||
	    p->overlap > LIMIT_OVERLAP_S))
		return cli_usage("--overlap: a time such as 7d, at most %dd",
		    LIMIT_OVERLAP_S / 86400);
	return CLI_OK;
}

void
device_show_psk(const struct cli *c, const struct msg_psk *m)
{
	char hex[2 * LIMIT_PSK_KEY + 1];

	if (c->json) {
		json_print(stdout, &msg_psk, m);
		return;
	}
	text_hex(slice_of(m->key, m->key_len), hex, sizeof(hex));
	render_line(stdout, "identity", m->identity);
	render_linef(stdout, "key", "%s (hex; shown this once)", hex);
	explicit_bzero(hex, sizeof(hex));
}

/* A shared one is no failure, but nobody should miss it. */
static void
show_set(const struct cli *c, const struct msg_psk_set *m)
{
	char shown[2 * LIMIT_EP];

	if (c->json)
		json_print(stdout, &msg_psk_set, m);
	else if (m->shares[0] != '\0')
		render_linef(stdout, "shares", "its key with %s: each can "
		    "speak for the other", text_escape(slice_str(m->shares),
		    shown, sizeof(shown)));
}

int
device_put_psk(const struct cli *c, struct client *cl, struct client_req *rq,
    const struct msg_psk *key)
{
	static uint8_t wire[512];
	struct buf body = buf_of(wire, sizeof(wire));
	struct msg_psk_set set;
	struct client_answer ans;
	struct msg_psk m;
	struct why why;
	int rc;

	if (key != NULL) {
		rq->method = CLIENT_PUT;
		rq->body_cbor = true;
		msg_put_cbor(&msg_psk, key, &body);
		rq->body = buf_slice(&body);
		rc = client_call(cl, rq, &ans);
		explicit_bzero(wire, sizeof(wire));
		/* an older daemon does not say */
		if (rc == CLI_OK && ans.cbor && msg_get(&msg_psk_set,
		    ans.body, &set, &why) == 0)
			show_set(c, &set);
		return rc;
	}
	rq->method = CLIENT_POST;
	rc = client_get(cl, rq, &msg_psk, &m);
	if (rc == CLI_OK)
		device_show_psk(c, &m);
	explicit_bzero(&m, sizeof(m));
	return rc;
}

int
cmd_device_psk(struct cli *c, int argc, char **argv)
{
	static struct psk p;
	struct client_req rq = {.method = CLIENT_POST};
	struct client *cl;
	int rc = parse(&p, argc, argv);

	if (rc != CLI_OK)
		return rc;
	client_path(&rq, "a", "devices", argv[0], "psk", NULL);
	if (p.overlap > 0)
		client_query(&rq, "overlap=%" PRId64, p.overlap);
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = device_put_psk(c, cl, &rq, p.make ? NULL : &p.m);
	explicit_bzero(&p.m, sizeof(p.m));
	client_close(cl);
	if (rc == CLI_OK && !p.make && p.overlap > 0 && !c->json)
		printf("it has an identity of its own: suitctl device "
		    "credentials %s\n", argv[0]);
	return rc;
}

/* One of several; the others go on. */
int
device_revoke_one(struct cli *c, const char *ep, const char *credential)
{
	struct client_req rq = {.method = CLIENT_DELETE};
	int rc;

	client_path(&rq, "a", "devices", ep, "credentials", credential, NULL);
	rc = client_tell(c, &rq);
	if (rc == CLI_OK && !c->json)
		printf("%s: credential %s revoked, its session has ended\n",
		    ep, credential);
	return rc;
}
