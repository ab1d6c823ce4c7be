/* device: who they are and what they run */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/device.h"
#include "cli/online.h"
#include "cli/args.h"
#include "cli/list.h"
#include "cli/render.h"
#include "lib/text.h"

/* one Uri-Query option has at most LIMIT_URI bytes (RFC 7252 5.10) */
#define WHERE_MAX (LIMIT_URI - (sizeof("where=") - 1))

static const struct cli_opt no_opts[] = {{.name = NULL}};

/* "done -> 7", "fetching 42% -> 7" */
static void
job_text(const struct msg_job *j, char *dst, size_t cap)
{
	char percent[16] = "";

	if (j->total > 0 && strcmp(j->state, "fetching") == 0)
		snprintf(percent, sizeof(percent), " %u%%",
		    (unsigned)(100.0 * (double)j->done / (double)j->total));
	snprintf(dst, cap, "%s%s -> %" PRIu64, j->state, percent, j->target);
}

static void
runs_text(const struct msg_device *d, char *dst, size_t cap)
{
	if (!d->have_seq)
		snprintf(dst, cap, "-");
	else
		snprintf(dst, cap, "%" PRIu64 " L%u%s", d->seq, d->grade,
		    d->ahead ? " ahead" : "");
}

static void
device_row(struct table *t, int64_t now, const void *item)
{
	const struct msg_device *d = item;
	char text[96];

	table_cell(t, d->ep);
	runs_text(d, text, sizeof(text));
	table_cell(t, text);
	text[0] = '\0';
	if (d->have_job)
		job_text(&d->job, text, sizeof(text));
	table_cell(t, text);
	table_cell(t, d->driver);
	table_cell(t, d->revoked ? "revoked" : d->twin ? "twice!" :
	    !d->psk ? "" : d->identity[0] != '\0' ? "psk" :
	    d->oscore ? "oscore" : "cert");
	table_cell(t, render_age(text, sizeof(text), now, d->seen));
	table_cell(t, d->uri[0] != '\0' ? d->uri : d->addr);
}

/* "NAME=VALUE" or "NAME" as the query tag=NAME, value=VALUE. */
static void
query_tag(struct client_req *rq, const char *tag)
{
	size_t n = strcspn(tag, "=");

	client_query(rq, "tag=%.*s", (int)n, tag);
	if (tag[n] == '=')
		client_query(rq, "value=%s", tag + n + 1);
}

/* In as many options as it takes, each of whole characters. */
static void
query_where(struct client_req *rq, const char *where)
{
	size_t left = strlen(where), n;

	do {
		n = left < WHERE_MAX ? left : WHERE_MAX;
		while (n < left && ((unsigned char)where[n] & 0xc0) == 0x80)
			n--;
		client_query(rq, "where=%.*s", (int)n, where);
		where += n;
		left -= n;
	} while (left > 0);
}

