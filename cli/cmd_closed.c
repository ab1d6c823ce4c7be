/* closed: what is closed to whom, and what is open */
#include <inttypes.h>
#include <stdio.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/online.h"
#include "cli/render.h"

static const struct cli_opt no_opts[] = {{.name = NULL}};

static void
show_closed(const struct msg_closed *m)
{
	char told[80] = "";

	render_linef(stdout, "rights", "%" PRIu64 " principals beside "
	    "admin.psk; %s", m->principals, m->rights);
	if (m->trust_told > 0)
		snprintf(told, sizeof(told), ", %" PRIu64 " of %" PRIu64
		    " devices that tell have it", m->trust_have,
		    m->trust_told);
	if (m->trust == 0)
		render_linef(stdout, "authors", "no trust list; %s",
		    m->authors);
	else
		render_linef(stdout, "authors", "those of trust list %" PRIu64
		    "%s", m->trust, told);
	render_line(stdout, "strangers", m->strangers);
	if (m->audit_broken)
		render_line(stdout, "AUDIT LOG", "it is not whole: suitctl "
		    "audit verify");
	else
		render_linef(stdout, "audit log", "head %s", m->audit[0] !=
		    '\0' ? m->audit : "none yet");
}

int
cmd_closed(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_GET, .path = "a/closed"};
	struct msg_closed m;
	int rc;

	if (cli_opts(no_opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	rc = client_ask(c, &rq, &msg_closed, &m);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_closed, &m);
	else if (rc == CLI_OK)
		show_closed(&m);
	return rc;
}
