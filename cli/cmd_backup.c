/*
 * backup: the daemon makes a snapshot of its database, which is fetched in
 * parts, and images are fetched by their digests. Whatever is here already
 * and right is not fetched again, so that one that was interrupted goes on
 * and the next one costs what is new. backup.json is written last.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "cli/args.h"
#include "cli/backup_dir.h"
#include "cli/client.h"
#include "cli/online.h"
#include "cli/render.h"
#include "lib/text.h"

#define POLL_MS 200

struct backup_run {
	struct cli *cli;
	struct client *client;
	struct backup_dir dir;
	struct msg_backup m; /* the snapshot */
	struct backup b;
	struct backup_file *image;
	size_t image_n, image_cap;
	uint64_t fetched; /* images, this time */
	bool prune;
	struct backup_pruned pruned;
	bool broken; /* nothing can be written here */
	struct backup_out out; /* the file at hand */
	uint64_t done, total; /* for the bar */
	char what[80];
};

static void
show(struct backup_run *r, uint64_t done, uint64_t total)
{
	char bar[64], a[32], b[32];

	if (!r->cli->tty || r->cli->json || total == 0)
		return;
	printf("\r\033[K%s %s %s of %s%s", r->what, render_bar(bar,
	    sizeof(bar), 30, done, total), render_bytes(a, sizeof(a), done),
	    render_bytes(b, sizeof(b), total), done >= total ? "\n" : "");
	fflush(stdout);
}

static int
on_piece(void *arg, struct slice piece)
{
	struct backup_run *r = arg;
	int rc = backup_out_write(&r->out, piece);

	if (rc != CLI_OK)
		r->broken = true;
	r->done += piece.n;
	show(r, r->done, r->total);
	return rc;
}

/* --- the database --- */

/* It has its name from us, and the folder knows it before the daemon does:
 * wherever we are interrupted, the next run goes on with this one. */
static int
ask_snapshot(struct backup_run *r)
{
	struct client_req rq = {.method = CLIENT_POST, .path = "a/backup"};
	struct client_answer a;
	struct why why = {0};
	uint8_t raw[8];
	char id[17];
	int rc = CLI_OK;

	if (r->dir.snapshot[0] == '\0') {
		if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
			return cli_usage("no randomness"), CLI_REFUSED;
		rc = backup_dir_begin(&r->dir, text_hex(slice_of(raw,
		    sizeof(raw)), id, sizeof(id)));
	}
	if (rc != CLI_OK)
		return rc;
	client_query(&rq, "id=%s", r->dir.snapshot);
	rc = client_call(r->client, &rq, &a);
	if (rc != CLI_OK)
		return rc;
	if (!a.cbor || msg_get(&msg_backup, a.body, &r->m, &why) != 0)
		return cli_usage("the daemon's answer is not understood: %s",
		    why.text), CLI_REFUSED;
	/* it knew nothing of this name: what came by it is of another one */
	return a.code == 201 ? backup_dir_begin(&r->dir, r->m.id) : CLI_OK;
}

static int
wait_snapshot(struct backup_run *r)
{
	const struct timespec pause = {0, POLL_MS * 1000000L};
	struct client_req rq = {.method = CLIENT_GET};
	int rc = CLI_OK;

	snprintf(r->what, sizeof(r->what), "snapshot");
	client_path(&rq, "a", "backup", r->m.id, NULL);
	while (rc == CLI_OK && strcmp(r->m.state, "copying") == 0) {
		show(r, r->m.done, r->m.total + 1);
		nanosleep(&pause, NULL);
		rc = client_get(r->client, &rq, &msg_backup, &r->m);
	}
	if (rc == CLI_OK && (!r->m.ready || r->m.part == 0)) {
		cli_usage("the daemon's snapshot failed: %s", r->m.why);
		rc = CLI_REFUSED;
	}
	return rc;
}

static int
fetch_part(struct backup_run *r, uint64_t n)
{
	struct client_req rq = {.method = CLIENT_GET, .sink = on_piece,
	    .arg = r};
	struct client_answer a;
	char part[24];

	snprintf(part, sizeof(part), "%" PRIu64, n);
	client_path(&rq, "a", "backup", r->m.id, part, NULL);
	return client_call(r->client, &rq, &a);
}

/* A whole part that is there stays; the digest decides in the end. */
static int
fetch_database(struct backup_run *r)
{
	int rc = backup_out_open(&r->out, &r->dir, BACKUP_DB, r->m.part);

	if (rc != CLI_OK)
		return rc;
	snprintf(r->what, sizeof(r->what), "database");
	memcpy(r->b.db.digest, r->m.digest, 32);
	r->b.db.size = r->total = r->m.size;
	r->done = r->out.size;
	while (rc == CLI_OK && r->out.size < r->m.size) {
		uint64_t was = r->out.size;

		rc = fetch_part(r, was / r->m.part);
		if (rc == CLI_OK && r->out.size == was)
			break; /* an empty answer: the digest tells */
	}
	if (rc == CLI_OK)
		return backup_out_end(&r->out, &r->b.db, false);
	backup_out_abort(&r->out);
	return rc;
}