int
cmd_device_list(struct cli *c, int argc, char **argv)
{
	static const char *const head[] = {"EP", "RUNS", "JOB", "DRIVER",
	    "KEY", "SEEN", "ADDRESS"};
	static struct list l = {.rec = &msg_device, .head = head, .cols = 7,
	    .row = device_row, .rq = {.path = "a/devices"}};
	const char *where = NULL, *class = NULL, *tag = NULL, *prefix = NULL;
	const struct cli_opt opts[] = {
		{.name = "--where", .value = &where},
		{.name = "--class", .value = &class},
		{.name = "--tag", .value = &tag},
		{.name = "--prefix", .value = &prefix},
		LIST_OPTS(&l),
		{.name = NULL},
	};

	if (cli_opts(opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	if (where != NULL && (strlen(where) > LIMIT_SELECT ||
	    !text_utf8_ok(slice_str(where))))
		return cli_usage("--where: at most %d bytes of UTF-8",
		    LIMIT_SELECT);
	if (where != NULL)
		query_where(&l.rq, where);
	if (class != NULL)
		client_query(&l.rq, "class=%s", class);
	if (tag != NULL)
		query_tag(&l.rq, tag);
	if (prefix != NULL)
		client_query(&l.rq, "prefix=%s", prefix);
	l.cli = c;
	return list_run(&l);
}

void
device_show_job(const struct msg_job *j, int64_t now)
{
	char age[32], text[96];

	job_text(j, text, sizeof(text));
	render_linef(stdout, "job", "%" PRIu64 ": %s, attempt %u, since %s",
	    j->id, text, j->attempt, render_age(age, sizeof(age), now,
	    j->updated));
	if (j->total > 0)
		render_linef(stdout, "download", "%" PRIu64 " of %" PRIu64
		    " bytes", j->done, j->total);
	render_line(stdout, "reason", j->text);
	if (j->due > 0)
		render_linef(stdout, "due", "%s", render_age(age, sizeof(age),
		    now, j->due));
	if (j->campaign > 0)
		render_linef(stdout, "campaign", "%" PRIu64, j->campaign);
}

static void
show_device(const struct msg_device *d)
{
	char text[96];
	int64_t now = render_now();

	render_line(stdout, "device", d->ep);
	if (d->have_class)
		render_linef(stdout, "class", "%s%s", text_uuid(d->class_id,
		    text), d->class_set ? ", set by an operator" : "");
	if (d->have_class_said)
		render_linef(stdout, "SAYS CLASS", "%s, which is not taken: "
		    "`suitctl device explain`", text_uuid(d->class_said, text));
	if (d->have_vendor)
		render_line(stdout, "vendor", text_uuid(d->vendor, text));
	runs_text(d, text, sizeof(text));
	render_line(stdout, "runs", d->have_seq ? text : "unknown");
	render_line(stdout, "version", d->version);
	render_linef(stdout, "driver", "%s%s", d->driver, d->nul_trigger ?
	    ", trigger ends with NUL" : "");
	render_line(stdout, "address", d->uri[0] ? d->uri : d->addr);
	render_line(stdout, "revoked", d->revoked ? "neither served nor "
	    "updated; `suitctl device restore` ends that" : "");
	render_line(stdout, "credential", !d->psk ? "none: what it says is "
	    "graded L0" : d->identity[0] != '\0' ? "a key of its own" :
	    d->oscore ? "an OSCORE context of its own" :
	    "a certificate of its own");
	render_line(stdout, "TWIN", d->twin ? "two devices use its "
	    "credential: `suitctl device explain`" : "");
	render_line(stdout, "WRONG KEY", d->wrong_key);
	render_linef(stdout, "seen", "%s, added %s",
	    render_age(text, 48, now, d->seen),
	    render_age(text + 48, 48, now, d->created));
	if (d->registered)
		render_linef(stdout, "registered", "until %s UTC",
		    render_time(text, sizeof(text), d->expires));
	for (size_t i = 0; i < d->tag_count; i++)
		render_linef(stdout, "tag", "%s=%s", d->tag[i].name,
		    d->tag[i].value);
	if (d->have_attest)
		device_show_attest(&d->attest, now);
	if (d->have_job)
		device_show_job(&d->job, now);
}

static int
get_device(struct client *cl, const char *ep, struct msg_device *ret)
{
	struct client_req rq = {.method = CLIENT_GET};

	client_path(&rq, "a", "devices", ep, NULL);
	return client_get(cl, &rq, &msg_device, ret);
}

static int
print_device(const struct cli *c, struct client *cl, const char *ep)
{
	static struct msg_device d;
	int rc = get_device(cl, ep, &d);

	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_device, &d);
	else if (rc == CLI_OK)
		show_device(&d);
	return rc;
}

int
cmd_device_show(struct cli *c, int argc, char **argv)
{
	struct client *cl;
	int rc;

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = print_device(c, cl, argv[0]);
	client_close(cl);
	return rc;
}

/* --- add --- */

struct add {
	struct msg_device_put put;
	struct msg_psk psk;
	bool psk_new;
};

static int
copy_opt(const char *name, const char *value, char *dst, size_t cap)
{
	if (value == NULL || slice_to_cstr(slice_str(value), dst, cap))
		return 0;
	return cli_usage("%s: too long", name);
}

static int
parse_add(struct add *a, int argc, char **argv)
{
	const char *class = NULL, *uri = NULL, *driver = NULL, *psk = NULL,
	    *unset = NULL;
	bool nul = false;
	const struct cli_opt opts[] = {
		{.name = "--class", .value = &class},
		{.name = "--address", .value = &uri},
		{.name = "--driver", .value = &driver},
		{.name = "--unset", .value = &unset},
		{.name = "--psk", .value = &psk},
		{.name = "--psk-new", .flag = &a->psk_new},
		{.name = "--nul-trigger", .flag = &nul},
		{.name = NULL},
	};
	struct buf key = buf_of(a->psk.key, sizeof(a->psk.key));

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if (copy_opt("--class", class, a->put.class_name,
	    sizeof(a->put.class_name)) != 0 ||
	    copy_opt("--address", uri, a->put.uri, sizeof(a->put.uri)) != 0 ||
	    copy_opt("--driver", driver, a->put.driver,
	    sizeof(a->put.driver)) != 0 ||
	    copy_opt("--unset", unset, a->put.unset,
	    sizeof(a->put.unset)) != 0)
		return CLI_USAGE;
	a->put.have_nul_trigger = a->put.nul_trigger = nul;
	if (psk != NULL && a->psk_new)
		return cli_usage("--psk or --psk-new, not both");
	if (psk != NULL && (text_unhex(slice_str(psk), &key) != 0 ||
	    key.n < LIMIT_PSK_KEY_LEAST))
		return cli_usage("--psk: must be %d to %d bytes in hex",
		    LIMIT_PSK_KEY_LEAST, LIMIT_PSK_KEY);
	a->psk.key_len = key.n;
	return CLI_OK;
}

static int
add_psk(const struct cli *c, struct client *cl, const char *ep,
    const struct add *a)
{
	struct client_req rq = {.method = CLIENT_POST};

	client_path(&rq, "a", "devices", ep, "psk", NULL);
	return device_put_psk(c, cl, &rq, a->psk_new ? NULL : &a->psk);
}

int
cmd_device_add(struct cli *c, int argc, char **argv)
{
	static struct add a;
	static uint8_t wire[4096];
	struct buf body = buf_of(wire, sizeof(wire));
	struct client_req rq = {.method = CLIENT_PUT, .body_cbor = true};
	struct client_answer ans;
	struct client *cl;
	int rc = parse_add(&a, argc, argv);

	if (rc != CLI_OK)
		return rc;
	msg_put_cbor(&msg_device_put, &a.put, &body);
	rq.body = buf_slice(&body);
	client_path(&rq, "a", "devices", argv[0], NULL);
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = client_call(cl, &rq, &ans);
	if (rc == CLI_OK && !c->json)
		printf("%s %s\n", argv[0], ans.code == 201 ? "added" :
		    "changed");
	if (rc == CLI_OK && (a.psk_new || a.psk.key_len > 0))
		rc = add_psk(c, cl, argv[0], &a);
	else if (rc == CLI_OK && c->json)
		rc = print_device(c, cl, argv[0]);
	client_close(cl);
	return rc;
}

int
cmd_device_remove(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_DELETE};
	int rc;

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "devices", argv[0], NULL);
	rc = client_tell(c, &rq);
	if (rc == CLI_OK && !c->json)
		printf("%s removed, with its key and jobs; its events stay\n",
		    argv[0]);
	return rc;
}

