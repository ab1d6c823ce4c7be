/*
 * The audit log. Each entry is written at once: the next one needs its hash,
 * and there are few.
 */
#include "db/store_sqlite.h"

#define COLS "n, at, who, kind, subject, detail, prev, hash"

static const char INSERT[] =
    "INSERT INTO audit VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
static const char HEAD[] =
    "SELECT n, hash FROM audit WHERE n = (SELECT max(n) FROM audit)";

/* Numbers have no gaps, so that of rows is a distance between them. */
static const char BASE_SET[] =
    "UPDATE audit_base SET (n, hash) = (SELECT n, hash FROM audit WHERE n ="
    " min((SELECT max(n) FROM audit) - ?1, (SELECT min(n) FROM audit) - 1"
    " + ?2)) WHERE id = 1 AND n < min((SELECT max(n) FROM audit) - ?1,"
    " (SELECT min(n) FROM audit) - 1 + ?2)";
static const char PRUNE[] =
    "DELETE FROM audit WHERE n <= (SELECT n FROM audit_base WHERE id = 1)";
static const char BASE[] =
    "SELECT n, hash FROM audit_base WHERE id = 1";

/* One statement per index and direction: ?1 after, ?2 limit, then the
 * filters, of which `by` is the one whose index is walked, from ?6 on. */
#define SELECT_BY(by, order) \
	"SELECT " COLS " FROM audit WHERE " by " AND n " order \
	" AND (?3 IS NULL OR +subject = ?3) AND (?4 IS NULL OR +who = ?4)" \
	" AND (?5 IS NULL OR +kind = ?5) AND n >= ?6 ORDER BY n "
#define UP(by) SELECT_BY(by, "> ?1") "LIMIT ?2"
#define DOWN(by) SELECT_BY(by, "< ?1") "DESC LIMIT ?2"
static const char UP_ANY[] = UP("true"), DOWN_ANY[] = DOWN("true");
static const char UP_SUBJECT[] = UP("subject = ?3"),
    DOWN_SUBJECT[] = DOWN("subject = ?3");
static const char UP_WHO[] = UP("who = ?4"), DOWN_WHO[] = DOWN("who = ?4");
static const char UP_KIND[] = UP("kind = ?5"), DOWN_KIND[] = DOWN("kind = ?5");

static void
head_row(struct row *r, void *out)
{
	struct audit_head *h = out;

	h->n = (uint64_t)row_int(r);
	row_fixed(r, h->hash, AUDIT_HASH);
}

int
sq_audit_head(struct store *s, struct audit_head *ret)
{
	struct audit_head h = {.n = 0};
	int err = sq_one(sq_of(s), Q0(HEAD), head_row, &h, sizeof(h));

	if (err != 0 && err != ERR_NOT_FOUND)
		return err;
	if (err == ERR_NOT_FOUND)
		memset(&h, 0, sizeof(h));
	*ret = h;
	return 0;
}

int
sq_audit_append(struct store *store, struct audit_entry *e)
{
	struct sq *s = sq_of(store);
	struct audit_entry row = *e;
	struct audit_head head;
	int err = rules_audit(e);

	if (err != 0)
		return sq_refuse(s, err, "audit entry");
	err = sq_writable(s);
	if (err == 0)
		err = sq_audit_head(store, &head);
	if (err != 0)
		return err;
	err = audit_append(&head, &row);
	if (err != 0)
		return sq_refuse(s, err, "audit entry");
	err = sq_write(s, Q(INSERT, V_INT(row.n), V_INT(row.at),
	    V_TEXT(row.who), V_TEXT(row.kind), V_TEXT(row.subject),
	    V_TEXT(row.detail), V_BLOB(row.prev, AUDIT_HASH),
	    V_BLOB(row.hash, AUDIT_HASH)));
	if (err == 0)
		*e = row;
	return err;
}

void
sq_audit_row(struct row *r, void *out)
{
	struct audit_entry *e = out;

	e->n = (uint64_t)row_int(r);
	e->at = row_int(r);
	row_text(r, e->who, sizeof(e->who));
	row_text(r, e->kind, sizeof(e->kind));
	row_text(r, e->subject, sizeof(e->subject));
	row_text(r, e->detail, sizeof(e->detail));
	row_fixed(r, e->prev, AUDIT_HASH);
	row_fixed(r, e->hash, AUDIT_HASH);
}

static const char *
audit_sql(const struct store_audit_filter *f)
{
	if (f->subject[0] != '\0')
		return f->newest_first ? DOWN_SUBJECT : UP_SUBJECT;
	if (f->have_who)
		return f->newest_first ? DOWN_WHO : UP_WHO;
	if (f->kind[0] != '\0')
		return f->newest_first ? DOWN_KIND : UP_KIND;
	return f->newest_first ? DOWN_ANY : UP_ANY;
}

/* Where the walk begins: of two lower bounds SQLite's takes one. */
static uint64_t
begin_of(const struct store_audit_filter *f)
{
	if (f->newest_first)
		return f->after == 0 ? INT64_MAX : f->after;
	return f->from > 0 && f->from - 1 > f->after ? f->from - 1 : f->after;
}

int
sq_audit_list(struct store *s, const struct store_audit_filter *f,
    struct audit_entry *ret, size_t *ret_n)
{
	struct sq_list l = {sq_audit_row, ret, sizeof(*ret), f->limit, 0};
	struct val who = {.type = f->have_who ? VAL_TEXT : VAL_NULL,
	    .p = f->who};
	int err = rules_audit_filter(f);

	if (err != 0)
		return sq_refuse(sq_of(s), err, "page");
	err = sq_list(sq_of(s), Q(audit_sql(f), V_AFTER(begin_of(f)),
	    V_INT(f->limit), V_NAME(f->subject), who, V_NAME(f->kind),
	    V_INT(f->from)), &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}

int
sq_audit_prune(struct store *store, uint64_t keep, uint64_t limit,
    struct audit_head *ret_base, uint64_t *ret_n)
{
	struct sq *s = sq_of(store);
	struct audit_head base = {.n = 0};
	int err;

	if (keep < 1 || keep > INT64_MAX / 2 || limit > INT64_MAX / 2)
		return sq_refuse(s, ERR_RANGE, "audit entries");
	err = sq_write(s, Q(BASE_SET, V_INT(keep), V_INT(limit)));
	if (err == 0)
		err = sq_write(s, Q0(PRUNE));
	if (err != 0)
		return err;
	*ret_n = (uint64_t)sqlite3_changes64(s->db);
	err = sq_one(s, Q0(BASE), head_row, &base, sizeof(base));
	if (err == 0)
		*ret_base = base;
	return err;
}
