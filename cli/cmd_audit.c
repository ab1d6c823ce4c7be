/*
 * audit: who did what to the server. What is verified is verified here: the
 * daemon's word that its log is whole is worth nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/list.h"
#include "cli/online.h"
#include "cli/render.h"
#include "lib/audit.h"
#include "lib/text.h"

#define COLUMN 24 /* paths and names of any length stand under TO */
#define SHOWN "50" /* entries of `list`, unless it is told otherwise */

/* Of a digest as much as tells two apart; --json has all of it. */
static void
subject_cell(struct table *t, const char *subject)
{
	if (strspn(subject, "0123456789abcdef") == 64 && subject[64] == '\0')
		table_printf(t, "%.16s...", subject);
	else
		table_cell(t, subject);
}

static void
audit_row(struct table *t, int64_t now, const void *item)
{
	const struct audit_entry *e = item;
	char when[32];

	(void)now;
	table_printf(t, "%" PRIu64, e->n);
	table_cell(t, render_time(when, sizeof(when), e->at));
	table_cell(t, e->who[0] == '\0' ? "(suitd)" : e->who);
	table_cell(t, e->kind);
	subject_cell(t, e->subject);
	table_cell(t, e->detail);
}

/* "2d" ago, or a day or moment in UTC; Unix ms. */
static int
moment(const char *text, int64_t *ret)
{
	static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%d %H:%M",
	    "%Y-%m-%d %H:%M:%S"};
	int64_t seconds;
	struct tm tm;

	if (text_duration(slice_str(text), &seconds) == 0) {
		*ret = seconds < render_now() / 1000 ? render_now() - seconds *
		    1000 : 0; /* as long ago as can be */
		return CLI_OK;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		const char *end;

		memset(&tm, 0, sizeof(tm));
		end = strptime(text, forms[i], &tm);
		if (end == NULL || *end != '\0')
			continue;
		*ret = (int64_t)timegm(&tm) * 1000;
		return CLI_OK;
	}
	return cli_usage("--since: 2d, 3h, 2026-11-25, or \"2026-11-25 "
	    "09:00\" (UTC)");
}

/* Where it begins: all from there on is wanted, whatever there is. */
static int
begin_at(struct list *l, const char *from, const char *since, bool *ret_all)
{
	uint64_t number = 0;
	int64_t at = 0;
	int rc = CLI_OK;

	if (from != NULL && cli_number("--from", from, &number) < 0)
		return CLI_USAGE;
	if (since != NULL)
		rc = moment(since, &at);
	if (rc != CLI_OK)
		return rc;
	if (from != NULL)
		client_query(&l->rq, "from=%" PRIu64, number);
	if (since != NULL)
		client_query(&l->rq, "since=%" PRId64, at > 0 ? at : 0);
	*ret_all |= l->limit == NULL && (from != NULL || since != NULL);
	return CLI_OK;
}

