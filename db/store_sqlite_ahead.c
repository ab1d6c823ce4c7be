/*
 * Devices that are ahead of every release of their class. The index has them
 * by class and by the bits of their sequence: negative ones are above all
 * others, so that what is unsigned takes two walks.
 */
#include "db/store_sqlite.h"

static const char AHEAD_SET[] = "UPDATE device SET ahead = ?2 WHERE id = ?1";
static const char AHEAD_CLASS[] =
    "SELECT class_id FROM device WHERE ahead = 1 AND class_id > ?1"
    " ORDER BY class_id LIMIT 1";
static const char AHEAD_MAX[] =
    "SELECT seq FROM device WHERE ahead = 1 AND class_id = ?1"
    " AND seq BETWEEN ?2 AND ?3 ORDER BY seq DESC LIMIT 1";
static const char AHEAD_UPTO[] =
    "SELECT id FROM device WHERE ahead = 1 AND class_id = ?1"
    " AND seq BETWEEN ?2 AND ?3 ORDER BY seq, id LIMIT ?4";

int
sq_ahead_set(struct sq *s, uint64_t device, bool ahead)
{
	return sq_write(s, Q(AHEAD_SET, V_INT(device), V_INT(ahead)));
}

static void
class_row(struct row *r, void *out)
{
	row_fixed(r, out, 16);
}

int
sq_ahead_class(struct store *s, const uint8_t *after, uint8_t ret_class[16])
{
	return sq_one(sq_of(s), Q(AHEAD_CLASS, V_BLOB(after ? after :
	    (const uint8_t *)"", after ? 16 : 0)), class_row, ret_class, 16);
}

int
sq_ahead_max(struct store *store, const uint8_t class_id[16],
    uint64_t *ret_seq)
{
	struct sq *s = sq_of(store);
	int64_t seq = 0;
	int err = sq_int(s, Q(AHEAD_MAX, V_BLOB(class_id, 16),
	    V_INT(INT64_MIN), V_INT(-1)), &seq);

	if (err == ERR_NOT_FOUND)
		err = sq_int(s, Q(AHEAD_MAX, V_BLOB(class_id, 16), V_INT(0),
		    V_INT(INT64_MAX)), &seq);
	if (err == 0)
		*ret_seq = (uint64_t)seq;
	return err;
}

static void
id_row(struct row *r, void *out)
{
	*(uint64_t *)out = (uint64_t)row_int(r);
}

static int
settle_one(struct sq *s, uint64_t id)
{
	int err;

	sq_memo_forget(s, id);
	err = sq_ahead_set(s, id, false);
	if (err == 0)
		store_wrote(&s->base, id);
	return err;
}

int
sq_ahead_settle(struct store *store, const uint8_t class_id[16], uint64_t seq,
    size_t limit, size_t *ret_n)
{
	struct sq *s = sq_of(store);
	bool high = seq > INT64_MAX;
	uint64_t id[STORE_SETTLE_MAX];
	struct sq_list l = {id_row, id, sizeof(id[0]), limit, 0}, more;
	size_t n;
	int err = sq_writable(s);

	if (err == 0 && (limit == 0 || limit > STORE_SETTLE_MAX))
		err = sq_refuse(s, ERR_RANGE, "limit");
	if (err == 0)
		err = sq_list(s, Q(AHEAD_UPTO, V_BLOB(class_id, 16), V_INT(0),
		    V_INT(high ? INT64_MAX : (int64_t)seq), V_INT(limit)), &l);
	n = l.n;
	more = (struct sq_list){id_row, id + n, sizeof(id[0]), limit - n, 0};
	if (err == 0 && high && n < limit)
		err = sq_list(s, Q(AHEAD_UPTO, V_BLOB(class_id, 16),
		    V_INT(INT64_MIN), V_INT(seq), V_INT(more.cap)), &more);
	n += more.n;
	for (size_t i = 0; err == 0 && i < n; i++)
		err = settle_one(s, id[i]);
	if (err == 0)
		*ret_n = n;
	return err;
}
