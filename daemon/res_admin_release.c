/* Releases and images: what can be served. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/admin_scope.h"
#include "daemon/backup.h"
#include "daemon/catalog.h"
#include "daemon/place.h"
#include "daemon/publish.h"
#include "daemon/res_admin.h"
#include "lib/text.h"

static int
list_fetch(struct app *app, void *filter, size_t limit, void *items,
    size_t *ret_n)
{
	return ST(app, release_list, *(uint64_t *)filter, limit, items,
	    ret_n);
}

static void
list_advance(void *filter, const void *item)
{
	*(uint64_t *)filter = ((const struct store_release *)item)->id;
}

/* A release, and what the trust list says of it. */
static void
render(struct app *app, const struct store_release *r, struct msg_release *m)
{
	const struct why *why = catalog_refused(app->catalog, r->id);

	admin_msg_release(r, m);
	if (why != NULL)
		snprintf(m->refused, sizeof(m->refused), "%s", why->text);
}

static int
list_render(struct app *app, const void *item, void *msg)
{
	render(app, item, msg);
	return 0;
}

static void
list_cursor(const void *item, char dst[MSG_CURSOR])
{
	snprintf(dst, MSG_CURSOR, "%" PRIu64,
	    ((const struct store_release *)item)->id);
}

static int
put_release(struct app *app, const struct req *req, struct resp *resp,
    const struct publish_result *r)
{
	static struct msg_release m;

	render(app, &r->release, &m);
	admin_msg_payloads(r->payload, r->payload_count, &m);
	m.note_count = r->note_count;
	for (size_t i = 0; i < r->note_count && i < MSG_NOTES; i++)
		snprintf(m.note[i], sizeof(m.note[i]), "%s", r->note[i]);
	m.exists = r->exists;
	return admin_put(req, resp, &msg_release, &m);
}

/* Publishing again what is published is a success that changes nothing, so
 * that a script may repeat itself. */
static int
release_publish(struct app *app, const struct req *req, struct resp *resp)
{
	static struct publish_result r;
	struct publish_opts o = {
		.force = admin_flag(req, "force"),
		.dry_run = admin_flag(req, "dry_run") ||
		    admin_flag(req, "before_upload"),
		.before_upload = admin_flag(req, "before_upload"),
		.staged = admin_flag(req, "staged"),
		.by = req->who.identity,
		.scope = &req->who.scope,
	};
	struct store_event ev = {.what = "published"};
	char hex[65];
	int rc = o.staged ? 0 : admin_owns_classes(req, &resp->why);

	if (rc != 0)
		return rc;
	memset(&r, 0, sizeof(r));
	if (o.dry_run) {
		rc = publish_envelope(app, req->body, &o, &r, &resp->why);
		return rc == 0 || rc == ERR_EXISTS ?
		    put_release(app, req, resp, &r) : rc;
	}
	rc = admin_begin(app);
	if (rc != 0)
		return rc;
	rc = publish_envelope(app, req->body, &o, &r, &resp->why);
	ev.release = r.release.id;
	text_hex(slice_of(r.release.digest, 32), hex, sizeof(hex));
	snprintf(ev.detail, sizeof(ev.detail), "sequence %" PRIu64 " of %s, "
	    "manifest %s", r.release.seq, r.release.author, hex);
	rc = admin_end(app, req, resp, &ev, rc);
	if (rc == ERR_EXISTS) {
		resp->code = 204;
		return put_release(app, req, resp, &r);
	}
	if (rc != 0)
		return rc;
	resp->code = 201;
	snprintf(resp->location, sizeof(resp->location),
	    "a/releases/%" PRIu64, r.release.id);
	return put_release(app, req, resp, &r);
}

int
res_admin_releases(struct app *app, const struct req *req, struct resp *resp)
{
	static const struct admin_list list = {&msg_release,
	    sizeof(struct store_release), list_fetch, list_advance,
	    list_render, list_cursor};
	uint64_t before;
	int rc;

	if (req->method == M_POST)
		return release_publish(app, req, resp);
	rc = admin_query_u64(req, "after", 0, &before, &resp->why);
	return rc != 0 ? rc : admin_page(app, req, resp, &list, &before);
}

