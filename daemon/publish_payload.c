/*
 * The downloads of a manifest. The URI is signed, so that this server cannot
 * change it: it can only serve the path that the author wrote, and refuse a
 * manifest whose path it could not serve.
 *
 * An encrypted payload has its plaintext's digest in the manifest. It is
 * served when its path is the content address of what was uploaded (i/{d});
 * else it cannot be told which upload is meant.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/catalog.h"
#include "daemon/image.h"
#include "daemon/publish_impl.h"
#include "lib/text.h"
#include "lib/uri.h"

void
publish_note(struct publish *p, const char *fmt, ...)
{
	va_list ap;

	if (p->r.note_count == PUBLISH_NOTES)
		return;
	va_start(ap, fmt);
	vsnprintf(p->r.note[p->r.note_count], sizeof(p->r.note[0]), fmt, ap);
	va_end(ap);
	p->r.note_count++;
}

/* Host of a "HOST:PORT" or of a URI. */
static bool
same_host(const char *listen, const struct uri *u)
{
	struct slice host = slice_str(listen);
	const char *colon = strrchr(listen, ':');

	if (colon == NULL)
		return false;
	host.n = (size_t)(colon - listen);
	if (host.n >= 2 && host.p[0] == '[')
		host = slice_sub(host, 1, host.n - 2);
	return host.n == u->host.n && host.n > 0 &&
	    strncasecmp((const char *)host.p, (const char *)u->host.p,
	    host.n) == 0;
}

static bool
our_host(const struct conf *c, const struct uri *u)
{
	struct uri pub;

	if (u->scheme == URI_NONE)
		return true;
	if (c->public_uri[0] != '\0' &&
	    uri_parse(slice_str(c->public_uri), &pub, NULL) == 0 &&
	    pub.host.n == u->host.n && strncasecmp((const char *)pub.host.p,
	    (const char *)u->host.p, pub.host.n) == 0)
		return true;
	return same_host(c->listen_coap, u) || same_host(c->listen_coaps, u) ||
	    same_host(c->listen_tcp, u);
}

/* "i/{d}" whose d are the first bytes of this digest. */
static bool
content_address(const char *path, const uint8_t digest[32])
{
	uint8_t raw[32];
	struct buf b = buf_of(raw, sizeof(raw));

	return strncmp(path, "i/", 2) == 0 &&
	    text_unb64u(slice_str(path + 2), &b) == 0 && !b.over &&
	    b.n >= IMAGE_PREFIX && memcmp(raw, digest, b.n) == 0;
}

/* An alias below the first segment of a route is never reached; nor one in
 * what the front answers itself, or what PROTOCOL.md keeps for later. */
static bool
taken(const char *path)
{
	static const char *const others[] = {".well-known", "s"};
	size_t n = strcspn(path, "/");

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strlen(others[i]) == n && memcmp(path, others[i], n) == 0)
			return true;
	for (const struct route *r = routes_device; r->path != NULL; r++) {
		size_t k = strcspn(r->path, "/");

		if (r->path[0] != '{' && n == k &&
		    memcmp(path, r->path, n) == 0)
			return true;
	}
	return false;
}

static int
check_path(struct publish *p, const struct manifest_download *d,
    struct store_payload *pay)
{
	uint8_t other[32];

	if (pay->path[0] == '\0')
		return why_set(p->why, ERR_INVALID,
		    "download %s: has no path to serve it at", pay->uri);
	if (d->uri.n > 0 && strlen(pay->path) > 64)
		publish_note(p, "path of %zu bytes: RIOT devices take 64",
		    strlen(pay->path));
	if (content_address(pay->path, pay->digest))
		return 0;
	if (taken(pay->path))
		return why_set(p->why, ERR_CONFLICT,
		    "download %s: this path belongs to the server itself",
		    pay->uri);
	if (catalog_path(p->app->catalog, pay->path, other) == 0 &&
	    memcmp(other, pay->digest, 32) != 0)
		return why_set(p->why, ERR_CONFLICT,
		    "download %s: this path serves other bytes already, and "
		    "a path never changes its bytes", pay->uri);
	return 0;
}

/* Is what devices will get there, with this digest and size? */
static int
check_bytes(struct publish *p, const struct manifest_download *d,
    struct store_payload *pay)
{
	uint64_t size;

