/*
 * Campaigns. Their counts are kept by triggers on the job table, in the
 * transaction of the change.
 */
#include "db/store_sqlite.h"

#define COLS \
	"id, release, name, state, concurrency, selected, created, updated," \
	" version"
static const char CAMPAIGN_INSERT[] =
    "INSERT INTO campaign VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)";
static const char CAMPAIGN_GET[] =
    "SELECT " COLS " FROM campaign WHERE id = ?1";
static const char CAMPAIGN_SAVE[] =
    "UPDATE campaign SET name = ?3, state = ?4, concurrency = ?5,"
    " selected = ?6, updated = ?7, version = version + 1"
    " WHERE id = ?1 AND version = ?2";
static const char CAMPAIGN_LIST[] =
    "SELECT " COLS " FROM campaign WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
static const char CAMPAIGN_COUNTS[] =
    "SELECT state, kind, n FROM job_count WHERE campaign = ?1";

int
sq_campaign_put(struct store *store, struct store_campaign *c)
{
	struct sq *s = sq_of(store);
	int err = rules_campaign(c);

	if (err != 0)
		return sq_refuse(s, err, "campaign");
	err = sq_write(s, Q(CAMPAIGN_INSERT, V_INT(c->release),
	    V_TEXT(c->name), V_INT(c->state), V_INT(c->concurrency),
	    V_TEXT(c->select), V_INT(c->created), V_INT(c->updated)));
	if (err != 0)
		return err;
	c->id = sq_rowid(s);
	c->version = 1;
	return 0;
}

static void
campaign_row(struct row *r, void *out)
{
	struct store_campaign *c = out;

	c->id = (uint64_t)row_int(r);
	c->release = (uint64_t)row_int(r);
	row_text(r, c->name, sizeof(c->name));
	c->state = row_enum(r, CAMPAIGN_ABORTED + 1);
	c->concurrency = (uint32_t)row_int(r);
	row_text(r, c->select, sizeof(c->select));
	c->created = row_int(r);
	c->updated = row_int(r);
	c->version = (uint32_t)row_int(r);
}

int
sq_campaign_get(struct store *s, uint64_t id, struct store_campaign *ret)
{
	return sq_one(sq_of(s), Q(CAMPAIGN_GET, V_INT(id)), campaign_row, ret,
	    sizeof(*ret));
}

int
sq_campaign_save(struct store *store, struct store_campaign *c)
{
	struct sq *s = sq_of(store);
	struct store_campaign now;
	int err = rules_campaign(c);

	if (err != 0)
		return sq_refuse(s, err, "campaign");
	err = sq_write(s, Q(CAMPAIGN_SAVE, V_INT(c->id), V_INT(c->version),
	    V_TEXT(c->name), V_INT(c->state), V_INT(c->concurrency),
	    V_TEXT(c->select), V_INT(c->updated)));
	if (err == 0 && !sq_changed(s)) {
		err = sq_campaign_get(store, c->id, &now);
		if (err == 0)
			err = sq_refuse(s, ERR_CONFLICT, "campaign");
	}
	if (err == 0)
		c->version++;
	return err;
}

int
sq_campaign_list(struct store *s, uint64_t before, size_t limit,
    struct store_campaign *ret, size_t *ret_n)
{
	struct sq_list l = {campaign_row, ret, sizeof(*ret), limit, 0};
	int err = rules_page(limit);

	if (err != 0)
		return sq_refuse(sq_of(s), err, "page");
	err = sq_list(sq_of(s), Q(CAMPAIGN_LIST,
	    V_INT(before ? before : INT64_MAX), V_INT(limit)), &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}

static int
count_row(void *arg, struct row *r)
{
	struct store_counts *k = arg;
	enum job_state st = row_enum(r, JOB_STATES);
	unsigned kind = row_enum(r, FAIL_CLASSES);
	uint64_t n = (uint64_t)row_int(r);

	k->by_state[st] += n;
	if (rules_active(st))
		k->active += n;
	if (st == JOB_FAILED)
		k->by_class[kind] += n;
	if (st == JOB_QUEUED && kind != 0)
		k->starting += n;
	return 0;
}

int
sq_campaign_counts(struct store *store, uint64_t id, struct store_counts *ret)
{
	struct sq *s = sq_of(store);
	struct store_counts k = {0};
	struct store_campaign c;
	int err = 0;

	if (id != 0)
		err = sq_campaign_get(store, id, &c);
	if (err == 0)
		err = sq_each(s, Q(CAMPAIGN_COUNTS, V_INT(id)), count_row, &k);
	if (err == 0)
		*ret = k;
	return err;
}
