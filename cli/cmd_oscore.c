/* device oscore: a security context (RFC 8613), as a device is given it */
#include <inttypes.h>
#include <stdio.h>

#include "cli/args.h"
#include "cli/device.h"
#include "cli/list.h"
#include "cli/online.h"
#include "lib/text.h"

struct want {
	bool make;
	const char *context;
	int64_t overlap; /* seconds */
};

static int
parse(struct want *w, int argc, char **argv)
{
	const char *overlap = NULL;
	const struct cli_opt opts[] = {
		{.name = "--new", .flag = &w->make},
		{.name = "--overlap", .value = &overlap},
		{.name = "--context", .value = &w->context},
		{.name = NULL},
	};
	uint8_t bytes[LIMIT_OSCORE_CONTEXT];
	struct buf b = buf_of(bytes, sizeof(bytes));

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if (!w->make)
		return cli_usage("--new: a context is always made anew");
	if (w->context != NULL && (w->context[0] == '\0' ||
	    text_unhex(slice_str(w->context), &b) != 0))
		return cli_usage("--context: 1 to %d bytes in hex",
		    LIMIT_OSCORE_CONTEXT);
	if (overlap != NULL && (text_duration(slice_str(overlap),
	    &w->overlap) != 0 || w->overlap < 1 ||
	    w->overlap > LIMIT_OVERLAP_S))
		return cli_usage("--overlap: a time such as 7d, at most %dd",
		    LIMIT_OVERLAP_S / 86400);
	return CLI_OK;
}

static void
line(const char *name, const uint8_t *p, size_t n)
{
	char hex[2 * LIMIT_OSCORE_MASTER + 1];

	text_hex(slice_of(p, n), hex, sizeof(hex));
	render_line(stdout, name, hex);
	explicit_bzero(hex, sizeof(hex));
}

static void
show(const struct cli *c, const struct msg_oscore *m)
{
	if (c->json) {
		json_print(stdout, &msg_oscore, m);
		return;
	}
	render_line(stdout, "identity", m->identity);
	line("master secret", m->secret, m->secret_len);
	line("master salt", m->salt, m->salt_len);
	line("sender id", m->sender, m->sender_len);
	line("recipient id", m->recipient, m->recipient_len);
	if (m->context_len > 0)
		line("id context", m->context, m->context_len);
	render_line(stdout, "algorithms", "AES-CCM-16-64-128, HKDF SHA-256");
	render_line(stdout, "", "as the device has it, in hex; shown this "
	    "once");
}

int
cmd_device_oscore(struct cli *c, int argc, char **argv)
{
	struct want w = {.make = false};
	struct client_req rq = {.method = CLIENT_POST};
	static struct msg_oscore m;
	int rc = parse(&w, argc, argv);

	if (rc != CLI_OK)
		return rc;
	client_path(&rq, "a", "devices", argv[0], "oscore", NULL);
	if (w.overlap > 0)
		client_query(&rq, "overlap=%" PRId64, w.overlap);
	if (w.context != NULL)
		client_query(&rq, "context=%s", w.context);
	rc = client_ask(c, &rq, &msg_oscore, &m);
	if (rc == CLI_OK)
		show(c, &m);
	explicit_bzero(&m, sizeof(m));
	return rc;
}