int
res_admin_release(struct app *app, const struct req *req, struct resp *resp)
{
	static struct publish_result r;
	struct store_event ev = {.what = "withdrawn"};
	int rc;

	memset(&r, 0, sizeof(r));
	rc = admin_release(app, (struct admin_named){req, req->arg[0]},
	    &r.release, &resp->why);
	if (rc != 0)
		return rc;
	if (req->method == M_GET) {
		rc = ST(app, release_payloads, r.release.id, r.payload,
		    LIMIT_DOWNLOADS, &r.payload_count);
		return rc != 0 ? rc : put_release(app, req, resp, &r);
	}
	rc = admin_owns_classes(req, &resp->why);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	ev.release = r.release.id;
	rc = publish_withdraw(app, r.release.id, &resp->why);
	return admin_end(app, req, resp, &ev, rc);
}

/* --- images: in the order of their digests --- */

struct image_item {
	uint8_t digest[32];
	uint64_t size;
};

struct image_filter {
	bool any; /* `after` counts */
	uint8_t after[32];
	struct image_item *best; /* the smallest digests behind `after` */
	size_t n, cap;
};

/* Keeps the smallest in order; the blob store has no order of its own. */
static int
image_seen(void *arg, const uint8_t digest[32], uint64_t size)
{
	struct image_filter *f = arg;
	size_t i = f->n;

	if (f->any && memcmp(digest, f->after, 32) <= 0)
		return 0;
	while (i > 0 && memcmp(digest, f->best[i - 1].digest, 32) < 0)
		i--;
	if (i == f->cap)
		return 0;
	if (f->n < f->cap)
		f->n++;
	memmove(&f->best[i + 1], &f->best[i],
	    (f->n - i - 1) * sizeof(f->best[0]));
	memcpy(f->best[i].digest, digest, 32);
	f->best[i].size = size;
	return 0;
}

static int
image_fetch(struct app *app, void *filter, size_t limit, void *items,
    size_t *ret_n)
{
	struct image_filter *f = filter;
	int rc;

	f->best = items;
	f->cap = limit;
	f->n = 0;
	rc = blob_foreach(app->blobs, image_seen, f);
	if (rc == 0)
		*ret_n = f->n;
	return rc;
}

static void
image_advance(void *filter, const void *item)
{
	struct image_filter *f = filter;

	f->any = true;
	memcpy(f->after, ((const struct image_item *)item)->digest, 32);
}

static int
image_render(struct app *app, const void *item, void *msg)
{
	const struct image_item *i = item;
	struct msg_image *m = msg;

	memcpy(m->digest, i->digest, 32);
	m->size = i->size;
	return ST(app, image_needed, i->digest, &m->needed);
}

static void
image_cursor(const void *item, char dst[MSG_CURSOR])
{
	text_hex(slice_of(((const struct image_item *)item)->digest, 32), dst,
	    MSG_CURSOR);
}

int
admin_image_digest(struct slice text, uint8_t ret[32], struct why *why)
{
	struct buf b = buf_of(ret, 32);
	int rc = text.n == 64 ? text_unhex(text, &b) : text_unb64u(text, &b);

	if (rc != 0 || b.n != 32)
		return why_set(why, ERR_INVALID, "an image is named by its "
		    "SHA-256: 64 hex digits, or base64url");
	return 0;
}

static bool
image_keep(void *arg, const uint8_t digest[32])
{
	struct app *app = arg;
	bool needed = true;

	return ST(app, image_needed, digest, &needed) != 0 || needed;
}

/* Drops the images that nothing needs; asked for by an operator, since an
 * image that was just uploaded is not needed yet either. */
static int
images_clean(struct app *app, const struct req *req, struct resp *resp)
{
	struct store_event ev = {.what = "images cleaned"};
	size_t n = 0;
	int rc;

	if (backup_holds(app))
		return why_set(&resp->why, ERR_STATE, "a backup is being made "
		    "and wants them; clean after it");
	rc = blob_gc(app->blobs, image_keep, app, &n);

	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	snprintf(ev.detail, sizeof(ev.detail), "%zu dropped", n);
	resp->cf = CF_TEXT;
	buf_puts(&resp->out, ev.detail);
	return admin_end(app, req, resp, &ev, 0);
}

