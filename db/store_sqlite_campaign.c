/*
 * Campaigns and their plans. Tallies are kept by triggers on the job table,
 * in the transaction of the change.
 */
#include "db/store_sqlite.h"

#define COLS \
	"id, release, name, state, concurrency, selected, created, updated," \
	" version, work, work_at, source, of, policy, planned, start, hard," \
	" plan, verdict, wave, wave_count, waves, wave_opened, wave_met, by," \
	" approved, cause, follower, started, ended"
/* a removed campaign's number is not used again */
static const char CAMPAIGN_INSERT[] =
    "INSERT INTO campaign (" COLS ") VALUES ("
    "(SELECT n + 1 FROM tally WHERE name = 'campaign_id'), ?3, ?4, ?5, ?6,"
    " ?7, ?8, ?9, 1, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,"
    " ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30)";
static const char CAMPAIGN_GET[] =
    "SELECT " COLS " FROM campaign WHERE id = ?1";
static const char CAMPAIGN_SAVE[] =
    "UPDATE campaign SET name = ?4, state = ?5, concurrency = ?6,"
    " selected = ?7, updated = ?9, version = version + 1, work = ?10,"
    " work_at = ?11, source = ?12, of = ?13, policy = ?14, planned = ?15,"
    " start = ?16, hard = ?17, plan = ?18, verdict = ?19, wave = ?20,"
    " wave_count = ?21, waves = ?22, wave_opened = ?23, wave_met = ?24,"
    " by = ?25, approved = ?26, cause = ?27, follower = ?28, started = ?29,"
    " ended = ?30 WHERE id = ?1 AND version = ?2";
static const char CAMPAIGN_HAS_JOB[] =
    "SELECT EXISTS (SELECT 1 FROM job WHERE campaign = ?1)";
static const char CAMPAIGN_REMOVE[] = "DELETE FROM campaign WHERE id = ?1";
static const char CAMPAIGN_LIST[] =
    "SELECT " COLS " FROM campaign WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
/* the table's own order would walk over all that are over */
static const char CAMPAIGN_LIVE[] =
    "SELECT " COLS " FROM campaign INDEXED BY campaign_live"
    " WHERE (state < 3 OR work <> 0) AND id > ?1 ORDER BY id LIMIT ?2";
static const char CAMPAIGN_TALLY[] =
    "SELECT wave, state, begun, waiting, fail, reason, grade, n, attempts"
    " FROM job_tally WHERE campaign = ?1"
    " ORDER BY wave, state, begun, waiting, fail, reason, grade LIMIT ?2";

static const char PLAN_PUT[] =
    "INSERT INTO plan VALUES (?1, ?2, ?3)"
    " ON CONFLICT (campaign, part) DO UPDATE SET bytes = ?3";
static const char PLAN_GET[] =
    "SELECT bytes FROM plan WHERE campaign = ?1 AND part = ?2";
static const char PLAN_DROP[] = "DELETE FROM plan WHERE campaign = ?1";

#define VERDICT_BYTES (STORE_VERDICTS * 8)
#define WAVES_BYTES (STORE_WAVES * 16)

static void
put_u64(uint8_t *p, uint64_t v)
{
	for (int i = 7; i >= 0; i--, v >>= 8)
		p[i] = (uint8_t)v;
}

