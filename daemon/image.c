#include "daemon/image.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/catalog.h"
#include "daemon/checks.h"
#include "daemon/log.h"
#include "lib/text.h"
#include "lib/uri.h"

static int
by_prefix(const struct image_name *img, size_t n, struct slice prefix,
    size_t *ret)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (memcmp(img[mid].digest, prefix.p, prefix.n) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == n || memcmp(img[lo].digest, prefix.p, prefix.n) != 0)
		return ERR_NOT_FOUND;
	if (lo + 1 < n &&
	    memcmp(img[lo + 1].digest, prefix.p, prefix.n) == 0)
		return ERR_RANGE;
	if (!img[lo].live)
		return ERR_STATE;
	*ret = lo;
	return 0;
}

int
image_find(const struct image_name *img, size_t n, struct slice prefix,
    size_t *ret)
{
	if (prefix.n < IMAGE_PREFIX || prefix.n > 32)
		return ERR_RANGE;
	return by_prefix(img, n, prefix, ret);
}

int
image_find_mark(const struct image_name *img, size_t n,
    const uint8_t mark[8], size_t *ret)
{
	return by_prefix(img, n, slice_of(mark, 8), ret);
}

int
image_find_text(const struct image_name *img, size_t n, struct slice text,
    size_t *ret)
{
	uint8_t raw[32];
	struct buf b = buf_of(raw, sizeof(raw));

	if (text_unb64u(text, &b) != 0)
		return ERR_RANGE;
	return image_find(img, n, buf_slice(&b), ret);
}

static int
cmp_path(const void *key, const void *elem)
{
	return strcmp(key, ((const struct image_path *)elem)->name);
}

static int
find_path(const struct image_path *p, size_t n, const char *path,
    size_t *ret)
{
	const struct image_path *hit = n == 0 ? NULL :
	    bsearch(path, p, n, sizeof(*p), cmp_path);

	if (hit == NULL)
		return ERR_NOT_FOUND;
	if (!hit->live)
		return ERR_STATE;
	*ret = (size_t)(hit - p);
	return 0;
}

int
image_find_path(const struct image_path *p, size_t n, const char *path,
    size_t *ret)
{
	char loose[LIMIT_PATH + 1];
	int rc = find_path(p, n, path, ret);

	if (rc != ERR_NOT_FOUND || strchr(path, '%') == NULL)
		return rc;
	snprintf(loose, sizeof(loose), "%s", path);
	uri_path_loose(loose);
	return find_path(p, n, loose, ret);
}

int
image_by_path(const struct catalog *c, const char *path,
    uint8_t ret_digest[32])
{
	size_t n, at;
	const struct image_path *p = catalog_paths(c, &n);
	int rc = image_find_path(p, n, path, &at);

	if (rc == 0)
		memcpy(ret_digest, p[at].digest, 32);
	return rc;
}

#define STR_(x) #x
#define STR(x) STR_(x)

const struct why *
image_why(int err)
{
	static const struct why withdrawn = {ERR_NOT_FOUND,
	    "the release with this image was "
	    "withdrawn, or the trust list does not allow it"};
	static const struct why unknown = {ERR_NOT_FOUND,
	    "no such image or path"};
	static const struct why bad = {ERR_INVALID, "i/{d}: at least "
	    STR(IMAGE_PREFIX) " bytes of the SHA-256 in base64url"};

	return err == ERR_STATE ? &withdrawn :
	    err == ERR_NOT_FOUND ? &unknown : &bad;
}

int
image_fail(const uint8_t digest[32], int err, struct why *why)
{
	char hex[17];

	log_error("image: digest=%s cannot be served: %s",
	    text_hex(slice_of(digest, 8), hex, sizeof(hex)), err_text(err));
	if (err == ERR_NOT_FOUND)
		return why_set(why, ERR_CORRUPT,
		    "the server has lost this image");
	if (err == ERR_CORRUPT)
		return why_set(why, err,
		    "the server's copy of this image is damaged");
	return err;
}

int
image_open(struct app *app, const uint8_t digest[32],
    struct image_opened *ret, struct why *why)
{
	int rc;

	ret->ticket = 0;
	rc = blob_get(app->blobs, digest, &ret->blob);
	if (rc == ERR_BUSY) {
		rc = checks_ask(app, digest, &ret->ticket);
		if (rc == 0 || rc == ERR_LIMIT || rc == ERR_NOMEM)
			return ERR_BUSY;
	}
	return rc == 0 ? 0 : image_fail(digest, rc, why);
}
