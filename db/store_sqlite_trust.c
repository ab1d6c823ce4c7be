/*
 * Trust lists, by their sequence number. Triggers of the schema see to it
 * that none is changed or dropped, whoever asks.
 */
#include "db/store_sqlite.h"

static const char TRUST_PUT[] =
    "INSERT INTO trust VALUES (?1, ?2, ?3, ?4)";
static const char TRUST_LAST[] = "SELECT max(seq) FROM trust";
#define COLS "seq, at, by, length(list)"
static const char TRUST_GET[] =
    "SELECT " COLS " FROM trust WHERE seq = ?1";
static const char TRUST_BYTES[] = "SELECT list FROM trust WHERE seq = ?1";

int
sq_trust_put(struct store *store, const struct store_trust *t,
    struct slice list)
{
	struct sq *s = sq_of(store);
	int64_t last = 0;
	int err = rules_trust(t, list);

	if (err != 0)
		return sq_refuse(s, err, "trust list");
	err = sq_writable(s);
	if (err == 0)
		err = sq_int(s, Q0(TRUST_LAST), &last);
	if (err == 0 && t->seq <= (uint64_t)last)
		err = sq_refuse(s, ERR_SEQUENCE, "trust list");
	if (err == 0)
		err = sq_write(s, Q(TRUST_PUT, V_INT(t->seq), V_INT(t->at),
		    V_TEXT(t->by), V_BLOB(list.p, list.n)));
	return err;
}

static void
trust_row(struct row *r, void *out)
{
	struct store_trust *t = out;

	t->seq = (uint64_t)row_int(r);
	t->at = row_int(r);
	row_text(r, t->by, sizeof(t->by));
	t->len = (size_t)row_int(r);
}

int
sq_trust_get(struct store *store, uint64_t seq, struct store_trust *ret,
    struct buf *out)
{
	struct sq *s = sq_of(store);
	int64_t at = (int64_t)seq;
	int err = 0;

	if (seq > INT64_MAX)
		return sq_refuse(s, ERR_NOT_FOUND, "trust list");
	if (seq == 0)
		err = sq_int(s, Q0(TRUST_LAST), &at);
	if (err == 0 && out != NULL)
		err = sq_blob(s, Q(TRUST_BYTES, V_INT(at)), out, "trust list");
	return err != 0 ? err : sq_one(s, Q(TRUST_GET, V_INT(at)), trust_row,
	    ret, sizeof(*ret));
}
