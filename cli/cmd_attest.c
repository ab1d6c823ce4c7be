/* attest: the key that a device's bootloader signs its reports with */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/device.h"
#include "cli/online.h"
#include "cli/render.h"
#include "lib/text.h"

#define HEX8 17 /* 8 bytes in hex */

/* What it said last, and how old that can be. */
static void
show_last(const struct msg_attest *a, int64_t now)
{
	char age[32], list[40] = "";

	if (a->have_list)
		snprintf(list, sizeof(list), ", trust list %" PRIu64,
		    a->list_seq);
	render_linef(stdout, "last start", "%s, sequence %" PRIu64 "%s, %s",
	    a->result, a->sequence, list,
	    render_age(age, sizeof(age), now, a->at));
	render_linef(stdout, "fresh", a->fresh_at == 0 ? "never" : "%s",
	    render_age(age, sizeof(age), now, a->fresh_at));
	render_linef(stdout, "counters", "start %" PRIu64 ", report %" PRIu64,
	    a->boot_ctr, a->report_seq);
}

void
device_show_attest(const struct msg_attest *a, int64_t now)
{
	char hex[HEX8], age[32];

	render_linef(stdout, "boot key", "%s, set %s",
	    text_hex(slice_of(a->kid, 8), hex, sizeof(hex)),
	    render_age(age, sizeof(age), now, a->created));
	if (a->at != 0)
		show_last(a, now);
	else
		render_line(stdout, "last start", "no report yet");
	if (a->reported)
		render_linef(stdout, "epoch", "%s%s",
		    text_hex(slice_of(a->epoch, 8), hex, sizeof(hex)),
		    a->gone > 0 ? ", others are over" : "");
	if (a->pending)
		render_linef(stdout, "waits", "counters began anew in epoch "
		    "%s; if the device lost its memory: suitctl device "
		    "attest EP --epoch %s",
		    text_hex(slice_of(a->pending_epoch, 8), hex, sizeof(hex)),
		    hex);
	if (a->refused > 0)
		render_linef(stdout, "replays", "%" PRIu64 " refused, the "
		    "last %s; at most one a minute is counted", a->refused,
		    render_age(age, sizeof(age), now, a->refused_at));
}

static int
read_key(const char *path, struct msg_attest_put *m)
{
	struct slice key;
	int rc = cli_read(path, sizeof(m->key), &key);

	if (rc != 0)
		return cli_usage("%s: %s", path, err_text(rc)), CLI_REFUSED;
	if (memmem(key.p, key.n, "PRIVATE KEY", 11) != NULL) {
		free((void *)key.p);
		return cli_usage("%s is a private key, which only the "
		    "device's bootloader may hold (`suitctl key show %s` "
		    "prints the public one)", path, path), CLI_REFUSED;
	}
	memcpy(m->key, key.p, key.n);
	m->key_len = key.n;
	free((void *)key.p);
	return CLI_OK;
}

static int
remove_key(const struct cli *c, struct client_req *rq)
{
	int rc;

	rq->method = CLIENT_DELETE;
	rc = client_tell(c, rq);
	if (rc == CLI_OK && !c->json)
		printf("its boot reports are no longer believed\n");
	return rc;
}

static int
ask(struct cli *c, struct client_req *rq, bool drop)
{
	struct msg_attest a;
	int rc;

	if (drop)
		return remove_key(c, rq);
	rc = client_ask(c, rq, &msg_attest, &a);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_attest, &a);
	else if (rc == CLI_OK)
		device_show_attest(&a, render_now());
	return rc;
}

int
cmd_device_attest(struct cli *c, int argc, char **argv)
{
	static struct msg_attest_put m;
	static uint8_t wire[8192];
	const char *epoch = NULL;
	bool drop = false;
	const struct cli_opt opts[] = {
		{.name = "--epoch", .value = &epoch},
		{.name = "--remove", .flag = &drop}, {.name = NULL},
	};
	struct buf body = buf_of(wire, sizeof(wire));
	struct buf bytes = buf_of(m.epoch, sizeof(m.epoch));
	struct client_req rq = {.method = CLIENT_GET};
	int n = cli_opts(opts, argc, argv, 1, 2), rc = CLI_OK;

	if (n < 0)
		return CLI_USAGE;
	if ((n == 2) + (epoch != NULL) + drop > 1)
		return cli_usage("a key, --epoch or --remove: one of them");
	if (epoch != NULL && (text_unhex(slice_str(epoch), &bytes) != 0 ||
	    bytes.n != sizeof(m.epoch)))
		return cli_usage("--epoch: must be 8 bytes in hex");
	if (n == 2)
		rc = read_key(argv[1], &m);
	if (rc != CLI_OK)
		return rc;
	m.have_epoch = epoch != NULL;
	client_path(&rq, "a", "devices", argv[0], "attest", NULL);
	if (n == 2 || epoch != NULL) {
		msg_put_cbor(&msg_attest_put, &m, &body);
		rq.method = CLIENT_PUT;
		rq.body_cbor = true;
		rq.body = buf_slice(&body);
	}
	return ask(c, &rq, drop);
}
