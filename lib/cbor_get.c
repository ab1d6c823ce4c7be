/*
 * Typed getters and iteration, on cbr_peek alone. Each moves the cursor
 * only when it has what was asked for.
 */
#include "lib/cbor.h"

enum { BREAK = 0xff }; /* RFC 8949 3.2.1 */

static int
get(struct cbr *c, enum cbr_type type, struct cbr_item *ret_item)
{
	struct cbr_item it;
	int rc;

	if ((rc = cbr_peek(c, &it)) != 0)
		return rc;
	if (it.type != type)
		return ERR_TYPE;
	c->pos += it.raw.n;
	*ret_item = it;
	return 0;
}

static int
get_u(struct cbr *c, enum cbr_type type, uint64_t *ret)
{
	struct cbr t = *c;
	struct cbr_item it;
	int rc;

	if ((rc = get(&t, type, &it)) != 0)
		return rc;
	if (it.indefinite)
		return ERR_INDEFINITE;
	*c = t;
	*ret = it.u;
	return 0;
}

static int
get_str(struct cbr *c, enum cbr_type type, struct slice *ret)
{
	struct cbr_item it;
	int rc;

	if ((rc = get(c, type, &it)) != 0)
		return rc;
	*ret = it.str;
	return 0;
}

int
cbr_get_uint(struct cbr *c, uint64_t *ret)
{
	return get_u(c, CBR_UINT, ret);
}

int
cbr_get_int(struct cbr *c, int64_t *ret)
{
	struct cbr_item it;
	int rc;

	if ((rc = cbr_peek(c, &it)) != 0)
		return rc;
	if (it.type != CBR_UINT && it.type != CBR_NINT)
		return ERR_TYPE;
	if (it.u > INT64_MAX)
		return ERR_RANGE;
	c->pos += it.raw.n;
	*ret = it.type == CBR_UINT ? (int64_t)it.u : -1 - (int64_t)it.u;
	return 0;
}

int
cbr_get_bool(struct cbr *c, bool *ret)
{
	uint64_t u;
	int rc;

	if ((rc = get_u(c, CBR_BOOL, &u)) != 0)
		return rc;
	*ret = u != 0;
	return 0;
}

int
cbr_get_null(struct cbr *c)
{
	struct cbr_item it;

	return get(c, CBR_NULL, &it);
}

int
cbr_get_bstr(struct cbr *c, struct slice *ret)
{
	return get_str(c, CBR_BSTR, ret);
}

int
cbr_get_tstr(struct cbr *c, struct slice *ret)
{
	return get_str(c, CBR_TSTR, ret);
}

int
cbr_get_tag(struct cbr *c, uint64_t *ret)
{
	return get_u(c, CBR_TAG, ret);
}

int
cbr_get_array(struct cbr *c, uint64_t *ret_count)
{
	return get_u(c, CBR_ARRAY, ret_count);
}

int
cbr_get_map(struct cbr *c, uint64_t *ret_count)
{
	return get_u(c, CBR_MAP, ret_count);
}

int
cbr_enter(struct cbr *c, enum cbr_type type, struct cbr_iter *ret_it)
{
	struct cbr_item it;
	int rc;

	if ((rc = get(c, type, &it)) != 0)
		return rc;
	*ret_it = (struct cbr_iter){it.u, it.indefinite, 0};
	return 0;
}

bool
cbr_more(struct cbr *c, struct cbr_iter *it)
{
	if (it->err != 0)
		return false;
	if (!it->indefinite)
		return it->left > 0 && it->left-- > 0;
	if (cbr_end(c)) {
		it->err = ERR_TRUNCATED;
		return false;
	}
	if (c->in.p[c->pos] != BREAK)
		return true;
	c->pos++;
	it->indefinite = false;
	return false;
}
