/* trust publish, trust current: the list that a suitd enforces */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/online.h"
#include "cli/render.h"
#include "lib/text.h"
#include "lib/trust.h"

static const struct cli_opt no_opts[] = {{.name = NULL}};

/* What is no list need not be sent; whether it is the next one only the
 * daemon knows. */
static int
read_list(const char *path, struct slice *ret, struct trust *list)
{
	struct why why = {0};
	int rc = cli_read(path, LIMIT_TRUST_LIST + 1, ret);

	if (rc != 0)
		return cli_usage("%s: %s", path, err_text(rc));
	rc = trust_parse(*ret, list, &why);
	if (rc == 0)
		return CLI_OK;
	/* a map is a list that is still being edited */
	if (ret->n > 0 && ret->p[0] >> 5 == 5)
		(void)why_set(&why, rc, "not signed yet; suitctl trust sign "
		    "adds a root's signature");
	free((void *)ret->p);
	return cli_usage("%s: %s", path, why.text);
}

int
cmd_trust_publish(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_PUT};
	struct client_answer a;
	struct client *cl;
	struct trust list;
	int rc;

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	rc = read_list(argv[0], &rq.body, &list);
	if (rc != CLI_OK)
		return rc;
	client_path(&rq, "a", "trust", NULL);
	rc = client_open(c, &cl);
	if (rc == CLI_OK) {
		rc = client_call(cl, &rq, &a);
		if (rc == CLI_OK && !c->json)
			printf("trust list %" PRIu64 "%s\n", list.seq,
			    a.code == 204 ? " is in force already" :
			    " is in force");
		client_close(cl);
	}
	free((void *)rq.body.p);
	return rc;
}

int
cmd_trust_current(struct cli *c, int argc, char **argv)
{
	static struct msg_trust m;
	struct client_req rq = {.method = CLIENT_GET};
	char text[96];
	int rc;

	if (cli_opts(no_opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "trust", NULL);
	rc = client_ask(c, &rq, &msg_trust, &m);
	if (rc != CLI_OK)
		return rc;
	if (c->json) {
		json_print(stdout, &msg_trust, &m);
		return CLI_OK;
	}
	render_linef(stdout, "trust list", "number %" PRIu64, m.seq);
	render_linef(stdout, "in force", "since %s UTC", render_time(text,
	    sizeof(text), m.since));
	render_linef(stdout, "roots", "%" PRIu32 " of %" PRIu32 " sign",
	    m.need, m.roots);
	render_linef(stdout, "keys", "%" PRIu32 ", and %" PRIu32 " denied "
	    "manifests", m.keys, m.denied);
	render_linef(stdout, "refused", "%" PRIu64 " releases", m.refused);
	render_line(stdout, "hash", text_hex(slice_of(m.hash, 32), text,
	    sizeof(text)));
	return CLI_OK;
}
