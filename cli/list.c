#include "cli/list.h"

#include <inttypes.h>
#include <stdio.h>

static int
each(void *arg, const void *item)
{
	struct list *l = arg;

	if (l->cli->json)
		json_item(&l->json, item);
	else
		l->row(&l->table, l->now, item);
	return CLI_OK;
}

int
list_run(struct list *l)
{
	uint64_t limit = LIMIT_PAGE;
	struct client *cl;
	int rc;

	if (l->limit != NULL && (cli_number("--limit", l->limit, &limit) < 0 ||
	    limit < 1 || limit > LIMIT_PAGE))
		return cli_usage("--limit: 1 to %d", LIMIT_PAGE);
	if (l->after != NULL && !slice_to_cstr(slice_str(l->after),
	    l->rq.after, sizeof(l->rq.after)))
		return cli_usage("--after: too long");
	l->rq.method = CLIENT_GET;
	l->rq.one_page = l->limit != NULL;
	client_query(&l->rq, "limit=%" PRIu64, limit);
	rc = client_open(l->cli, &cl);
	if (rc != CLI_OK)
		return rc;
	l->now = render_now();
	table_begin(&l->table, stdout, l->head, l->cols);
	l->table.most = l->most;
	json_begin(&l->json, stdout, l->rec);
	rc = client_list(cl, &l->rq, l->rec, each, l);
	if (rc == CLI_OK && l->cli->json)
		json_end(&l->json);
	else if (rc == CLI_OK)
		table_end(&l->table);
	client_close(cl);
	return rc;
}
