/*
 * device import, device export: many devices as CSV. The file is read as it
 * is sent, in requests of LIMIT_IMPORT_ROWS rows, each of which is whole or
 * nothing. Whatever was there already is left as it is, so after an
 * interruption or an error the same sentence goes on.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "cli/args.h"
#include "cli/client.h"
#include "cli/import_row.h"
#include "cli/keyfile.h"
#include "cli/online.h"
#include "cli/render.h"
#include "lib/text.h"

#define ROW_LEAST 96 /* bytes that a row takes beside its texts */

struct import {
	const struct cli *cli;
	const char *file;
	bool dry, psk_new;
	struct client *client;
	struct keyfile *keys; /* NULL: none are made, or a dry run */
	struct import_head head;
	off_t size, done; /* bytes of the file */
	unsigned line;
	bool failed; /* a row was refused */
	uint64_t bytes; /* of the batch */
	struct msg_import batch;
	unsigned line_of[LIMIT_IMPORT_ROWS];
	struct keyfile_key *key_of[LIMIT_IMPORT_ROWS];
	struct msg_imported sum;
	uint64_t kept;
};

static void
complain(struct import *im, unsigned line, const char *text)
{
	char shown[LIMIT_IMPORT_TEXT * 2];

	im->failed = true;
	fprintf(stderr, "%s:%u: %s\n", im->file, line,
	    text_escape(slice_str(text), shown, sizeof(shown)));
}

static void
show_progress(const struct import *im)
{
	char bar[64];

	if (!im->cli->tty || im->cli->json)
		return;
	printf("\r\033[K%s %s line %u%s", im->file, render_bar(bar,
	    sizeof(bar), 30, (uint64_t)im->done, (uint64_t)im->size),
	    im->line, im->done == im->size ? "\n" : "");
	fflush(stdout);
}

static void
take_answer(struct import *im, const struct msg_imported *m)
{
	for (size_t i = 0; i < m->error_count; i++)
		if (m->error[i].row < im->batch.row_count)
			complain(im, im->line_of[m->error[i].row],
			    m->error[i].text);
	if (m->error_count > 0) {
		fprintf(stderr, "%s: lines %u to %u: none was taken, since "
		    "they go together; mend and say it again\n", im->file,
		    im->line_of[0], im->line_of[im->batch.row_count - 1]);
		return;
	}
	im->sum.added += m->added;
	im->sum.changed += m->changed;
	im->sum.same += m->same;
	im->sum.shared += m->shared;
	for (size_t i = 0; i < im->batch.row_count; i++) {
		bool kept = i < m->kept_len && m->kept[i] != 0;

		im->kept += kept;
		if (im->key_of[i] != NULL)
			im->key_of[i]->taken = !kept;
		if (i < m->shares_len && m->shares[i] != 0)
			fprintf(stderr, "%s:%u: its key is another device's, "
			    "too\n", im->file, im->line_of[i]);
	}
}

static int
send_batch(struct import *im)
{
	static uint8_t wire[LIMIT_BODY_MEM];
	static struct msg_imported m;
	struct buf body = buf_of(wire, sizeof(wire));
	struct client_req rq = {.method = CLIENT_POST, .body_cbor = true,
	    .path = "a/devices"};
	int rc = CLI_OK;

	if (im->batch.row_count == 0)
		return CLI_OK;
	if (im->keys != NULL)
		rc = keyfile_sync(im->keys);
	im->batch.dry = im->dry;
	msg_put_cbor(&msg_import, &im->batch, &body);
	rq.body = buf_slice(&body);
	if (rc == CLI_OK)
		rc = client_get(im->client, &rq, &msg_imported, &m);
	explicit_bzero(wire, sizeof(wire));
	if (rc == CLI_OK)
		take_answer(im, &m);
	im->batch.row_count = 0;
	im->bytes = 0;
	show_progress(im);
	return rc;
}

static int
make_key(struct import *im, struct msg_import_row *r,
    struct keyfile_key **ret)
{
	int rc = CLI_OK;

	*ret = NULL;
	r->if_none = true;
	r->key_len = KEYFILE_KEY;
	if (im->keys == NULL) /* nobody will have it */
		return getrandom(r->key, KEYFILE_KEY, 0) == KEYFILE_KEY ?
		    CLI_OK : cli_usage("no randomness: %s", strerror(errno));
	rc = keyfile_get(im->keys, r->ep, r->identity[0] != '\0' ?
	    r->identity : r->ep, ret);
	if (rc == CLI_OK)
		memcpy(r->key, (*ret)->key, KEYFILE_KEY);
	return rc;
}

static uint64_t
row_bytes(const struct msg_import_row *r)
{
	uint64_t n = ROW_LEAST + strlen(r->ep) + strlen(r->class_name) +
	    strlen(r->class_by) + strlen(r->identity) + r->key_len;

	for (size_t i = 0; i < r->tag_count; i++)
		n += strlen(r->tag[i].name) + strlen(r->tag[i].value) + 4;
	return n;
}