	if (d->digest.alg == 0)
		return why_set(p->why, ERR_MISSING,
		    "download %s: no image digest (SUIT 8.4.8.6)", pay->uri);
	if (d->digest.alg != DIGEST_SHA256)
		return why_set(p->why, ERR_UNSUPPORTED,
		    "download %s: served images are known by SHA-256, the "
		    "manifest uses another digest", pay->uri);
	memcpy(pay->digest, d->digest.b, 32);
	if (!blob_have(p->app->blobs, pay->digest, &size)) {
		if (p->opts->before_upload) {
			pay->size = d->have_size ? d->size : 0;
			return check_path(p, d, pay);
		}
		return why_set(p->why, ERR_DIGEST,
		    "download %s: no image with this digest was uploaded",
		    pay->uri);
	}
	pay->size = size;
	if (d->have_size && d->size != size)
		return why_set(p->why, ERR_SIZE,
		    "download %s: the image has %llu bytes, the manifest "
		    "says %llu", pay->uri, (unsigned long long)size,
		    (unsigned long long)d->size);
	return check_path(p, d, pay);
}

static int
encrypted(struct publish *p, struct store_payload *pay)
{
	uint8_t raw[32];
	struct buf b = buf_of(raw, sizeof(raw));

	pay->external = true;
	if (strncmp(pay->path, "i/", 2) == 0 &&
	    text_unb64u(slice_str(pay->path + 2), &b) == 0 && b.n == 32 &&
	    blob_have(p->app->blobs, raw, &pay->size)) {
		memcpy(pay->digest, raw, 32);
		pay->external = false;
		publish_note(p, "%.80s: encrypted, its plaintext's digest and "
		    "size are not checked", pay->uri);
	} else {
		pay->path[0] = '\0';
		publish_note(p, "%.80s: encrypted and not at i/DIGEST of an "
		    "upload: neither checked nor served here", pay->uri);
	}
	return 0;
}

/* Elsewhere: noted. An upload of that digest makes it ours. */
static int
foreign(struct publish *p, const struct manifest_download *d,
    const struct uri *u, struct store_payload *pay)
{
	if (u->scheme != URI_OTHER && d->digest.alg == DIGEST_SHA256 &&
	    blob_have(p->app->blobs, d->digest.b, NULL))
		return check_bytes(p, d, pay);
	pay->external = true;
	pay->path[0] = '\0';
	if (d->digest.alg == DIGEST_SHA256)
		memcpy(pay->digest, d->digest.b, 32);
	pay->size = d->have_size ? d->size : 0;
	publish_note(p, "%.100s: on another host, not checked", pay->uri);
	return 0;
}

static int
one(struct publish *p, const struct manifest_download *d)
{
	struct store_payload *pay = &p->r.payload[p->r.payload_count];
	struct uri u;
	int rc;

	memset(pay, 0, sizeof(*pay));
	if (d->uri.n > 0 && d->uri.p[0] == '#')
		return 0; /* integrated: manifest_check_integrated */
	if (!slice_to_cstr(d->uri, pay->uri, sizeof(pay->uri)))
		return why_set(p->why, ERR_SIZE,
		    "download: URI over %d bytes", LIMIT_URI);
	for (size_t i = 0; i < p->r.payload_count; i++)
		if (strcmp(p->r.payload[i].uri, pay->uri) == 0 &&
		    (d->digest.alg != DIGEST_SHA256 || memcmp(
		    p->r.payload[i].digest, d->digest.b, 32) == 0))
			return 0; /* fetched in two sections */
	rc = uri_parse(d->uri, &u, p->why);
	if (rc == 0 && u.scheme != URI_OTHER)
		rc = uri_path(&u, pay->path, sizeof(pay->path));
	if (rc != 0)
		return why_set(p->why, rc, "download: URI cannot be used");
	if (d->encrypted)
		rc = encrypted(p, pay);
	else if (our_host(&p->app->conf, &u))
		rc = check_bytes(p, d, pay);
	else
		rc = foreign(p, d, &u, pay);
	if (rc == 0)
		p->r.payload_count++;
	return rc;
}

/* Of the payloads that a component may take a device fetches one: the
 * largest counts. */
static uint64_t
image_bytes(const struct publish *p)
{
	uint64_t most[LIMIT_COMPONENTS] = {0}, sum = 0;

	for (size_t i = 0; i < p->plan.n; i++) {
		const struct manifest_download *d = &p->plan.d[i];

		for (size_t k = 0; k < p->r.payload_count; k++) {
			const struct store_payload *pay = &p->r.payload[k];

			if (!pay->external &&
			    slice_eq_str(d->uri, pay->uri) &&
			    pay->size > most[d->component])
				most[d->component] = pay->size;
		}
	}
	for (size_t i = 0; i < LIMIT_COMPONENTS; i++)
		sum += most[i];
	return sum;
}

int
publish_payloads(struct publish *p)
{
	int rc = manifest_check_integrated(&p->m, &p->plan, p->why);

	for (size_t i = 0; i < p->plan.n && rc == 0; i++)
		rc = one(p, &p->plan.d[i]);
	p->r.release.image_bytes = image_bytes(p);
	return rc;
}
