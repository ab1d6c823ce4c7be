/* Credentials of devices, of all kinds. */
#include "db/store_sqlite.h"

#define COLS \
	"id, device, kind, identity, label, created, used, ends, counter"

static const char COUNT[] =
    "SELECT count(*) FROM credential WHERE device = ?1 AND kind = ?2";
static const char INSERT[] =
    "INSERT INTO credential (device, kind, identity, secret, label, created,"
    " used, ends, counter) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
static const char UPDATE[] =
    "UPDATE credential SET secret = ?4, label = ?5, created = ?6, used = ?7,"
    " ends = ?8, counter = ?9 WHERE id = ?10 AND device IS ?1 AND kind = ?2"
    " AND identity = ?3";
static const char GET[] =
    "SELECT " COLS ", secret FROM credential WHERE kind = ?1"
    " AND identity = ?2";
static const char LIST[] =
    "SELECT " COLS ", NULL FROM credential WHERE device = ?1 ORDER BY id"
    " LIMIT ?2";
static const char ENDED[] =
    "SELECT " COLS ", NULL FROM credential WHERE ends <= ?1 ORDER BY ends, id"
    " LIMIT ?2";
/* The index has them by device; of the one that asks there are two at most.
 * It is named, since all keys by their kind would be a search, too. */
static const char SAME[] =
    "SELECT " COLS ", NULL FROM credential INDEXED BY credential_secret"
    " WHERE kind = 1 AND secret = ?1 AND device > 0 AND device <> ?2"
    " ORDER BY device, id LIMIT 1";
static const char USED[] =
    "UPDATE credential SET used = max(used, ?2) WHERE id = ?1";
/* As unsigned numbers: what is negative has the highest bit. */
static const char COUNTER[] =
    "UPDATE credential SET counter = CASE WHEN (counter < 0) <> (?2 < 0)"
    " THEN min(counter, ?2) ELSE max(counter, ?2) END WHERE id = ?1";
static const char OWNER[] = "SELECT device FROM credential WHERE id = ?1";
static const char REMOVE[] = "DELETE FROM credential WHERE id = ?1";

static void
credential_row(struct row *r, void *out)
{
	struct store_credential *c = out;

	c->id = (uint64_t)row_int(r);
	c->device = (uint64_t)row_int(r);
	c->kind = row_enum(r, CREDENTIAL_KINDS + 1);
	row_text(r, c->identity, sizeof(c->identity));
	row_text(r, c->label, sizeof(c->label));
	c->created = row_int(r);
	c->used = row_int(r);
	c->ends = row_int(r);
	c->counter = (uint64_t)row_int(r);
	c->secret_len = row_blob(r, c->secret, sizeof(c->secret));
}

static int
room(struct sq *s, const struct store_credential *c)
{
	int64_t n = 0;
	int err;

	if (c->device == 0)
		return 0;
	err = sq_int(s, Q(COUNT, V_ID(c->device), V_INT(c->kind)), &n);
	if (err == 0 && n >= LIMIT_CREDENTIALS)
		err = sq_refuse(s, ERR_LIMIT, "credentials");
	return err;
}

int
sq_credential_put(struct store *store, struct store_credential *c)
{
	struct sq *s = sq_of(store);
	struct store_credential old;
	int err = rules_credential(c);

	if (err != 0)
		return sq_refuse(s, err, "credential");
	err = sq_writable(s);
	if (err == 0 && c->id == 0 && sq_credential_get(store, c->kind,
	    c->identity, &old) == 0) {
		explicit_bzero(old.secret, sizeof(old.secret));
		err = sq_refuse(s, ERR_EXISTS, "credential");
	}
	if (err == 0 && c->id == 0)
		err = room(s, c);
	if (err == 0)
		err = sq_write(s, Q(c->id == 0 ? INSERT : UPDATE,
		    V_ID(c->device), V_INT(c->kind), V_TEXT(c->identity),
		    V_OPT(c->secret_len > 0, c->secret, c->secret_len),
		    V_TEXT(c->label), V_INT(c->created), V_INT(c->used),
		    V_OPTINT(c->ends != 0, c->ends), V_INT(c->counter),
		    V_INT(c->id)));
	if (err == 0 && !sq_changed(s))
		err = sq_refuse(s, ERR_NOT_FOUND, "credential");
	if (err != 0)
		return err;
	if (c->id == 0)
		c->id = sq_rowid(s);
	store_wrote(store, c->device);
	return 0;
}

int
sq_credential_get(struct store *s, enum credential_kind kind,
    const char *identity, struct store_credential *ret)
{
	return sq_one(sq_of(s), Q(GET, V_INT(kind), V_TEXT(identity)),
	    credential_row, ret, sizeof(*ret));
}

int
sq_credential_list(struct store *store, uint64_t device,
    struct store_credential *ret, size_t cap, size_t *ret_n)
{
	struct store_credential all[STORE_CREDENTIALS];
	struct sq_list l = {credential_row, all, sizeof(*all),
	    STORE_CREDENTIALS, 0};
	int err = sq_list(sq_of(store), Q(LIST, V_ID(device),
	    V_INT(STORE_CREDENTIALS)), &l);

	if (err == 0 && l.n > cap)
		err = sq_refuse(sq_of(store), ERR_SPACE, "credentials");
	if (err != 0)
		return err;
	memcpy(ret, all, l.n * sizeof(*ret));
	*ret_n = l.n;
	return 0;
}

int
sq_credential_ended(struct store *s, int64_t now, size_t limit,
    struct store_credential *ret, size_t *ret_n)
{
	struct sq_list l = {credential_row, ret, sizeof(*ret), limit, 0};
	int err = rules_page(limit);

	if (err != 0)
		return sq_refuse(sq_of(s), err, "page");
	err = sq_list(sq_of(s), Q(ENDED, V_INT(now), V_INT(limit)), &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}

int
sq_credential_same(struct store *store, const struct store_credential *c,
    struct store_credential *ret)
{
	struct sq *s = sq_of(store);

	if (c->kind != CREDENTIAL_PSK)
		return sq_refuse(s, ERR_NOT_FOUND, "credential");
	return sq_one(s, Q(SAME, V_BLOB(c->secret, c->secret_len),
	    V_INT(c->device)), credential_row, ret, sizeof(*ret));
}

static int
change(struct sq *s, const struct query *q)
{
	int err = sq_write(s, q);

	if (err == 0 && !sq_changed(s))
		err = sq_refuse(s, ERR_NOT_FOUND, "credential");
	return err;
}

int
sq_credential_used(struct store *s, uint64_t id, int64_t at)
{
	return change(sq_of(s), Q(USED, V_INT(id), V_INT(at)));
}

int
sq_credential_count(struct store *s, uint64_t id, uint64_t counter)
{
	return change(sq_of(s), Q(COUNTER, V_INT(id), V_INT(counter)));
}

int
sq_credential_remove(struct store *store, uint64_t id)
{
	struct sq *s = sq_of(store);
	int64_t device = 0;
	int err = sq_writable(s);

	if (err == 0)
		err = sq_int(s, Q(OWNER, V_INT(id)), &device);
	if (err == 0)
		err = change(s, Q(REMOVE, V_INT(id)));
	if (err == 0)
		store_wrote(store, (uint64_t)device);
	return err;
}
