/* release, image: what can be served */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/online.h"
#include "cli/args.h"
#include "cli/release.h"
#include "cli/render.h"
#include "lib/text.h"

static const struct cli_opt no_opts[] = {{.name = NULL}};

struct list {
	struct cli *cli;
	struct table table;
	struct json_list json;
	int64_t now;
};

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
	render_line(stdout, "warning", m->warning);
	for (size_t i = 0; i < m->note_count; i++)
		render_line(stdout, "note", m->note[i]);
}

static int
each_release(void *arg, const void *item)
{
	struct list *l = arg;
	const struct msg_release *m = item;
	char text[96];

	if (l->cli->json) {
		json_item(&l->json, m);
		return CLI_OK;
	}
	table_printf(&l->table, "%" PRIu64, m->id);
	table_printf(&l->table, "%" PRIu64, m->seq);
	table_cell(&l->table, m->state);
	table_cell(&l->table, m->author);
	table_cell(&l->table, m->label);
	table_cell(&l->table, render_bytes(text, sizeof(text),
	    m->image_bytes));
	table_cell(&l->table, render_age(text, sizeof(text), l->now,
	    m->created));
	if (m->class_count > 0)
		table_cell(&l->table, text_uuid(m->class_id[0], text));
	else
		table_cell(&l->table, "");
	return CLI_OK;
}

static int
each_image(void *arg, const void *item)
{
	struct list *l = arg;
	const struct msg_image *m = item;
	char text[96];

	if (l->cli->json) {
		json_item(&l->json, m);
		return CLI_OK;
	}
	table_cell(&l->table, text_hex(slice_of(m->digest, 32), text,
	    sizeof(text)));
	table_cell(&l->table, render_bytes(text, sizeof(text), m->size));
	table_cell(&l->table, m->needed ? "yes" : "no");
	return CLI_OK;
}

struct listing {
	const char *path;
	const struct msg_record *rec;
	int (*each)(void *arg, const void *item);
	const char *const *head;
	size_t cols;
};

static int
list(struct cli *c, int argc, char **argv, const struct listing *what)
{
	static struct list l;
	struct client_req rq = {.method = CLIENT_GET};
	struct client *cl;
	int rc;

	if (cli_opts(no_opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", what->path, NULL);
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	l.cli = c;
	l.now = render_now();
	table_begin(&l.table, stdout, what->head, what->cols);
	json_begin(&l.json, stdout, what->rec);
	rc = client_list(cl, &rq, what->rec, what->each, &l);
	if (rc == CLI_OK && c->json)
		json_end(&l.json);
	else if (rc == CLI_OK)
		table_end(&l.table);
	client_close(cl);
	return rc;
}

int
cmd_release_list(struct cli *c, int argc, char **argv)
{
	static const char *const head[] = {"ID", "SEQUENCE", "STATE",
	    "AUTHOR", "VERSION", "SIZE", "AGE", "CLASS"};
	static const struct listing what = {"releases", &msg_release,
	    each_release, head, 8};

	return list(c, argc, argv, &what);
}

int
cmd_image_list(struct cli *c, int argc, char **argv)
{
	static const char *const head[] = {"SHA-256", "SIZE", "NEEDED"};
	static const struct listing what = {"images", &msg_image, each_image,
	    head, 3};

	return list(c, argc, argv, &what);
}

int
cmd_release_show(struct cli *c, int argc, char **argv)
{
	static struct msg_release m;
	struct client_req rq = {.method = CLIENT_GET};
	struct client *cl;
	int rc;

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "releases", argv[0], NULL);
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = client_get(cl, &rq, &msg_release, &m);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_release, &m);
	else if (rc == CLI_OK)
		release_show(&m);
	client_close(cl);
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