int
cmd_audit_list(struct cli *c, int argc, char **argv)
{
	static const char *const head[] = {"NUMBER", "TIME (UTC)", "WHO",
	    "WHAT", "TO", "DETAIL"};
	static struct list l = {.rec = &msg_audit, .head = head, .cols = 6,
	    .most = COLUMN, .row = audit_row, .rq = {.path = "a/audit"}};
	const char *who = NULL, *kind = NULL, *subject = NULL;
	const char *from = NULL, *since = NULL;
	bool all = false;
	const struct cli_opt opts[] = {LIST_OPTS(&l),
		{.name = "--all", .flag = &all},
		{.name = "--who", .value = &who},
		{.name = "--kind", .value = &kind},
		{.name = "--subject", .value = &subject},
		{.name = "--from", .value = &from},
		{.name = "--since", .value = &since}, {.name = NULL}};

	l.cli = c;
	if (cli_opts(opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	if (all && l.limit != NULL)
		return cli_usage("--all or --limit, not both");
	client_query(&l.rq, "newest");
	if (begin_at(&l, from, since, &all) != CLI_OK)
		return CLI_USAGE;
	if (!all && l.limit == NULL)
		l.limit = SHOWN;
	if (who != NULL)
		client_query(&l.rq, "who=%s", strcmp(who, "(suitd)") == 0 ?
		    "" : who);
	if (kind != NULL)
		client_query(&l.rq, "kind=%s", kind);
	if (subject != NULL)
		client_query(&l.rq, "subject=%s", subject);
	return list_run(&l);
}

int
cmd_audit_head(struct cli *c, int argc, char **argv)
{
	static const struct cli_opt opts[] = {{.name = NULL}};
	struct client_req rq = {.method = CLIENT_GET};
	char text[AUDIT_HEAD_TEXT];
	struct msg_audit_head m;
	struct audit_head h;
	struct client *cl;
	int rc;

	if (cli_opts(opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	client_path(&rq, "a", "audit", "head", NULL);
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = client_get(cl, &rq, &msg_audit_head, &m);
	client_close(cl);
	if (rc != CLI_OK)
		return rc;
	h.n = m.n;
	memcpy(h.hash, m.hash, AUDIT_HASH);
	if (c->json)
		json_print(stdout, &msg_audit_head, &m);
	else
		printf("%s\n", audit_head_text(&h, text));
	return CLI_OK;
}

/* --- a run of entries --- */

struct run {
	struct audit_verify v;
	struct why why; /* of the first fault */
	int err;
	FILE *out; /* NULL: only verified */
};

/* What the disk says is no mistake in the sentence. */
static int
failed(const char *path)
{
	(void)cli_usage("%s: %s", path, strerror(errno));
	return CLI_REFUSED;
}

/* An export is written to its end, whatever is wrong with it. */
static int
take(void *arg, const void *item)
{
	struct run *r = arg;
	uint8_t line[AUDIT_LINE];
	struct buf b = buf_of(line, sizeof(line));

	if (r->err == 0)
		r->err = audit_verify_add(&r->v, item, &r->why);
	if (r->out == NULL)
		return r->err == 0 ? CLI_OK : CLI_REFUSED;
	if (audit_line_put(item, &b) != 0 ||
	    fwrite(line, 1, b.n, r->out) != b.n)
		return failed("the export");
	return CLI_OK;
}

static int
fetch(struct cli *c, const char *after, struct run *r)
{
	struct client_req rq = {.method = CLIENT_GET, .path = "a/audit"};
	struct client *cl;
	int rc;

	if (after != NULL && !slice_to_cstr(slice_str(after), rq.after,
	    sizeof(rq.after)))
		return cli_usage("--after: too long");
	client_query(&rq, "limit=%d", LIMIT_PAGE);
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	rc = client_list(cl, &rq, &msg_audit, take, r);
	client_close(cl);
	return rc;
}

static void
say(char *dst, size_t cap, const struct audit_verify *v)
{
	char from[32], to[32], head[AUDIT_HEAD_TEXT];

	if (v->entries == 0)
		snprintf(dst, cap, "no entries");
	else
		snprintf(dst, cap, "%" PRIu64 " entries from %s to %s UTC%s, "
		    "head %s", v->entries, render_time(from, sizeof(from),
		    v->first), render_time(to, sizeof(to), v->last),
		    v->pruned ? ", earlier ones were pruned" : "",
		    audit_head_text(&v->head, head));
}

static int
verdict(struct cli *c, struct run *r)
{
	char text[320];

	if (r->err == 0)
		r->err = audit_verify_end(&r->v, &r->why);
	say(text, sizeof(text), &r->v);
	return cmd_verdict(c, r->err, r->err == 0 ? text : r->why.text);
}

static int
kept_head(const char *text, struct audit_head *ret)
{
	if (audit_head_parse(slice_str(text), ret) == 0 && ret->n > 0)
		return CLI_OK;
	return cli_usage("--head: as `suitctl audit head` prints it, "
	    "NUMBER:HEX");
}

/* --- export --- */

/* Nobody else reads it, and it is there as a whole or not at all. */
static int
export_to(struct cli *c, const char *path, const char *after, struct run *r)
{
	char tmp[4096];
	int fd, rc;

	if (snprintf(tmp, sizeof(tmp), "%s.XXXXXX", path) >= (int)sizeof(tmp))
		return cli_usage("%s: too long", path);
	fd = mkstemp(tmp);
	r->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (r->out == NULL)
		return failed(tmp);
	rc = fetch(c, after, r);
	if (rc == CLI_OK && (fflush(r->out) != 0 || fsync(fd) != 0))
		rc = failed(tmp);
	fclose(r->out);
	if (rc == CLI_OK && rename(tmp, path) != 0)
		rc = failed(path);
	if (rc != CLI_OK)
		unlink(tmp);
	return rc;
}

/* What is said goes to stderr: stdout may be the export. */
int
cmd_audit_export(struct cli *c, int argc, char **argv)
{
	static struct run r;
	const char *after = NULL;
	const struct cli_opt opts[] = {
		{.name = "--after", .value = &after}, {.name = NULL}};
	uint64_t number = 0;
	char text[320];
	int rc, words = cli_opts(opts, argc, argv, 0, 1);

	if (words < 0 || (after != NULL && cli_number("--after", after,
	    &number) < 0))
		return CLI_USAGE;
	audit_verify_begin(&r.v, NULL);
	r.out = stdout;
	rc = words == 1 && strcmp(argv[0], "-") != 0 ?
	    export_to(c, argv[0], after, &r) : fetch(c, after, &r);
	if (rc != CLI_OK)
		return rc;
	if (r.err == 0 && number == 0)
		r.err = audit_verify_end(&r.v, &r.why);
	say(text, sizeof(text), &r.v);
	fprintf(stderr, "suitctl: exported %s\n", text);
	if (r.err != 0)
		fprintf(stderr, "suitctl: but the log is not whole: %s\n",
		    r.why.text);
	return r.err == 0 ? CLI_OK : CLI_REFUSED;
}

/* --- verify --- */

static int
verify_lines(FILE *f, const char *path, struct run *r)
{
	char line[AUDIT_LINE];
	struct audit_entry e;
	uint64_t number = 0;
	struct why why;

	while (r->err == 0 && fgets(line, sizeof(line), f) != NULL) {
		size_t n = strlen(line);

		number++;
		if (n > 0 && line[n - 1] == '\n')
			n--;
		r->err = audit_line_get(slice_of(line, n), &e, &why);
		if (r->err == 0)
			r->err = audit_verify_add(&r->v, &e, &why);
		if (r->err != 0)
			why_set(&r->why, r->err, "line %" PRIu64 ": %s",
			    number, why.text);
	}
	return ferror(f) ? failed(path) : CLI_OK;
}

static int
verify_file(const char *path, struct run *r)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	int rc;

	if (f == NULL)
		return cli_usage("%s: %s", path, strerror(errno));
	rc = verify_lines(f, path, r);
	if (f != stdin)
		fclose(f);
	return rc;
}

int
cmd_audit_verify(struct cli *c, int argc, char **argv)
{
	static struct run r;
	const char *text = NULL;
	const struct cli_opt opts[] = {
		{.name = "--head", .value = &text}, {.name = NULL}};
	struct audit_head kept = {.n = 0};
	int rc = CLI_OK, words = cli_opts(opts, argc, argv, 0, 1);

	if (words < 0)
		return CLI_USAGE;
	if (text != NULL)
		rc = kept_head(text, &kept);
	if (rc != CLI_OK)
		return rc;
	audit_verify_begin(&r.v, &kept);
	rc = words == 1 ? verify_file(argv[0], &r) : fetch(c, NULL, &r);
	return rc != CLI_OK && r.err == 0 ? rc : verdict(c, &r);
}
