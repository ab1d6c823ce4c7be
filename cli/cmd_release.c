/* release, image: what can be served */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/online.h"
#include "cli/args.h"
#include "cli/list.h"
#include "cli/release.h"
#include "cli/render.h"
#include "lib/text.h"

static const struct cli_opt no_opts[] = {{.name = NULL}};

void
release_show(const struct msg_release *m)
{
	char text[96], size[32];

	if (m->id != 0)
		render_linef(stdout, "release", "%" PRIu64 " (%s)", m->id,
		    m->state);
	render_linef(stdout, "sequence", "%" PRIu64, m->seq);
	render_line(stdout, "version", m->label);
	render_line(stdout, "manifest", text_hex(slice_of(m->digest, 32),
	    text, sizeof(text)));
	render_linef(stdout, "form", "%s, %" PRIu64 " bytes", m->dialect,
	    m->envelope_len);
	render_line(stdout, "author", m->author);
	if (m->created != 0)
		render_linef(stdout, "published", "%s UTC", render_time(text,
		    sizeof(text), m->created));
	for (size_t i = 0; i < m->class_count; i++)
		render_linef(stdout, "class", "%s  devices get it at /m/%s",
		    text_uuid(m->class_id[i], text),
		    text_uuid(m->class_id[i], text));
	for (size_t i = 0; i < m->payload_count; i++) {
		const struct msg_payload *p = &m->payload[i];

		text_b64u(slice_of(p->digest, 32), text, sizeof(text));
		render_linef(stdout, "payload", "%s  %s", render_bytes(size,
		    sizeof(size), p->size), p->uri);
		if (!p->external)
			render_linef(stdout, "", "/i/%.16s%s%s", text,
			    p->path[0] ? " and /" : "", p->path);
	}
	render_line(stdout, "REFUSED", m->refused);
	render_line(stdout, "warning", m->warning);
	for (size_t i = 0; i < m->note_count; i++)
		render_line(stdout, "note", m->note[i]);
}

static void
release_row(struct table *t, int64_t now, const void *item)
{
	const struct msg_release *m = item;
	char text[96];

	table_printf(t, "%" PRIu64, m->id);
	table_printf(t, "%" PRIu64, m->seq);
	table_cell(t, m->refused[0] != '\0' ? "refused" : m->state);
	table_cell(t, m->author);
	table_cell(t, m->label);
	table_cell(t, render_bytes(text, sizeof(text), m->image_bytes));
	table_cell(t, render_age(text, sizeof(text), now, m->created));
	table_cell(t, m->class_count > 0 ? text_uuid(m->class_id[0], text) :
	    "");
}

static void
image_row(struct table *t, int64_t now, const void *item)
{
	const struct msg_image *m = item;
	char text[96];

	(void)now;
	table_cell(t, text_hex(slice_of(m->digest, 32), text, sizeof(text)));
	table_cell(t, render_bytes(text, sizeof(text), m->size));
	table_cell(t, m->needed ? "yes" : "no");
}

int
cmd_release_list(struct cli *c, int argc, char **argv)
{
	static const char *const head[] = {"ID", "SEQUENCE", "STATE",
	    "AUTHOR", "VERSION", "SIZE", "AGE", "CLASS"};
	static struct list l = {.rec = &msg_release, .head = head, .cols = 8,
	    .row = release_row, .rq = {.path = "a/releases"}};
	const struct cli_opt opts[] = {LIST_OPTS(&l), {.name = NULL}};

	l.cli = c;
	return cli_opts(opts, argc, argv, 0, 0) < 0 ? CLI_USAGE :
	    list_run(&l);
}

int
cmd_image_list(struct cli *c, int argc, char **argv)
{
	static const char *const head[] = {"SHA-256", "SIZE", "NEEDED"};
	static struct list l = {.rec = &msg_image, .head = head, .cols = 3,
	    .row = image_row, .rq = {.path = "a/images"}};
	const struct cli_opt opts[] = {LIST_OPTS(&l), {.name = NULL}};

	l.cli = c;
	return cli_opts(opts, argc, argv, 0, 0) < 0 ? CLI_USAGE :
	    list_run(&l);
}

int
cmd_release_show(struct cli *c, int argc, char **argv)
{
	static struct msg_release m;
	struct client_req rq = {.method = CLIENT_GET};
	int rc;

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "releases", argv[0], NULL);
	rc = client_ask(c, &rq, &msg_release, &m);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_release, &m);
	else if (rc == CLI_OK)
		release_show(&m);
	return rc;
}

/* A verb without an answer that matters. */
static int
verb(struct cli *c, const struct client_req *rq, const char *done)
{
	struct client_answer a;
	struct client *cl;
	char text[256];
	int rc = client_open(c, &cl);

	if (rc != CLI_OK)
		return rc;
	rc = client_call(cl, rq, &a);
	if (rc == CLI_OK && !c->json)
		puts(done != NULL ? done : text_escape(a.body, text,
		    sizeof(text)));
	client_close(cl);
	return rc;
}

int
cmd_release_offer(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_POST};

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "releases", argv[0], "offer", NULL);
	return verb(c, &rq, "offered to every device of its classes");
}

int
cmd_release_withdraw(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_DELETE};

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "releases", argv[0], NULL);
	return verb(c, &rq, "withdrawn; its open jobs are cancelled");
}

int
cmd_image_clean(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_POST, .path = "a/images"};

	if (cli_opts(no_opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	return verb(c, &rq, NULL);
}