int
res_admin_images(struct app *app, const struct req *req, struct resp *resp)
{
	static const struct admin_list list = {&msg_image,
	    sizeof(struct image_item), image_fetch, image_advance,
	    image_render, image_cursor};
	struct slice after = admin_query(req, "after");
	struct image_filter f = {.any = after.p != NULL};
	int rc = 0;

	if (req->method == M_POST)
		return images_clean(app, req, resp);
	if (f.any)
		rc = admin_image_digest(after, f.after, &resp->why);
	return rc != 0 ? rc : admin_page(app, req, resp, &list, &f);
}

/* It is on the disk. */
static int
image_placed(struct app *app, const struct req *req, struct resp *resp)
{
	struct store_event ev = {.what = "image uploaded"};
	uint64_t size = blob_put_size(resp->upload);
	uint8_t digest[32];
	char hex[65];
	int rc = blob_put_finish(resp->upload, digest, &resp->why);

	resp->upload = NULL;
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	text_hex(slice_of(digest, 32), hex, sizeof(hex));
	snprintf(ev.detail, sizeof(ev.detail), "%s, %" PRIu64 " bytes", hex,
	    size);
	return admin_end(app, req, resp, &ev, 0);
}

/* A body of one datagram is an upload, too. */
static int
image_begin(struct app *app, const struct req *req, struct resp *resp)
{
	int rc = blob_put_begin(app->blobs, &resp->upload);

	if (rc == 0)
		rc = blob_put_write(resp->upload, req->body);
	return rc == 0 ? 0 : why_set(&resp->why, rc, "image of %zu bytes: %s",
	    req->body.n, err_text(rc));
}

static int
image_put(struct app *app, const struct req *req, struct resp *resp,
    const uint8_t digest[32])
{
	int rc = 0;

	if (resp->waited)
		return image_placed(app, req, resp);
	if (resp->upload == NULL)
		rc = image_begin(app, req, resp);
	if (rc != 0)
		return rc;
	rc = blob_put_seal(resp->upload, digest);
	if (rc != 0)
		return why_set(&resp->why, rc, "image: %s", err_text(rc));
	rc = place_start(app, resp->upload, &resp->wait);
	if (rc == 0 && resp->wait == 0)
		return image_placed(app, req, resp);
	if (rc == 0)
		resp->upload = NULL;
	return rc;
}

int
res_admin_image(struct app *app, const struct req *req, struct resp *resp)
{
	struct msg_image m = {.size = 0};
	int rc = admin_image_digest(slice_str(req->arg[0]), m.digest, &resp->why);

	if (rc != 0)
		return rc;
	if (req->method == M_PUT)
		return image_put(app, req, resp, m.digest);
	if (!blob_have(app->blobs, m.digest, &m.size))
		return why_set(&resp->why, ERR_NOT_FOUND, "no such image here; "
		    "`suitctl publish ENVELOPE --payload FILE` uploads it");
	rc = ST(app, image_needed, m.digest, &m.needed);
	return rc != 0 ? rc : admin_put(req, resp, &msg_image, &m);
}

int
res_admin_release_offer(struct app *app, const struct req *req,
    struct resp *resp)
{
	static struct store_release r;
	static struct msg_release m;
	struct store_event ev = {.what = "release offered"};
	int rc = admin_release(app, (struct admin_named){req, req->arg[0]},
	    &r, &resp->why);

	if (rc == 0)
		rc = admin_owns_classes(req, &resp->why);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	ev.release = r.id;
	rc = publish_offer(app, r.id, &resp->why);
	rc = admin_end(app, req, resp, &ev, rc);
	if (rc == 0)
		rc = ST(app, release_get, r.id, &r);
	if (rc != 0)
		return rc;
	render(app, &r, &m);
	return admin_put(req, resp, &msg_release, &m);
}