/* An operator's word about a device, answered with the device. */
static int
device_verb(struct cli *c, char **argv, const char *verb)
{
	static struct msg_device d;
	struct client_req rq = {.method = CLIENT_POST};
	int rc;

	client_path(&rq, "a", "devices", argv[0], verb, NULL);
	rc = client_ask(c, &rq, &msg_device, &d);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_device, &d);
	else if (rc == CLI_OK)
		show_device(&d);
	return rc;
}

int
cmd_device_revoke(struct cli *c, int argc, char **argv)
{
	const char *credential = NULL;
	const struct cli_opt opts[] = {
		{.name = "--credential", .value = &credential},
		{.name = NULL},
	};

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if (credential != NULL)
		return device_revoke_one(c, argv[0], credential);
	return device_verb(c, argv, "revoke");
}

int
cmd_device_restore(struct cli *c, int argc, char **argv)
{
	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	return device_verb(c, argv, "restore");
}

int
cmd_device_tag(struct cli *c, int argc, char **argv)
{
	static struct msg_tags m;
	static uint8_t wire[4096];
	struct buf body = buf_of(wire, sizeof(wire));
	struct client_req rq = {.method = CLIENT_PUT, .body_cbor = true};
	struct client_answer ans;
	struct client *cl;
	int rc, n = cli_opts(no_opts, argc, argv, 2, 1 + LIMIT_TAGS);

	if (n < 0)
		return CLI_USAGE;
	for (int i = 1; i < n; i++) {
		struct rd_tag *t = &m.tag[m.tag_count++];
		size_t len = strcspn(argv[i], "=");

		if (argv[i][len] != '=' ||
		    !slice_to_cstr(slice_of(argv[i], len), t->name,
		    sizeof(t->name)) ||
		    !slice_to_cstr(slice_str(argv[i] + len + 1), t->value,
		    sizeof(t->value)))
			return cli_usage("%s: must be NAME=VALUE, of at most "
			    "%d and %d bytes", argv[i], LIMIT_TAG_NAME,
			    LIMIT_TAG_VALUE);
	}
	msg_put_cbor(&msg_tags, &m, &body);
	rq.body = buf_slice(&body);
	client_path(&rq, "a", "devices", argv[0], "tags", NULL);
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = client_call(cl, &rq, &ans);
	if (rc == CLI_OK)
		rc = print_device(c, cl, argv[0]);
	client_close(cl);
	return rc;
}
