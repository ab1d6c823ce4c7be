/*
 * The event log, and small settings by name.
 *
 * A turn has an event with nearly every report. The first of a transaction is
 * written at once and tells the ids of the others, which wait for the commit
 * or for somebody who reads the log, and are written some at a time. A pair
 * that is undone takes back its own; what was written within it waits again.
 */
#include "db/store_sqlite.h"

#define COLS \
	"id, at, device, job, campaign, release, ep, kind, what, grade, detail"
#define COLUMNS 11
#define ROW "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define ROWS 8 /* at a time */
static const char EVENT_INSERT[] = "INSERT INTO event VALUES " ROW;
static const char EVENT_INSERT_ROWS[] =
    "INSERT INTO event VALUES " ROW ", " ROW ", " ROW ", " ROW ", " ROW ", "
    ROW ", " ROW ", " ROW;
/* Ids have no gaps, so a number of rows is a distance between ids. */
static const char EVENT_PRUNE[] =
    "DELETE FROM event WHERE id <= min((SELECT max(id) FROM event) - ?1,"
    " (SELECT min(id) FROM event) - 1 + ?2)";

static const char META_GET[] = "SELECT value FROM meta WHERE name = ?1";
static const char META_PUT[] =
    "INSERT INTO meta VALUES (?1, ?2) ON CONFLICT (name)"
    " DO UPDATE SET value = ?2";

/* One statement per index and direction: ?1 after, ?2 limit, then the
 * filters, of which `by` is the one whose index is walked. */
#define SELECT_BY(by, order) \
	"SELECT " COLS " FROM event WHERE " by " AND id " order \
	" AND (?3 IS NULL OR +job = ?3) AND (?4 IS NULL OR +device = ?4)" \
	" AND (?5 IS NULL OR +campaign = ?5)" \
	" AND (?6 IS NULL OR +release = ?6) ORDER BY id "
#define UP(by) SELECT_BY(by, "> ?1") "LIMIT ?2"
#define DOWN(by) SELECT_BY(by, "< ?1") "DESC LIMIT ?2"
static const char UP_ANY[] = UP("true"), DOWN_ANY[] = DOWN("true");
static const char UP_JOB[] = UP("job = ?3"), DOWN_JOB[] = DOWN("job = ?3");
static const char UP_DEVICE[] = UP("device = ?4"),
    DOWN_DEVICE[] = DOWN("device = ?4");
static const char UP_CAMPAIGN[] = UP("campaign = ?5"),
    DOWN_CAMPAIGN[] = DOWN("campaign = ?5");
static const char UP_RELEASE[] = UP("release = ?6"),
    DOWN_RELEASE[] = DOWN("release = ?6");

static void
event_values(const struct store_event *e, struct val dst[COLUMNS])
{
	const struct val v[COLUMNS] = {
		V_ID(e->id), V_INT(e->at), V_ID(e->device), V_ID(e->job),
		V_ID(e->campaign), V_ID(e->release), V_TEXT(e->ep),
		V_TEXT(e->kind), V_TEXT(e->what), V_INT(e->grade),
		V_TEXT(e->detail),
	};

	memcpy(dst, v, sizeof(v));
}

/* `n` is 1 or ROWS. */
static int
insert(struct sq *s, const struct store_event *e, size_t n)
{
	struct val v[ROWS * COLUMNS];
	const struct query q = {
		n == 1 ? EVENT_INSERT : EVENT_INSERT_ROWS, v, n * COLUMNS,
	};

	for (size_t i = 0; i < n; i++)
		event_values(&e[i], v + i * COLUMNS);
	return sq_write(s, &q);
}

int
sq_event_put(struct store *store, struct store_event *e)
{
	struct sq *s = sq_of(store);
	struct sq_events *w = &s->events;
	struct store_event row = *e;
	int err = rules_event(e);

	if (err != 0)
		return sq_refuse(s, err, "event");
	err = sq_writable(s);
	row.id = w->last == 0 ? 0 : w->last + 1;
	if (err == 0 && (row.id == 0 || w->n == SQ_EVENTS))
		err = insert(s, &row, 1);
	else if (err == 0)
		w->log[w->n++] = row;
	if (err == 0)
		w->last = e->id = row.id == 0 ? sq_rowid(s) : row.id;
	return err;
}

