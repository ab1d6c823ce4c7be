/*
 * Images: i/{d} by digest, and every path that a published manifest names on
 * this host. No SQL, nothing allocated; a damaged or missing image is an
 * error for itself alone.
 */
#include "daemon/res.h"

#include "daemon/catalog.h"
#include "daemon/image.h"

/* One that has to be hashed first is answered when it is, however late: 5.03
 * would end a download. */
int
res_image_serve(struct app *app, const uint8_t digest[32],
    const struct req *req, struct resp *resp)
{
	struct image_opened im = {NULL, 0};
	int rc = res_opaque(req, resp);

	if (rc != 0)
		return rc;
	if (resp->waited_err != 0)
		return image_fail(digest, resp->waited_err, &resp->why);
	rc = image_open(app, digest, &im, &resp->why);
	if (rc == ERR_BUSY) {
		resp->wait = im.ticket;
		resp->drop = im.ticket == 0;
		return 0;
	}
	if (rc != 0)
		return rc;
	resp->image = im.blob;
	resp->etag_len = sizeof(resp->etag);
	memcpy(resp->etag, digest, sizeof(resp->etag));
	return 0;
}

static int
explain(int rc, struct why *why)
{
	*why = *image_why(rc);
	return why->err;
}

int
res_image(struct app *app, const struct req *req, struct resp *resp)
{
	const struct image_name *img;
	size_t n, at;
	int rc;

	img = catalog_images(app->catalog, &n);
	rc = image_find_text(img, n, slice_str(req->arg[0]), &at);
	return rc != 0 ? explain(rc, &resp->why) :
	    res_image_serve(app, img[at].digest, req, resp);
}

int
res_rest(struct app *app, const struct req *req, struct resp *resp)
{
	uint8_t digest[32];
	int rc = image_by_path(app->catalog, req->path, digest);

	if (rc != 0)
		return explain(rc, &resp->why);
	if (req->method != M_GET)
		return why_set(&resp->why, ERR_METHOD, "images are read only");
	return res_image_serve(app, digest, req, resp);
}
