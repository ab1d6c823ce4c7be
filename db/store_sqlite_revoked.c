/* Certificates of clients that operators revoked. */
#include "db/store_sqlite.h"

static const char COUNT[] = "/* scans */ SELECT count(*) FROM cert_revoked";
static const char PUT[] =
    "INSERT INTO cert_revoked (name, at, reason) VALUES (?1, ?2, ?3)"
    " ON CONFLICT (name) DO UPDATE SET at = ?2, reason = ?3";
static const char GET[] =
    "SELECT name, at, reason FROM cert_revoked WHERE name = ?1";
static const char REMOVE[] = "DELETE FROM cert_revoked WHERE name = ?1";
static const char LIST[] =
    "SELECT name, at, reason FROM cert_revoked WHERE name > ?1 ORDER BY name"
    " LIMIT ?2";

static void
revoked_row(struct row *r, void *out)
{
	struct store_revoked *v = out;

	row_text(r, v->name, sizeof(v->name));
	v->at = row_int(r);
	row_text(r, v->reason, sizeof(v->reason));
}

int
sq_revoked_get(struct store *s, const char *name, struct store_revoked *ret)
{
	return sq_one(sq_of(s), Q(GET, V_TEXT(name)), revoked_row, ret,
	    sizeof(*ret));
}

int
sq_revoked_put(struct store *store, const struct store_revoked *r)
{
	struct sq *s = sq_of(store);
	struct store_revoked old;
	int64_t n = 0;
	int err = rules_revoked(r);

	if (err != 0)
		return sq_refuse(s, err, "revoked certificate");
	err = sq_writable(s);
	if (err == 0 && sq_revoked_get(store, r->name, &old) != 0)
		err = sq_int(s, Q(COUNT), &n);
	if (err == 0 && n >= LIMIT_REVOKED)
		err = sq_refuse(s, ERR_LIMIT, "revoked certificates");
	return err != 0 ? err : sq_write(s, Q(PUT, V_TEXT(r->name),
	    V_INT(r->at), V_TEXT(r->reason)));
}

int
sq_revoked_remove(struct store *store, const char *name)
{
	struct sq *s = sq_of(store);
	int err = sq_writable(s);

	if (err == 0)
		err = sq_write(s, Q(REMOVE, V_TEXT(name)));
	if (err == 0 && !sq_changed(s))
		err = sq_refuse(s, ERR_NOT_FOUND, "revoked certificate");
	return err;
}

int
sq_revoked_list(struct store *s, const char *after, size_t limit,
    struct store_revoked *ret, size_t *ret_n)
{
	struct sq_list l = {revoked_row, ret, sizeof(*ret), limit, 0};
	int err = rules_page(limit);

	if (err != 0)
		return sq_refuse(sq_of(s), err, "page");
	err = sq_list(sq_of(s), Q(LIST, V_TEXT(after), V_INT(limit)), &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}