int
sq_events_write(struct sq *s)
{
	struct sq_events *w = &s->events;
	int err = s->doom;

	while (err == 0 && w->written < w->n) {
		size_t n = w->n - w->written < ROWS ? 1 : ROWS;

		err = insert(s, &w->log[w->written], n);
		if (err == 0)
			w->written += n;
	}
	if (err == 0 && s->depth == 1)
		w->n = w->written = 0;
	return err;
}

void
sq_events_begin(struct sq *s)
{
	struct sq_events *w = &s->events;

	if (s->depth == 0)
		w->last = 0; /* somebody else may have written */
	w->mark[s->depth].last = w->last;
	w->mark[s->depth].n = w->n;
	w->mark[s->depth].written = w->written;
}

void
sq_events_undone(struct sq *s)
{
	struct sq_events *w = &s->events;

	w->last = w->mark[s->depth].last;
	w->n = w->mark[s->depth].n;
	w->written = w->mark[s->depth].written;
}

int
sq_event_prune(struct store *s, uint64_t keep, uint64_t limit,
    uint64_t *ret_n)
{
	int err;

	if (keep > INT64_MAX / 2 || limit > INT64_MAX / 2)
		return sq_refuse(sq_of(s), ERR_RANGE, "events");
	err = sq_writable(sq_of(s));
	if (err == 0)
		err = sq_events_write(sq_of(s));
	if (err == 0)
		err = sq_write(sq_of(s), Q(EVENT_PRUNE, V_INT(keep), V_INT(limit)));
	if (err == 0)
		*ret_n = (uint64_t)sqlite3_changes64(sq_of(s)->db);
	return err;
}

static void
event_row(struct row *r, void *out)
{
	struct store_event *e = out;

	e->id = (uint64_t)row_int(r);
	e->at = row_int(r);
	e->device = (uint64_t)row_int(r);
	e->job = (uint64_t)row_int(r);
	e->campaign = (uint64_t)row_int(r);
	e->release = (uint64_t)row_int(r);
	row_text(r, e->ep, sizeof(e->ep));
	row_text(r, e->kind, sizeof(e->kind));
	row_text(r, e->what, sizeof(e->what));
	e->grade = row_enum(r, GRADE_L2 + 1);
	row_text(r, e->detail, sizeof(e->detail));
}

static const char *
event_sql(const struct store_event_filter *f)
{
	if (f->job != 0)
		return f->newest_first ? DOWN_JOB : UP_JOB;
	if (f->device != 0)
		return f->newest_first ? DOWN_DEVICE : UP_DEVICE;
	if (f->campaign != 0)
		return f->newest_first ? DOWN_CAMPAIGN : UP_CAMPAIGN;
	if (f->release != 0)
		return f->newest_first ? DOWN_RELEASE : UP_RELEASE;
	return f->newest_first ? DOWN_ANY : UP_ANY;
}

int
sq_event_list(struct store *s, const struct store_event_filter *f,
    struct store_event *ret, size_t *ret_n)
{
	struct sq_list l = {event_row, ret, sizeof(*ret), f->limit, 0};
	uint64_t after = f->newest_first && f->after == 0 ? INT64_MAX :
	    f->after;
	int err = rules_page(f->limit);

	if (err != 0)
		return sq_refuse(sq_of(s), err, "page");
	err = sq_events_write(sq_of(s));
	if (err == 0)
		err = sq_list(sq_of(s), Q(event_sql(f), V_INT(after),
		    V_INT(f->limit), V_ID(f->job), V_ID(f->device),
		    V_ID(f->campaign), V_ID(f->release)), &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}

int
sq_meta_get(struct store *s, const char *name, struct buf *out)
{
	return sq_blob(sq_of(s), Q(META_GET, V_TEXT(name)), out, "setting");
}

int
sq_meta_put(struct store *store, const char *name, struct slice v)
{
	struct sq *s = sq_of(store);
	int err = rules_meta(name, v);

	if (err != 0)
		return sq_refuse(s, err, "setting");
	return sq_write(s, Q(META_PUT, V_TEXT(name), V_BLOB(v.p, v.n)));
}