/* --- images --- */

static int
note_image(void *arg, const void *item)
{
	struct backup_run *r = arg;
	const struct msg_image *m = item;
	struct backup_file *p;

	if (r->image_n == LIMIT_BACKUP_IMAGES) {
		cli_usage("over %d images", LIMIT_BACKUP_IMAGES);
		return CLI_REFUSED;
	}
	if (r->image_n == r->image_cap) {
		r->image_cap = r->image_cap == 0 ? 64 : r->image_cap * 2;
		p = reallocarray(r->image, r->image_cap, sizeof(*p));
		if (p == NULL) {
			cli_usage("%s", err_text(ERR_NOMEM));
			return CLI_REFUSED;
		}
		r->image = p;
	}
	p = &r->image[r->image_n++];
	memcpy(p->digest, m->digest, 32);
	p->size = m->size;
	return CLI_OK;
}

static int
list_images(struct backup_run *r)
{
	struct client_req rq = {.method = CLIENT_GET, .path = "a/images"};

	client_query(&rq, "limit=%d", LIMIT_PAGE);
	return client_list(r->client, &rq, &msg_image, note_image, r);
}

/* One that the daemon has lost is one less, and told. */
static int
fetch_image(struct backup_run *r, const struct backup_file *f, bool *ret_have)
{
	struct client_req rq = {.method = CLIENT_GET, .sink = on_piece,
	    .arg = r};
	struct client_answer a = {.code = 0};
	char name[BACKUP_IMAGE_PATH], hex[65];
	int rc;

	*ret_have = true;
	backup_image_path(f->digest, name);
	if (backup_dir_have(&r->dir, name, f))
		return CLI_OK;
	rc = backup_out_open(&r->out, &r->dir, name, 0);
	if (rc != CLI_OK)
		return rc;
	text_hex(slice_of(f->digest, 32), hex, sizeof(hex));
	snprintf(r->what, sizeof(r->what), "image %.12s", hex);
	r->done = 0;
	r->total = f->size;
	client_path(&rq, "a", "images", hex, "data", NULL);
	rc = client_try(r->client, &rq, &a);
	if (rc == CLI_OK && a.code == 205) {
		r->fetched++;
		return backup_out_end(&r->out, f, true);
	}
	backup_out_abort(&r->out);
	*ret_have = false;
	if (r->broken || (a.code != 404 && a.code != 500))
		return rc != CLI_OK ? rc : CLI_REFUSED;
	cli_usage("image %s: the daemon has it no longer, or it is damaged; "
	    "upload it again", hex);
	return CLI_OK;
}

static int
fetch_images(struct backup_run *r)
{
	int rc = list_images(r);
	size_t n = 0;
	bool have;

	for (size_t i = 0; rc == CLI_OK && i < r->image_n; i++) {
		rc = fetch_image(r, &r->image[i], &have);
		if (rc == CLI_OK && have)
			r->image[n++] = r->image[i];
	}
	if (rc != CLI_OK)
		return rc;
	r->b.missing = r->m.lost + r->image_n - n;
	r->image_n = n;
	for (size_t i = 0; i < n; i++)
		r->b.image_bytes += r->image[i].size;
	return CLI_OK;
}

/* --- the rest --- */

/*
 * The operators' keys come from the daemon's own file, when this is where it
 * lies: it does not give them away over the network.
 */
static int
take_keys(struct backup_run *r)
{
	const char *file = client_key_file(r->client);
	struct digest d;
	struct slice s;
	int rc;

	if (r->cli->psk_file != NULL)
		return CLI_OK;
	rc = cli_read(file, LIMIT_OPERATORS_FILE, &s);
	if (rc != 0) {
		cli_usage("%s: %s", file, err_text(rc));
		return CLI_REFUSED;
	}
	rc = digest_compute(DIGEST_SHA256, s, &d) != 0 ? CLI_REFUSED :
	    backup_dir_stage(&r->dir, BACKUP_KEYS, s);
	r->b.have_keys = true;
	memcpy(r->b.keys.digest, d.b, 32);
	r->b.keys.size = s.n;
	explicit_bzero((void *)s.p, s.n);
	free((void *)s.p);
	return rc;
}

static int
stage_index(struct backup_run *r)
{
	size_t cap = 2 * BACKUP_PIECE + r->image_n * 128;
	uint8_t *p = malloc(cap);
	struct buf out = buf_of(p, cap);
	int rc = CLI_REFUSED;

	if (p == NULL)
		return cli_usage("%s", err_text(ERR_NOMEM)), CLI_REFUSED;
	snprintf(r->b.version, sizeof(r->b.version), "%s", r->m.version);
	r->b.schema = (int)r->m.schema;
	r->b.created = r->m.created;
	if (r->m.audit[0] != '\0' &&
	    audit_head_parse(slice_str(r->m.audit), &r->b.audit) != 0)
		r->b.audit.n = 0; /* of a newer daemon, that says it in
		                     another way */
	backup_put_begin(&r->b, &out);
	for (size_t i = 0; i < r->image_n; i++)
		backup_put_image(&r->image[i], i == 0, &out);
	backup_put_end(&out);
	if (!out.over)
		rc = backup_dir_stage(&r->dir, BACKUP_FILE, buf_slice(&out));
	free(p);
	return rc;
}

