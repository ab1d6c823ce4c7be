/* device cert, revoke-cert, revoked-certs: certificates of devices */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/args.h"
#include "cli/list.h"
#include "cli/online.h"
#include "lib/peercert.h"
#include "lib/text.h"

static int
read_cert(const char *path, struct peercert_id *ret)
{
	struct slice s;
	struct why why = {0};
	int rc = cli_read(path, LIMIT_CERT_FILE, &s);

	if (rc != 0)
		return cli_usage("%s: %s", path, err_text(rc));
	rc = peercert_parse(s, ret, &why);
	free((void *)s.p);
	return rc == 0 ? CLI_OK : cli_usage("%s: %s", path, why.text);
}

static int
post(struct cli *c, struct client_req *rq, const struct msg_record *rec,
    const void *msg)
{
	static uint8_t wire[1024];
	struct buf body = buf_of(wire, sizeof(wire));

	msg_put_cbor(rec, msg, &body);
	rq->body_cbor = true;
	rq->body = buf_slice(&body);
	return client_tell(c, rq);
}

int
cmd_device_cert(struct cli *c, int argc, char **argv)
{
	static const struct cli_opt opts[] = {{.name = NULL}};
	struct client_req rq = {.method = CLIENT_PUT};
	struct msg_cert m = {.label = ""};
	struct peercert_id id;
	char date[16] = "?", hex[65];
	time_t t;
	struct tm tm;
	int rc;

	if (cli_opts(opts, argc, argv, 2, 2) < 0)
		return CLI_USAGE;
	rc = read_cert(argv[1], &id);
	if (rc != CLI_OK)
		return rc;
	t = (time_t)(id.until / 1000);
	if (gmtime_r(&t, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	memcpy(m.fingerprint, id.fingerprint, 32);
	snprintf(m.label, sizeof(m.label), "serial %s, until %s, %.48s",
	    id.serial, date, id.issuer);
	client_path(&rq, "a", "devices", argv[0], "cert", NULL);
	rc = post(c, &rq, &msg_cert, &m);
	if (rc == CLI_OK && !c->json)
		printf("%s: certificate entered: %s\nfingerprint %s\n",
		    argv[0], m.label, text_hex(slice_of(id.fingerprint, 32),
		    hex, sizeof(hex)));
	return rc;
}

/* --- revoke --- */

/* As people read it: "0a@" is that serial number of whatever issuer. */
static const char *
shown(const char *name, char dst[LIMIT_REVOKED_NAME + 16])
{
	size_t n = strlen(name);

	if (n == 0 || name[n - 1] != '@')
		return name;
	snprintf(dst, LIMIT_REVOKED_NAME + 16, "%.*s of any issuer",
	    (int)(n - 1), name);
	return dst;
}

struct revoke {
	const char *cert, *serial, *issuer, *reason;
	struct msg_revoked m;
};

static int
name_it(struct revoke *v)
{
	struct peercert_id id = {.issuer = ""};
	char serial[2 * LIMIT_CERT_SERIAL + 1];
	int rc;

	if ((v->cert != NULL) == (v->serial != NULL))
		return cli_usage("one of --cert FILE and --serial HEX");
	if (v->cert != NULL && v->issuer != NULL)
		return cli_usage("--issuer goes with --serial");
	if (v->cert != NULL) {
		rc = read_cert(v->cert, &id);
		/* nobody would be kept out, and somebody would rely on it */
		if (rc == CLI_OK && id.ca && !v->m.undo)
			return cli_usage("%s: RFC 5280 4.2.1.9: the "
			    "certificate of an authority; what it has signed "
			    "is good until it is out of client_ca, or in a "
			    "client_crl (one that is a device's all the same: "
			    "--serial %s)", v->cert, id.serial);
		snprintf(v->m.name, sizeof(v->m.name), "%s@%s", id.serial,
		    id.issuer);
		return rc;
	}
	if (peercert_serial(slice_str(v->serial), serial) != 0)
		return cli_usage("--serial: up to %d bytes in hex",
		    LIMIT_CERT_SERIAL);
	if (v->issuer != NULL && strlen(v->issuer) > LIMIT_CERT_ISSUER)
		return cli_usage("--issuer: up to %d bytes",
		    LIMIT_CERT_ISSUER);
	snprintf(v->m.name, sizeof(v->m.name), "%s@%s", serial,
	    v->issuer != NULL ? v->issuer : "");
	return CLI_OK;
}

int
cmd_device_revoke_cert(struct cli *c, int argc, char **argv)
{
	static struct revoke v;
	const struct cli_opt opts[] = {
		{.name = "--cert", .value = &v.cert},
		{.name = "--serial", .value = &v.serial},
		{.name = "--issuer", .value = &v.issuer},
		{.name = "--reason", .value = &v.reason},
		{.name = "--undo", .flag = &v.m.undo},
		{.name = NULL},
	};
	struct client_req rq = {.method = CLIENT_POST};
	char text[LIMIT_REVOKED_NAME + 16];
	int rc;

	memset(&v, 0, sizeof(v));
	if (cli_opts(opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	rc = name_it(&v);
	if (rc != CLI_OK)
		return rc;
	if (v.reason != NULL && !slice_to_cstr(slice_str(v.reason),
	    v.m.reason, sizeof(v.m.reason)))
		return cli_usage("--reason: up to %d bytes",
		    LIMIT_REVOKED_REASON);
	client_path(&rq, "a", "revoked", NULL);
	rc = post(c, &rq, &msg_revoked, &v.m);
	if (rc == CLI_OK && !c->json)
		printf("%s: %s\n", shown(v.m.name, text), v.m.undo ? "is good again" :
		    "revoked, its sessions have ended");
	return rc;
}

static void
revoked_row(struct table *t, int64_t now, const void *item)
{
	const struct msg_revoked *m = item;
	char text[48], name[LIMIT_REVOKED_NAME + 16];

	table_cell(t, shown(m->name, name));
	table_cell(t, render_age(text, sizeof(text), now, m->at));
	table_cell(t, m->reason);
}

static const char *const revoked_head[] = {"CERTIFICATE", "REVOKED",
	"REASON"};

int
cmd_device_revoked_certs(struct cli *c, int argc, char **argv)
{
	static struct list l = {.rec = &msg_revoked, .head = revoked_head,
	    .cols = 3, .row = revoked_row};
	const struct cli_opt opts[] = {LIST_OPTS(&l), {.name = NULL}};

	if (cli_opts(opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	client_path(&l.rq, "a", "revoked", NULL);
	l.cli = c;
	return list_run(&l);
}
