/*
 * Keys of bootloaders, and what was taken of each.
 */
#include "db/store_sqlite.h"

#define COLS \
	"device, kid, key, created, epoch, boot_ctr, report_seq, result," \
	" sequence, list_seq, at, fresh_at, pending, gone, refused, refused_at"

static const char PUT[] =
    "INSERT INTO attest VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
    " ?11, ?12, ?13, ?14, ?15, ?16) ON CONFLICT (device) DO UPDATE SET"
    " kid = ?2, key = ?3, created = ?4, epoch = ?5, boot_ctr = ?6,"
    " report_seq = ?7, result = ?8, sequence = ?9, list_seq = ?10, at = ?11,"
    " fresh_at = ?12, pending = ?13, gone = ?14, refused = ?15,"
    " refused_at = ?16";
/* A report changes no index. */
static const char UPDATE[] =
    "UPDATE attest SET epoch = ?3, boot_ctr = ?4, report_seq = ?5,"
    " result = ?6, sequence = ?7, list_seq = ?8, at = ?9, fresh_at = ?10,"
    " pending = ?11, gone = ?12, refused = ?13, refused_at = ?14"
    " WHERE device = ?1 AND kid = ?2";
static const char GET[] = "SELECT " COLS " FROM attest WHERE device = ?1";
static const char BY_KID[] = "SELECT " COLS " FROM attest WHERE kid = ?1";
static const char LISTS[] =
    "/* scans */ SELECT coalesce(sum(n), 0),"
    " coalesce(sum(n) FILTER (WHERE list_seq >= ?1), 0) FROM list_tally";
static const char REMOVE[] = "DELETE FROM attest WHERE device = ?1";

/* What a report changes. */
#define REPORTED(a) \
	V_OPT((a)->mark.have, (a)->mark.epoch, sizeof((a)->mark.epoch)), \
	V_INT((a)->mark.boot_ctr), V_INT((a)->mark.report_seq), \
	V_INT((a)->result), V_INT((a)->sequence), \
	V_OPTINT((a)->have_list, (a)->list_seq), V_INT((a)->at), \
	V_INT((a)->fresh_at), \
	V_OPT((a)->have_pending, (a)->pending, sizeof((a)->pending)), \
	V_BLOB((a)->gone, (a)->gone_n * BOOTREPORT_EPOCH), \
	V_INT((a)->refused), V_INT((a)->refused_at)

static void
attest_row(struct row *r, void *out)
{
	struct store_attest *a = out;

	memset(a, 0, sizeof(*a));
	a->device = (uint64_t)row_int(r);
	row_fixed(r, a->kid, sizeof(a->kid));
	a->key_len = row_blob(r, a->key, sizeof(a->key));
	a->created = row_int(r);
	a->mark.have = !row_null(r);
	row_fixed(r, a->mark.epoch, sizeof(a->mark.epoch));
	a->mark.boot_ctr = (uint64_t)row_int(r);
	a->mark.report_seq = (uint64_t)row_int(r);
	a->result = row_enum(r, BOOT_RESULTS);
	a->sequence = (uint64_t)row_int(r);
	a->have_list = !row_null(r);
	a->list_seq = (uint64_t)row_int(r);
	a->at = row_int(r);
	a->fresh_at = row_int(r);
	a->have_pending = !row_null(r);
	row_fixed(r, a->pending, sizeof(a->pending));
	a->gone_n = row_blob(r, a->gone, sizeof(a->gone)) / BOOTREPORT_EPOCH;
	a->refused = (uint64_t)row_int(r);
	a->refused_at = row_int(r);
}

/* The first key, or another one. */
static int
put_anew(struct sq *s, const struct store_attest *a)
{
	struct store_attest other;
	struct store_device d;
	int err = sq_device_get(&s->base, a->device, &d);

	if (err == 0 && sq_attest_by_kid(&s->base, a->kid, &other) == 0)
		err = sq_refuse(s, ERR_EXISTS, "attestation key");
	return err != 0 ? err : sq_write(s, Q(PUT, V_INT(a->device),
	    V_BLOB(a->kid, sizeof(a->kid)), V_BLOB(a->key, a->key_len),
	    V_INT(a->created), REPORTED(a)));
}

int
sq_attest_put(struct store *store, const struct store_attest *a)
{
	struct sq *s = sq_of(store);
	int err = rules_attest(a);

	if (err != 0)
		return sq_refuse(s, err, "attestation key");
	err = sq_write(s, Q(UPDATE, V_INT(a->device),
	    V_BLOB(a->kid, sizeof(a->kid)), REPORTED(a)));
	if (err == 0 && !sq_changed(s))
		err = put_anew(s, a);
	if (err == 0)
		store_wrote(store, a->device);
	return err;
}

int
sq_attest_get(struct store *s, uint64_t device, struct store_attest *ret)
{
	return sq_one(sq_of(s), Q(GET, V_AFTER(device)), attest_row, ret,
	    sizeof(*ret));
}

int
sq_attest_by_kid(struct store *s, const uint8_t kid[8],
    struct store_attest *ret)
{
	return sq_one(sq_of(s), Q(BY_KID, V_BLOB(kid, 8)), attest_row, ret,
	    sizeof(*ret));
}

static void
lists_row(struct row *r, void *out)
{
	struct store_lists *l = out;

	l->told = (uint64_t)row_int(r);
	l->have = (uint64_t)row_int(r);
}

int
sq_attest_lists(struct store *s, uint64_t least, struct store_lists *ret)
{
	return sq_one(sq_of(s), Q(LISTS, V_INT(least)), lists_row, ret,
	    sizeof(*ret));
}

int
sq_attest_remove(struct store *s, uint64_t device)
{
	int err = sq_write(sq_of(s), Q(REMOVE, V_AFTER(device)));

	if (err == 0 && !sq_changed(sq_of(s)))
		err = sq_refuse(sq_of(s), ERR_NOT_FOUND, "attestation key");
	if (err == 0)
		store_wrote(s, device);
	return err;
}