/* All that takes room is there: until here the last backup stands, and from
 * here to the end there is none, since its backup.json never stands beside
 * another database or other keys. */
static int
write_end(struct backup_run *r)
{
	int rc = backup_dir_void(&r->dir);

	if (rc == CLI_OK)
		rc = backup_out_place(&r->dir, BACKUP_DB);
	if (rc == CLI_OK)
		rc = r->b.have_keys ? backup_out_place(&r->dir, BACKUP_KEYS) :
		    backup_dir_drop(&r->dir, BACKUP_KEYS);
	return rc == CLI_OK ? backup_dir_end(&r->dir) : rc;
}

/* Good from here on, whether or not the daemon hears of it. */
static int
tell_daemon(struct backup_run *r)
{
	struct client_req rq = {.method = CLIENT_POST};
	struct client_answer a;

	client_path(&rq, "a", "backup", r->m.id, "done", NULL);
	return client_call(r->client, &rq, &a);
}

/*
 * The new backup stands. Images that the daemon has lost may be here, of an
 * earlier one: it does not know which it would miss.
 */
static int
prune(struct backup_run *r)
{
	if (!r->prune)
		return CLI_OK;
	if (r->b.missing == 0)
		return backup_dir_prune(&r->dir, r->image, r->image_n,
		    &r->pruned);
	cli_usage("nothing was pruned, for the daemon has lost images");
	return CLI_OK;
}

static void
say(const char *dir, const struct backup *b)
{
	char at[32], db[32], images[32], head[AUDIT_HEAD_TEXT];

	printf("%s: backup of %s UTC, suitd %s\n", dir, render_time(at,
	    sizeof(at), b->created), b->version);
	render_linef(stdout, "database", "%s, schema %d", render_bytes(db,
	    sizeof(db), b->db.size), b->schema);
	render_linef(stdout, "images", "%" PRIu64 ", %s", b->images,
	    render_bytes(images, sizeof(images), b->image_bytes));
	if (b->audit.n > 0)
		render_linef(stdout, "audit", "head %s: keep it elsewhere",
		    audit_head_text(&b->audit, head));
	if (b->missing > 0)
		render_linef(stdout, "MISSING", "%" PRIu64 " images that the "
		    "daemon had lost already", b->missing);
	render_line(stdout, "keys", b->have_keys ?
	    "devices' and operators' (admin.psk): keep it as secret as they "
	    "are" : "devices': keep it as secret as they are; operators' "
	    "keys (admin.psk) are not in it");
}

static void
say_done(struct backup_run *r)
{
	char bytes[32];

	if (r->cli->json) {
		json_print(stdout, &msg_backup, &r->m);
		return;
	}
	r->b.images = r->image_n;
	say(r->dir.path, &r->b);
	render_linef(stdout, "fetched", "%" PRIu64 " images that were not "
	    "there yet", r->fetched);
	if (r->prune)
		render_linef(stdout, "pruned", "%" PRIu64 " images of earlier "
		    "ones, %s", r->pruned.images, render_bytes(bytes,
		    sizeof(bytes), r->pruned.bytes));
}

static int
run(struct backup_run *r)
{
	static int (*const steps[])(struct backup_run *r) = {
		ask_snapshot, wait_snapshot, fetch_database, fetch_images,
		take_keys, stage_index, write_end, prune, tell_daemon,
	};
	int rc = CLI_OK;

	for (size_t i = 0; rc == CLI_OK &&
	    i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](r);
	if (rc == CLI_OK)
		rc = backup_dir_over(&r->dir);
	if (rc != CLI_OK)
		return rc;
	say_done(r);
	return r->b.missing == 0 ? CLI_OK : CLI_REFUSED;
}

static int
verify(struct cli *c, const char *dir)
{
	struct backup b;
	int rc = backup_dir_verify(dir, &b);

	if (rc == CLI_OK && !c->json)
		say(dir, &b);
	return rc;
}

int
cmd_backup(struct cli *c, int argc, char **argv)
{
	static struct backup_run r;
	bool only_verify = false;
	const struct cli_opt opts[] = {
		{.name = "--verify", .flag = &only_verify},
		{.name = "--prune", .flag = &r.prune},
		{.name = NULL},
	};
	int rc;

	if (cli_opts(opts, argc, argv, 1, 1) < 0)
		return CLI_USAGE;
	if (only_verify && r.prune)
		return cli_usage("--verify changes nothing, and --prune does"),
		    CLI_USAGE;
	if (only_verify)
		return verify(c, argv[0]);
	r.cli = c;
	r.out.fd = -1;
	rc = backup_dir_open(&r.dir, argv[0]);
	if (rc == CLI_OK)
		rc = client_open(c, &r.client);
	if (rc == CLI_OK)
		rc = run(&r);
	client_close(r.client);
	backup_dir_close(&r.dir);
	free(r.image);
	return rc;
}