static int
take_row(struct import *im, char *line, size_t n)
{
	static struct msg_import_row r;
	struct keyfile_key *key = NULL;
	struct why why = {0, ""};
	bool make = false;
	int rc;

	if (n == 0 || (n == 1 && line[0] == '\r'))
		return CLI_OK;
	if (import_row(&im->head, line, n, &r, &make, &why) != 0) {
		complain(im, im->line, why.text);
		return CLI_OK;
	}
	if (make || (im->psk_new && r.key_len == 0)) {
		if (im->keys == NULL && !im->dry)
			return cli_usage("%s:%u: a new key needs a file to "
			    "go to: --keys FILE", im->file, im->line);
		rc = make_key(im, &r, &key);
		if (rc != CLI_OK)
			return rc;
	}
	if (im->batch.row_count == LIMIT_IMPORT_ROWS ||
	    im->bytes + row_bytes(&r) > LIMIT_BODY_MEM - 1024) {
		rc = send_batch(im);
		if (rc != CLI_OK)
			return rc;
	}
	im->bytes += row_bytes(&r);
	im->line_of[im->batch.row_count] = im->line;
	im->key_of[im->batch.row_count] = key;
	im->batch.row[im->batch.row_count++] = r;
	explicit_bzero(&r, sizeof(r));
	return CLI_OK;
}

static int
take_line(struct import *im, char *line, size_t n, bool last)
{
	struct why why = {0, ""};

	im->done += (off_t)n;
	im->line++;
	if (n > 0 && line[n - 1] == '\n')
		n--;
	else if (!last)
		return cli_usage("%s:%u: longer than %d bytes, or with a NUL",
		    im->file, im->line, LIMIT_IMPORT_LINE);
	if (im->line > 1)
		return take_row(im, line, n);
	if (import_head(line, n, &im->head, &why) != 0)
		return cli_usage("%s:1: %s", im->file, why.text);
	return CLI_OK;
}

static int
read_file(struct import *im)
{
	static char line[LIMIT_IMPORT_LINE + 1];
	FILE *in = fopen(im->file, "re");
	struct stat st;
	int rc = CLI_OK;

	if (in == NULL || fstat(fileno(in), &st) != 0) {
		if (in != NULL)
			fclose(in);
		return cli_usage("%s: %s", im->file, strerror(errno));
	}
	im->size = st.st_size;
	while (rc == CLI_OK && fgets(line, sizeof(line), in) != NULL)
		rc = take_line(im, line, strlen(line), feof(in) != 0);
	if (rc == CLI_OK && ferror(in))
		rc = cli_usage("%s: %s", im->file, strerror(errno));
	if (rc == CLI_OK)
		rc = send_batch(im);
	fclose(in);
	explicit_bzero(line, sizeof(line));
	return rc;
}

static void
tell(struct import *im)
{
	im->sum.done = !im->failed && !im->dry;
	if (im->cli->json) {
		json_print(stdout, &msg_imported, &im->sum);
		return;
	}
	printf("%s%u added, %u changed, %u as they were\n", im->dry ?
	    "would be: " : "", im->sum.added, im->sum.changed, im->sum.same);
	if (im->kept > 0)
		printf("%" PRIu64 " have a key already, and keep it\n",
		    im->kept);
	if (im->sum.shared > 0)
		printf("%u with a key that another device has, too: each can "
		    "speak for the other\n", im->sum.shared);
}

int
cmd_device_import(struct cli *c, int argc, char **argv)
{
	static struct import im;
	const char *keys = NULL;
	const struct cli_opt opts[] = {
		{.name = "--dry-run", .flag = &im.dry},
		{.name = "--psk-new", .flag = &im.psk_new},
		{.name = "--keys", .value = &keys},
		{.name = NULL},
	};
	int rc, end;

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	im.cli = c;
	im.file = argv[0];
	rc = client_open(c, &im.client);
	if (rc == CLI_OK && keys != NULL && !im.dry)
		rc = keyfile_open(keys, LIMIT_IMPORT_KEYS, &im.keys);
	if (rc == CLI_OK)
		rc = read_file(&im);
	if (rc == CLI_OK)
		tell(&im);
	if (im.keys != NULL) {
		end = keyfile_close(im.keys, rc == CLI_OK);
		rc = rc == CLI_OK ? end : rc;
	}
	client_close(im.client);
	explicit_bzero(&im.batch, sizeof(im.batch));
	return rc == CLI_OK && im.failed ? CLI_REFUSED : rc;
}

/* --- export --- */

static int
export_row(void *arg, const void *item)
{
	static uint8_t line[LIMIT_IMPORT_LINE * 2];
	struct buf b = buf_of(line, sizeof(line));

	import_put_row(item, &b);
	if (b.over || fwrite(line, 1, b.n, arg) != b.n)
		return cli_usage("export: %s", b.over ? "a line is too long" :
		    strerror(errno));
	return CLI_OK;
}

int
cmd_device_export(struct cli *c, int argc, char **argv)
{
	static const struct cli_opt opts[] = {{.name = NULL}};
	struct client_req rq = {.method = CLIENT_GET, .path = "a/devices"};
	uint8_t head[100];
	struct buf b = buf_of(head, sizeof(head));
	struct client *cl;
	int rc;

	if (cli_opts(opts, argc, argv, 0, 0) < 0)
		return CLI_USAGE;
	rc = client_open(c, &cl);
	if (rc != CLI_OK)
		return rc;
	import_put_head(&b);
	fwrite(head, 1, b.n, stdout);
	rc = client_list(cl, &rq, &msg_device, export_row, stdout);
	if (fflush(stdout) != 0 && rc == CLI_OK)
		rc = cli_usage("export: %s", strerror(errno));
	client_close(cl);
	return rc;
}
