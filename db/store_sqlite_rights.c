/*
 * Principals, their keys, and requests that wait for a second person. All
 * are few, so that counting them is a walk.
 */
#include "db/store_sqlite.h"

static const char PRINCIPAL_PUT[] =
    "INSERT INTO principal VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name)"
    " DO UPDATE SET rights = ?2, by = ?3, created = ?4, last_key = ?5";
static const char PRINCIPAL_GET[] =
    "SELECT name, rights, by, created, last_key FROM principal"
    " WHERE name = ?1";
static const char PRINCIPAL_OTHERS[] =
    "/* scans */ SELECT count(*) FROM principal WHERE name <> ?1";
static const char PRINCIPAL_REMOVE[] = "DELETE FROM principal WHERE name = ?1";
static const char PRINCIPAL_LIST[] =
    "SELECT name, rights, by, created, last_key FROM principal"
    " WHERE name > ?1 ORDER BY name LIMIT ?2";

#define KEY_COLS "identity, principal, key, created, ends"
static const char KEY_PUT[] =
    "INSERT INTO principal_key VALUES (?1, ?2, ?3, ?4, ?5)"
    " ON CONFLICT (identity) DO UPDATE SET key = ?3, created = ?4,"
    " ends = ?5";
static const char KEY_GET[] =
    "SELECT " KEY_COLS " FROM principal_key WHERE identity = ?1";
static const char KEY_REMOVE[] =
    "DELETE FROM principal_key WHERE identity = ?1";
static const char KEYS_REMOVE[] =
    "DELETE FROM principal_key WHERE principal = ?1";
static const char KEY_LIST[] =
    "SELECT " KEY_COLS " FROM principal_key WHERE principal = ?1"
    " ORDER BY identity LIMIT ?2";

#define REQUEST_COLS \
	"id, kind, by, what, created, expires, digest, approved, facts"
static const char REQUEST_INSERT[] =
    "INSERT INTO request VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7,"
    " ?8)";
static const char REQUEST_COUNT[] = "/* scans */ SELECT count(*) FROM request";
static const char REQUEST_GET[] =
    "SELECT " REQUEST_COLS " FROM request WHERE id = ?1";
static const char REQUEST_UPDATE[] =
    "UPDATE request SET kind = ?1, by = ?2, what = ?3, created = ?4,"
    " expires = ?5, digest = ?6, approved = ?7, facts = ?8 WHERE id = ?9";
static const char REQUEST_REMOVE[] = "DELETE FROM request WHERE id = ?1";
static const char REQUEST_LIST[] =
    "SELECT " REQUEST_COLS " FROM request WHERE id > ?1 ORDER BY id"
    " LIMIT ?2";

/* --- principals --- */

static void
principal_row(struct row *r, void *out)
{
	struct store_principal *p = out;

	row_text(r, p->name, sizeof(p->name));
	row_text(r, p->rights, sizeof(p->rights));
	row_text(r, p->by, sizeof(p->by));
	p->created = row_int(r);
	p->last_key = (uint32_t)row_int(r);
}

int
sq_principal_put(struct store *store, const struct store_principal *p)
{
	struct sq *s = sq_of(store);
	int64_t others = 0;
	int err = rules_principal(p);

	if (err != 0)
		return sq_refuse(s, err, "principal");
	err = sq_writable(s);
	if (err == 0)
		err = sq_int(s, Q(PRINCIPAL_OTHERS, V_TEXT(p->name)), &others);
	if (err == 0 && others >= LIMIT_PRINCIPALS)
		err = sq_refuse(s, ERR_LIMIT, "principals");
	if (err == 0)
		err = sq_write(s, Q(PRINCIPAL_PUT, V_TEXT(p->name),
		    V_TEXT(p->rights), V_TEXT(p->by), V_INT(p->created),
		    V_INT(p->last_key)));
	return err;
}

int
sq_principal_get(struct store *s, const char *name,
    struct store_principal *ret)
{
	return sq_one(sq_of(s), Q(PRINCIPAL_GET, V_TEXT(name)), principal_row,
	    ret, sizeof(*ret));
}

int
sq_principal_remove(struct store *store, const char *name)
{
	struct sq *s = sq_of(store);
	int err = sq_write(s, Q(KEYS_REMOVE, V_TEXT(name)));

	if (err == 0)
		err = sq_write(s, Q(PRINCIPAL_REMOVE, V_TEXT(name)));
	if (err == 0 && !sq_changed(s))
		err = sq_refuse(s, ERR_NOT_FOUND, "principal");
	return err;
}

int
sq_principal_list(struct store *s, const char *after, size_t limit,
    struct store_principal *ret, size_t *ret_n)
{
	struct sq_list l = {principal_row, ret, sizeof(*ret), limit, 0};
	int err = rules_page(limit);

