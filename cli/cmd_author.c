/* author: whose signature counts */
#include <stdio.h>
#include <stdlib.h>

#include "cli/client.h"
#include "cli/online.h"
#include "cli/args.h"
#include "cli/list.h"
#include "cli/render.h"
#include "lib/text.h"

static const struct cli_opt no_opts[] = {{.name = NULL}};

/* "every class", or the first of them and how many more. */
static void
classes_cell(struct table *t, const uint8_t id[][16], size_t n)
{
	char uuid[37];

	if (n == 0)
		table_cell(t, "every class");
	else if (n == 1)
		table_cell(t, text_uuid(id[0], uuid));
	else
		table_printf(t, "%s and %zu more", text_uuid(id[0], uuid),
		    n - 1);
}

static void
author_row(struct table *t, int64_t now, const void *item)
{
	const struct msg_author *a = item;
	char hex[17], age[32];

	table_cell(t, a->name);
	table_cell(t, a->kind);
	table_cell(t, text_hex(slice_of(a->kid, 8), hex, sizeof(hex)));
	table_cell(t, render_age(age, sizeof(age), now, a->created));
	classes_cell(t, a->class_id, a->class_count);
}

int
cmd_author_list(struct cli *c, int argc, char **argv)
{
	static const char *const head[] = {"NAME", "KEY", "KID", "ADDED",
	    "CLASSES"};
	static struct list l = {.rec = &msg_author, .head = head, .cols = 5,
	    .row = author_row, .rq = {.path = "a/keys"}};
	const struct cli_opt opts[] = {LIST_OPTS(&l), {.name = NULL}};

	l.cli = c;
	return cli_opts(opts, argc, argv, 0, 0) < 0 ? CLI_USAGE :
	    list_run(&l);
}

static int
put_author(struct cli *c, const char *name, const struct msg_author_put *m)
{
	static uint8_t wire[8192];
	struct buf body = buf_of(wire, sizeof(wire));
	struct client_req rq = {.method = CLIENT_PUT, .body_cbor = true};
	struct msg_author a;
	char hex[17];
	int rc;

	msg_put_cbor(&msg_author_put, m, &body);
	rq.body = buf_slice(&body);
	client_path(&rq, "a", "keys", name, NULL);
	rc = client_ask(c, &rq, &msg_author, &a);
	if (rc == CLI_OK && c->json)
		json_print(stdout, &msg_author, &a);
	else if (rc == CLI_OK)
		printf("%s may publish for %s: %s key, kid %s\n", a.name,
		    a.class_count > 0 ? "the named classes" : "every class",
		    a.kind, text_hex(slice_of(a.kid, 8), hex, sizeof(hex)));
	return rc;
}

int
cmd_author_add(struct cli *c, int argc, char **argv)
{
	static struct msg_author_put m;
	const char *class[LIMIT_COMPONENTS];
	struct cli_opt opts[] = {
		{.name = "--class", .list = class, .count = &m.class_count,
		    .cap = LIMIT_COMPONENTS},
		{.name = NULL},
	};
	struct slice key;
	int rc;

	if (cli_opts(opts, argc, argv, 2, 2) < 0)
		return CLI_USAGE;
	for (size_t i = 0; i < m.class_count; i++)
		if (!slice_to_cstr(slice_str(class[i]), m.class_name[i],
		    sizeof(m.class_name[i])))
			return cli_usage("--class %s: too long", class[i]);
	rc = cli_read(argv[1], sizeof(m.key), &key);
	if (rc != 0)
		return cli_usage("%s: %s", argv[1], err_text(rc)),
		    CLI_REFUSED;
	/* a private key does not even leave this machine */
	if (memmem(key.p, key.n, "PRIVATE KEY", 11) != NULL) {
		free((void *)key.p);
		return cli_usage("%s is a private key; suitd takes public "
		    "ones only (`suitctl key show %s` prints it)", argv[1],
		    argv[1]), CLI_REFUSED;
	}
	memcpy(m.key, key.p, key.n);
	m.key_len = key.n;
	free((void *)key.p);
	return put_author(c, argv[0], &m);
}

int
cmd_author_remove(struct cli *c, int argc, char **argv)
{
	struct client_req rq = {.method = CLIENT_DELETE};
	int rc;

	if (cli_opts(no_opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "keys", argv[0], NULL);
	rc = client_tell(c, &rq);
	if (rc == CLI_OK && !c->json)
		printf("what is signed with this key is no longer accepted; "
		    "published releases stay\n");
	return rc;
}
