/*
 * list: a list of the daemon as a table or as a JSON array. All of it, or
 * with --limit one page.
 */
#ifndef SUITD_CLI_LIST_H
#define SUITD_CLI_LIST_H

#include "cli/args.h"
#include "cli/client.h"
#include "cli/render.h"

struct list {
	struct cli *cli;
	struct client_req rq;
	const struct msg_record *rec;
	const char *const *head;
	size_t cols;
	void (*row)(struct table *t, int64_t now, const void *item);
	size_t most; /* see struct table */
	const char *limit, *after; /* by LIST_OPTS */

	/* its own */
	struct table table;
	struct json_list json;
	int64_t now;
};

#define LIST_OPTS(l) \
	{.name = "--limit", .value = &(l)->limit}, \
	{.name = "--after", .value = &(l)->after}

/* Opens, prints, closes; CLI_*. */
int list_run(struct list *l) MUST_USE;

#endif