	if (err != 0)
		return sq_refuse(sq_of(s), err, "page");
	err = sq_list(sq_of(s), Q(PRINCIPAL_LIST, V_TEXT(after),
	    V_INT(limit)), &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}

/* --- their keys --- */

static void
key_row(struct row *r, void *out)
{
	struct store_principal_key *k = out;

	row_text(r, k->identity, sizeof(k->identity));
	row_text(r, k->principal, sizeof(k->principal));
	k->key_len = row_blob(r, k->key, sizeof(k->key));
	k->created = row_int(r);
	k->ends = row_int(r);
}

int
sq_principal_key_put(struct store *store, const struct store_principal_key *k)
{
	struct sq *s = sq_of(store);
	struct store_principal_key was;
	struct store_principal p;
	int err = rules_principal_key(k);

	if (err != 0)
		return sq_refuse(s, err, "key");
	err = sq_writable(s);
	if (err == 0)
		err = sq_principal_get(store, k->principal, &p);
	if (err != 0)
		return err;
	err = sq_principal_key_get(store, k->identity, &was);
	if (err == 0 && strcmp(was.principal, k->principal) != 0)
		return sq_refuse(s, ERR_EXISTS, "key");
	if (err != 0 && err != ERR_NOT_FOUND)
		return err;
	return sq_write(s, Q(KEY_PUT, V_TEXT(k->identity),
	    V_TEXT(k->principal), V_BLOB(k->key, k->key_len),
	    V_INT(k->created), V_INT(k->ends)));
}

int
sq_principal_key_get(struct store *s, const char *identity,
    struct store_principal_key *ret)
{
	return sq_one(sq_of(s), Q(KEY_GET, V_TEXT(identity)), key_row, ret,
	    sizeof(*ret));
}

int
sq_principal_key_remove(struct store *s, const char *identity)
{
	int err = sq_write(sq_of(s), Q(KEY_REMOVE, V_TEXT(identity)));

	if (err == 0 && !sq_changed(sq_of(s)))
		err = sq_refuse(sq_of(s), ERR_NOT_FOUND, "key");
	return err;
}

int
sq_principal_key_list(struct store *s, const char *name,
    struct store_principal_key *ret, size_t cap, size_t *ret_n)
{
	struct sq_list l = {key_row, ret, sizeof(*ret), cap, 0};
	int err = sq_list(sq_of(s), Q(KEY_LIST, V_TEXT(name), V_INT(cap)),
	    &l);

	if (err == 0)
		*ret_n = l.n;
	return err;
}

/* --- requests --- */

static void
request_row(struct row *r, void *out)
{
	struct store_request *q = out;

	q->id = (uint64_t)row_int(r);
	q->kind = (uint32_t)row_int(r);
	row_text(r, q->by, sizeof(q->by));
	row_text(r, q->what, sizeof(q->what));
	q->created = row_int(r);
	q->expires = row_int(r);
	row_fixed(r, q->digest, sizeof(q->digest));
	row_text(r, q->approved, sizeof(q->approved));
	row_text(r, q->facts, sizeof(q->facts));
}

static int
request_insert(struct sq *s, struct store_request *r)
{
	int64_t n = 0;
	int err = sq_int(s, Q0(REQUEST_COUNT), &n);

	if (err == 0 && n >= LIMIT_REQUESTS)
		err = sq_refuse(s, ERR_LIMIT, "requests");
	if (err == 0)
		err = sq_write(s, Q(REQUEST_INSERT, V_INT(r->kind),
		    V_TEXT(r->by), V_TEXT(r->what), V_INT(r->created),
		    V_INT(r->expires), V_BLOB(r->digest, 32),
		    V_TEXT(r->approved), V_TEXT(r->facts)));
	if (err == 0)
		r->id = sq_rowid(s);
	return err;
}

int
sq_request_put(struct store *store, struct store_request *r)
{
	struct sq *s = sq_of(store);
	int err = rules_request(r);

	if (err != 0)
		return sq_refuse(s, err, "request");
	err = sq_writable(s);
	if (err != 0 || r->id == 0)
		return err != 0 ? err : request_insert(s, r);
	err = sq_write(s, Q(REQUEST_UPDATE, V_INT(r->kind), V_TEXT(r->by),
	    V_TEXT(r->what), V_INT(r->created), V_INT(r->expires),
	    V_BLOB(r->digest, 32), V_TEXT(r->approved), V_TEXT(r->facts),
	    V_INT(r->id)));
	if (err == 0 && !sq_changed(s))
		err = sq_refuse(s, ERR_NOT_FOUND, "request");
	return err;
}

int
sq_request_get(struct store *s, uint64_t id, struct store_request *ret)
{
	return sq_one(sq_of(s), Q(REQUEST_GET, V_INT(id)), request_row, ret,
	    sizeof(*ret));
}

int
sq_request_remove(struct store *s, uint64_t id)
{
	int err = sq_write(sq_of(s), Q(REQUEST_REMOVE, V_INT(id)));

	if (err == 0 && !sq_changed(sq_of(s)))
		err = sq_refuse(sq_of(s), ERR_NOT_FOUND, "request");
	return err;
}

int
sq_request_list(struct store *s, uint64_t after, size_t limit,
    struct store_request *ret, size_t *ret_n)
{
	struct sq_list l = {request_row, ret, sizeof(*ret), limit, 0};
	int err = rules_page(limit);

	if (err != 0)
		return sq_refuse(sq_of(s), err, "page");
	err = sq_list(sq_of(s), Q(REQUEST_LIST, V_AFTER(after),
	    V_INT(limit)), &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}