static uint64_t
get_u64(const uint8_t *p)
{
	uint64_t v = 0;

	for (int i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* What both put and save write; put leaves out the first two. */
static int
campaign_write(struct sq *s, const char *sql, const struct store_campaign *c)
{
	uint8_t verdict[VERDICT_BYTES], waves[WAVES_BYTES];

	for (size_t i = 0; i < STORE_VERDICTS; i++)
		put_u64(verdict + i * 8, c->verdict[i]);
	for (size_t i = 0; i < STORE_WAVES; i++) {
		put_u64(waves + i * 16, c->waves[i].size);
		put_u64(waves + i * 16 + 8, c->waves[i].place);
	}
	return sq_write(s, Q(sql, V_INT(c->id), V_INT(c->version),
	    V_INT(c->release), V_TEXT(c->name), V_INT(c->state),
	    V_INT(c->concurrency), V_TEXT(c->select), V_INT(c->created),
	    V_INT(c->updated), V_INT(c->work), V_INT(c->work_at),
	    V_INT(c->source), V_ID(c->of), V_TEXT(c->policy),
	    V_INT(c->planned), V_INT(c->start), V_INT(c->hard),
	    V_BLOB(c->plan, sizeof(c->plan)),
	    V_BLOB(verdict, sizeof(verdict)), V_INT(c->wave),
	    V_INT(c->wave_count), V_BLOB(waves, sizeof(waves)),
	    V_INT(c->wave_opened), V_INT(c->wave_met), V_TEXT(c->by),
	    V_TEXT(c->approved), V_TEXT(c->cause), V_ID(c->follower),
	    V_INT(c->started), V_INT(c->ended)));
}

int
sq_campaign_put(struct store *store, struct store_campaign *c)
{
	struct sq *s = sq_of(store);
	int err = rules_campaign(c);

	if (err != 0)
		return sq_refuse(s, err, "campaign");
	err = campaign_write(s, CAMPAIGN_INSERT, c);
	if (err != 0)
		return err;
	c->id = sq_rowid(s);
	c->version = 1;
	return 0;
}

static void
waves_row(struct row *r, struct store_campaign *c)
{
	uint8_t waves[WAVES_BYTES] = {0};

	row_fixed(r, waves, sizeof(waves));
	for (size_t i = 0; i < STORE_WAVES; i++) {
		c->waves[i].size = get_u64(waves + i * 16);
		c->waves[i].place = get_u64(waves + i * 16 + 8);
	}
}

static void
verdict_row(struct row *r, struct store_campaign *c)
{
	uint8_t verdict[VERDICT_BYTES] = {0};

	row_fixed(r, verdict, sizeof(verdict));
	for (size_t i = 0; i < STORE_VERDICTS; i++)
		c->verdict[i] = get_u64(verdict + i * 8);
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
	c->work = row_enum(r, WORK_CANCEL + 1);
	c->work_at = (uint64_t)row_int(r);
	c->source = row_enum(r, SOURCE_CAMPAIGN + 1);
	c->of = (uint64_t)row_int(r);
	row_text(r, c->policy, sizeof(c->policy));
	c->planned = row_int(r) != 0;
	c->start = row_int(r) != 0;
	c->hard = row_int(r) != 0;
	row_fixed(r, c->plan, sizeof(c->plan));
	verdict_row(r, c);
	c->wave = (uint32_t)row_int(r);
	c->wave_count = row_enum(r, STORE_WAVES + 1);
	waves_row(r, c);
	c->wave_opened = row_int(r);
	c->wave_met = row_int(r);
	row_text(r, c->by, sizeof(c->by));
	row_text(r, c->approved, sizeof(c->approved));
	row_text(r, c->cause, sizeof(c->cause));
	c->follower = (uint64_t)row_int(r);
	c->started = row_int(r);
	c->ended = row_int(r);
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
	err = campaign_write(s, CAMPAIGN_SAVE, c);
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
sq_campaign_remove(struct store *store, uint64_t id)
{
	struct sq *s = sq_of(store);
	int64_t has = 0;
	int err = sq_writable(s);

	if (err == 0)
		err = sq_int(s, Q(CAMPAIGN_HAS_JOB, V_INT(id)), &has);
	if (err == 0 && has)
		return sq_refuse(s, ERR_STATE, "campaign with jobs");
	if (err == 0)
		err = sq_write(s, Q(PLAN_DROP, V_INT(id)));
	if (err == 0)
		err = sq_write(s, Q(CAMPAIGN_REMOVE, V_INT(id)));
	if (err == 0 && !sq_changed(s))
		err = sq_refuse(s, ERR_NOT_FOUND, "campaign");
	return err;
}

static int
campaign_page(struct sq *s, const struct query *q, struct sq_list *l,
    size_t *ret_n)
{
	int err = rules_page(l->cap);

	if (err != 0)
		return sq_refuse(s, err, "page");
	err = sq_list(s, q, l);
	if (err == 0)
		*ret_n = l->n;
	return err;
}

int
sq_campaign_list(struct store *s, uint64_t before, size_t limit,
    struct store_campaign *ret, size_t *ret_n)
{
	struct sq_list l = {campaign_row, ret, sizeof(*ret), limit, 0};

	return campaign_page(sq_of(s), Q(CAMPAIGN_LIST,
	    V_INT(before ? before : INT64_MAX), V_INT(limit)), &l, ret_n);
}

int
sq_campaign_live(struct store *s, uint64_t after, size_t limit,
    struct store_campaign *ret, size_t *ret_n)
{
	struct sq_list l = {campaign_row, ret, sizeof(*ret), limit, 0};

	return campaign_page(sq_of(s), Q(CAMPAIGN_LIVE, V_AFTER(after),
	    V_INT(limit)), &l, ret_n);
}

static void
tally_row(struct row *r, void *out)
{
	struct store_tally *t = out;

	t->wave = (uint32_t)row_int(r);
	t->state = row_enum(r, JOB_STATES);
	t->begun = row_int(r) != 0;
	t->waiting = row_int(r) != 0;
	t->fail = row_enum(r, FAIL_CLASSES);
	t->reason = row_enum(r, REASONS);
	t->grade = row_enum(r, GRADES);
	t->n = (uint64_t)row_int(r);
}

struct counting {
	struct store_counts k;
	bool any;
};

static int
count_row(void *arg, struct row *r)
{
	struct counting *c = arg;
	struct store_tally t;

	tally_row(r, &t);
	c->any = true;
	if (r->bad)
		return 0;
	tally_sum(&c->k, &t);
	c->k.attempts += (uint64_t)row_int(r);
	return 0;
}

/* 0, or ERR_NOT_FOUND; 0 is the jobs of none. Who has a tally is there. */
static int
campaign_there(struct store *s, uint64_t id)
{
	struct store_campaign c;

	return id == 0 ? 0 : sq_campaign_get(s, id, &c);
}

int
sq_campaign_counts(struct store *store, uint64_t id, struct store_counts *ret)
{
	struct counting c = {.any = false};
	int err = sq_tally_write(sq_of(store));

	if (err == 0)
		err = sq_each(sq_of(store), Q(CAMPAIGN_TALLY, V_INT(id),
		    V_INT(-1)), count_row, &c);
	if (err == 0 && !c.any)
		err = campaign_there(store, id);
	if (err == 0)
		*ret = c.k;
	return err;
}

struct tally_list {
	struct store_tally *ret;
	size_t n, cap;
};

static int
tally_each(void *arg, struct row *r)
{
	struct tally_list *l = arg;

	if (l->n == l->cap)
		return ERR_SPACE;
	tally_row(r, &l->ret[l->n++]);
	return 0;
}

int
sq_campaign_tally(struct store *store, uint64_t id, struct store_tally *ret,
    size_t cap, size_t *ret_n)
{
	struct sq *s = sq_of(store);
	struct tally_list l = {ret, 0, cap < STORE_TALLY ? cap : STORE_TALLY};
	int err = sq_tally_write(s);

	if (err == 0)
		err = sq_each(s, Q(CAMPAIGN_TALLY, V_INT(id),
		    V_INT(STORE_TALLY + 1)), tally_each, &l);
	if (err == 0 && l.n == 0)
		err = campaign_there(store, id);
	if (err == ERR_SPACE)
		return sq_refuse(s, err, "tally");
	if (err == 0)
		*ret_n = l.n;
	return err;
}

int
sq_plan_put(struct store *store, uint64_t campaign, uint64_t part,
    struct slice bytes)
{
	struct sq *s = sq_of(store);

	if (bytes.n > STORE_PLAN_PART)
		return sq_refuse(s, ERR_SIZE, "part of a plan");
	return sq_write(s, Q(PLAN_PUT, V_INT(campaign), V_INT(part),
	    V_BLOB(bytes.p, bytes.n)));
}

int
sq_plan_get(struct store *store, uint64_t campaign, uint64_t part,
    struct buf *out)
{
	return sq_blob(sq_of(store), Q(PLAN_GET, V_INT(campaign),
	    V_INT(part)), out, "part of a plan");
}

int
sq_plan_drop(struct store *s, uint64_t campaign)
{
	return sq_write(sq_of(s), Q(PLAN_DROP, V_INT(campaign)));
}
