/*
 * Images: i/{d} by digest, and every path that a published manifest names on
 * this host. No SQL, nothing allocated; a damaged or missing image is an
 * error for itself alone.
 */
#include "daemon/res.h"

#include "daemon/catalog.h"
#include "daemon/log.h"
#include "lib/text.h"

static int
serve(struct app *app, const uint8_t digest[32], const struct req *req,
    struct resp *resp)
{
	char hex[17];
	int rc = res_opaque(req, resp);

	if (rc != 0)
		return rc;
	rc = blob_get(app->blobs, digest, &resp->image);
	if (rc == 0) {
		resp->etag_len = sizeof(resp->etag);
		memcpy(resp->etag, digest, sizeof(resp->etag));
		return 0;
	}
	log_error("image: digest=%s cannot be served: %s",
	    text_hex(slice_of(digest, 8), hex, sizeof(hex)), err_text(rc));
	if (rc == ERR_NOT_FOUND)
		return why_set(&resp->why, ERR_CORRUPT,
		    "the server has lost this image");
	if (rc == ERR_CORRUPT)
		return why_set(&resp->why, rc,
		    "the server's copy of this image is damaged");
	return rc;
}

static int
explain(int rc, struct why *why)
{
	if (rc == ERR_STATE)
		return why_set(why, ERR_NOT_FOUND,
		    "the release with this image was withdrawn");
	if (rc == ERR_NOT_FOUND)
		return why_set(why, rc, "no such image or path");
	return why_set(why, ERR_INVALID, "i/{d}: at least %d bytes of the "
	    "SHA-256 in base64url", CATALOG_PREFIX);
}

int
res_image(struct app *app, const struct req *req, struct resp *resp)
{
	uint8_t raw[32], digest[32];
	struct buf b = buf_of(raw, sizeof(raw));
	int rc = text_unb64u(slice_str(req->arg[0]), &b);

	rc = rc != 0 ? ERR_RANGE : catalog_prefix(app->catalog, buf_slice(&b),
	    digest);
	return rc != 0 ? explain(rc, &resp->why) : serve(app, digest, req,
	    resp);
}

/* Some devices put the whole path into one option: %2F means '/' then. */
int
res_rest(struct app *app, const struct req *req, struct resp *resp)
{
	uint8_t digest[32];
	char loose[LIMIT_PATH + 1];
	int rc = catalog_path(app->catalog, req->path, digest);

	if (rc == ERR_NOT_FOUND && strchr(req->path, '%') != NULL) {
		memcpy(loose, req->path, sizeof(loose));
		uri_path_loose(loose);
		rc = catalog_path(app->catalog, loose, digest);
	}
	if (rc != 0)
		return explain(rc, &resp->why);
	if (req->method != M_GET)
		return why_set(&resp->why, ERR_METHOD, "images are read only");
	return serve(app, digest, req, resp);
}
