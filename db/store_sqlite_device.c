/*
 * Devices and their credentials.
 *
 * A status report rewrites one row and no index: columns that an index
 * covers are updated by a statement of their own, and only when they change.
 * Tags live in the row (read with it) and in device_tag (found by it).
 */
#include "db/store_sqlite.h"

#define COLS \
	"d.id, d.ep, d.class_id, d.vendor, d.driver, d.driver_set," \
	" d.nul_trigger, d.uri, d.uri_set, d.addr, d.have_psk, d.seq," \
	" d.seq_grade, d.version, d.registered, d.reg, d.reg_expires," \
	" d.reg_lt, d.reg_base, d.created, d.seen, d.tags, d.gap, d.revoked," \
	" d.ahead, d.class_set, d.class_said"

#define TAGS_MAX (LIMIT_TAGS * (LIMIT_TAG_NAME + LIMIT_TAG_VALUE + 2))

static const char DEVICE_GET[] =
    "SELECT " COLS " FROM device d WHERE d.id = ?1";
static const char DEVICE_BY_EP[] =
    "SELECT " COLS " FROM device d WHERE d.ep = ?1";
static const char DEVICE_BY_ADDR[] =
    "SELECT " COLS " FROM device d WHERE d.addr = ?1 LIMIT 2";
static const char DEVICE_BY_REG[] =
    "SELECT " COLS " FROM device d WHERE d.reg = ?1";
static const char DEVICE_INSERT[] =
    "INSERT INTO device VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
    " ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,"
    " ?22, ?23, ?24, 0, ?25, ?26)";
static const char DEVICE_UPDATE[] =
    "UPDATE device SET vendor = ?4, driver = ?5, driver_set = ?6,"
    " nul_trigger = ?7, uri = ?8, uri_set = ?9, have_psk = ?11, seq = ?12,"
    " seq_grade = ?13, version = ?14, registered = ?15, reg_expires = ?17,"
    " reg_lt = ?18, reg_base = ?19, created = ?20, seen = ?21, tags = ?22,"
    " gap = ?23, revoked = ?24, class_set = ?25, class_said = ?26"
    " WHERE id = ?1";
static const char DEVICE_UPDATE_KEYS[] =
    "UPDATE device SET ep = ?2, class_id = ?3, addr = ?4, reg = ?5"
    " WHERE id = ?1";
static const char DEVICE_SEEN[] =
    "UPDATE device SET seen = max(seen, ?2),"
    " gap = CASE ?3 WHEN 0 THEN gap ELSE ?3 END WHERE id = ?1";
static const char DEVICE_ADDR[] =
    "UPDATE device SET addr = ?2 WHERE id = ?1 AND addr IS NOT ?2";
static const char TAG_INSERT[] =
    "INSERT INTO device_tag VALUES (?1, ?2, ?3, ?4)";
static const char TAG_DELETE[] =
    "DELETE FROM device_tag WHERE name = ?1 AND ep = ?2";
static const char JOBS_DELETE[] = "DELETE FROM job WHERE device = ?1";
static const char CREDENTIALS_DELETE[] =
    "DELETE FROM credential WHERE device = ?1";
static const char ATTEST_DELETE[] = "DELETE FROM attest WHERE device = ?1";
static const char DEVICE_DELETE[] = "DELETE FROM device WHERE id = ?1";

/* ?1 after, ?2 the least ep to look at, ?3 prefix, ?4 limit, ?5 class */
#define PAGE(ep) \
	" AND " ep " >= ?2 AND " ep " <> ?1" \
	" AND substr(" ep ", 1, length(?3)) = ?3 "
static const char LIST_ALL[] =
    "SELECT " COLS " FROM device d WHERE true" PAGE("d.ep")
    " ORDER BY d.ep LIMIT ?4";
static const char LIST_CLASS[] =
    "SELECT " COLS " FROM device d WHERE d.class_id = ?5" PAGE("d.ep")
    " ORDER BY d.ep LIMIT ?4";
static const char LIST_TAG[] =
    "SELECT " COLS " FROM device_tag t CROSS JOIN device d ON d.id = t.device"
    " WHERE t.name = ?6" PAGE("t.ep") " AND (?5 IS NULL OR +d.class_id = ?5)"
    " ORDER BY t.ep LIMIT ?4";
static const char LIST_TAG_VALUE[] =
    "SELECT " COLS " FROM device_tag t CROSS JOIN device d ON d.id = t.device"
    " WHERE t.name = ?6 AND t.value = ?7" PAGE("t.ep")
    " AND (?5 IS NULL OR +d.class_id = ?5) ORDER BY t.ep LIMIT ?4";

/*
 * For a plan, in the order of the table: the last job by job_device, and the
 * live one looked for only where that is over. A NULL key finds nothing
 * without a seek, which an ON term beside the key would not save.
 */
#define JOB_COLS(j) \
	", " j ".id, " j ".campaign, " j ".release, " j ".target_seq, " \
	j ".state, " j ".reason, " j ".attempt"
static const char SCAN[] =
    "SELECT d.id, d.ep, d.class_id, d.vendor, d.driver, d.nul_trigger,"
    " d.uri_set, d.have_psk, d.seq, d.seq_grade, d.version, d.registered,"
    " d.reg, d.reg_expires, d.addr, d.created, d.seen, d.gap, d.revoked,"
    " d.ahead, d.class_set, d.class_said" JOB_COLS("a") JOB_COLS("b")
    ", CASE ?3 WHEN 0 THEN NULL ELSE d.tags END FROM device d"
    " LEFT JOIN job a ON a.id ="
    " (SELECT max(j.id) FROM job j WHERE j.device = d.id)"
    " LEFT JOIN job b ON b.device = CASE WHEN a.state >= 5 THEN d.id END"
    " AND b.state < 5 WHERE d.id > ?1 ORDER BY d.id LIMIT ?2";

static struct slice
tags_encode(const struct store_device *d, struct buf *b)
{
	for (size_t i = 0; i < d->tag_count; i++) {
		buf_put(b, slice_of(d->tag[i].name,
		    strlen(d->tag[i].name) + 1));
		buf_put(b, slice_of(d->tag[i].value,
		    strlen(d->tag[i].value) + 1));
	}
	return buf_slice(b);
}

/* Takes a NUL-terminated text off the front of `in`. */
static bool
tags_text(struct slice *in, char *dst, size_t cap)
{
	const uint8_t *nul = in->n ? memchr(in->p, 0, in->n) : NULL;
	size_t n = nul ? (size_t)(nul - in->p) : 0;

	if (nul == NULL || !slice_to_cstr(slice_of(in->p, n), dst, cap))
		return false;
	*in = slice_sub(*in, n + 1, in->n);
	return true;
}

static bool
tags_decode(struct slice in, struct store_device *d)
{
	for (d->tag_count = 0; in.n > 0; d->tag_count++) {
		struct rd_tag *t = &d->tag[d->tag_count];

		if (d->tag_count == LIMIT_TAGS ||
		    !tags_text(&in, t->name, sizeof(t->name)) ||
		    !tags_text(&in, t->value, sizeof(t->value)))
			return false;
	}
	return true;
}

static void
tags_row(struct row *r, struct store_device *d)
{
	uint8_t tags[TAGS_MAX];

	if (!tags_decode(slice_of(tags, row_blob(r, tags, sizeof(tags))), d))
		r->bad = true;
}

static void
class_word_row(struct row *r, struct store_device *d)
{
	d->class_set = row_int(r) != 0;
	d->have_class_said = !row_null(r);
	memset(d->class_said, 0, sizeof(d->class_said));
	row_fixed(r, d->class_said, sizeof(d->class_said));
}

static void
device_row(struct row *r, void *out)
{
	struct store_device *d = out;

	d->id = (uint64_t)row_int(r);
	row_text(r, d->ep, sizeof(d->ep));
	d->have_class = !row_null(r);
	row_fixed(r, d->class_id, sizeof(d->class_id));
	row_fixed(r, d->vendor, sizeof(d->vendor));
	d->driver = row_enum(r, DRIVER_OBSERVE + 1);
	d->driver_set = row_int(r) != 0;
	d->nul_trigger = row_int(r) != 0;
	row_text(r, d->uri, sizeof(d->uri));
	d->uri_set = row_int(r) != 0;
	row_text(r, d->addr, sizeof(d->addr));
	d->have_psk = row_int(r) != 0;
	d->have_seq = !row_null(r);
	d->seq = (uint64_t)row_int(r);
	d->seq_grade = row_enum(r, GRADE_L2 + 1);
	row_text(r, d->version, sizeof(d->version));
	d->registered = row_int(r) != 0;
	d->reg = (uint64_t)row_int(r);
	d->reg_expires = row_int(r);
	d->reg_lt = (uint32_t)row_int(r);
	d->reg_base = row_int(r) != 0;
	d->created = row_int(r);
	d->seen = row_int(r);
	tags_row(r, d);
	d->gap = (uint32_t)row_int(r);
	d->revoked = row_int(r) != 0;
	d->ahead = row_int(r) != 0;
	class_word_row(r, d);
}

static int
device_one(struct store *store, const struct query *q,
    struct store_device *ret)
{
	struct sq *s = sq_of(store);
	int err = sq_one(s, q, device_row, ret, sizeof(*ret));

	if (err == 0)
		sq_memo_device(s, ret);
	return err;
}

int
sq_device_get(struct store *store, uint64_t id, struct store_device *ret)
{
	return sq_memo_get(sq_of(store), id, ret) ? 0 :
	    device_one(store, Q(DEVICE_GET, V_INT(id)), ret);
}

int
sq_device_by_ep(struct store *s, const char *ep, struct store_device *ret)
{
	return sq_memo_named(sq_of(s), ep, ret) ? 0 :
	    device_one(s, Q(DEVICE_BY_EP, V_TEXT(ep)), ret);
}

int
sq_device_by_reg(struct store *s, uint64_t reg, struct store_device *ret)
{
	return device_one(s, Q(DEVICE_BY_REG, V_ID(reg)), ret);
}

int
sq_device_by_addr(struct store *s, const char *addr, struct store_device *ret)
{
	struct store_device two[2];
	struct sq_list l = {device_row, two, sizeof(two[0]), 2, 0};
	int err;

	err = sq_list(sq_of(s), Q(DEVICE_BY_ADDR, V_NAME(addr)), &l);
	if (err == 0 && l.n != 1)
		err = sq_refuse(sq_of(s), l.n ? ERR_CONFLICT : ERR_NOT_FOUND,
		    "address");
	if (err == 0)
		*ret = two[0];
	return err;
}

static int
device_write(struct sq *s, const char *sql, const struct store_device *d)
{
	static const uint8_t none[16];
	uint8_t raw[TAGS_MAX];
	struct buf b = buf_of(raw, sizeof(raw));
	struct slice tags = tags_encode(d, &b);

	return sq_write(s, Q(sql, V_ID(d->id), V_TEXT(d->ep),
	    V_OPT(d->have_class, d->class_id, 16),
	    V_OPT(memcmp(d->vendor, none, 16) != 0, d->vendor, 16),
	    V_INT(d->driver), V_INT(d->driver_set), V_INT(d->nul_trigger),
	    V_TEXT(d->uri), V_INT(d->uri_set), V_NAME(d->addr),
	    V_INT(d->have_psk), V_OPTINT(d->have_seq, d->seq),
	    V_INT(d->seq_grade), V_TEXT(d->version), V_INT(d->registered),
	    V_ID(d->reg), V_INT(d->reg_expires), V_INT(d->reg_lt),
	    V_INT(d->reg_base), V_INT(d->created), V_INT(d->seen),
	    V_OPT(tags.n > 0, tags.p, tags.n), V_INT(d->gap),
	    V_INT(d->revoked), V_INT(d->class_set),
	    V_OPT(d->have_class_said, d->class_said, 16)));
}

static bool
tags_same(const struct store_device *a, const struct store_device *b)
{
	if (a->tag_count != b->tag_count || strcmp(a->ep, b->ep) != 0)
		return false;
	for (size_t i = 0; i < a->tag_count; i++)
		if (strcmp(a->tag[i].name, b->tag[i].name) != 0 ||
		    strcmp(a->tag[i].value, b->tag[i].value) != 0)
			return false;
	return true;
}

static int
tags_drop(struct sq *s, const struct store_device *d)
{
	int err = 0;

	for (size_t i = 0; i < d->tag_count && err == 0; i++)
		err = sq_write(s, Q(TAG_DELETE, V_TEXT(d->tag[i].name),
		    V_TEXT(d->ep)));
	return err;
}

static int
tags_add(struct sq *s, const struct store_device *d)
{
	int err = 0;

	for (size_t i = 0; i < d->tag_count && err == 0; i++)
		err = sq_write(s, Q(TAG_INSERT, V_TEXT(d->tag[i].name),
		    V_TEXT(d->ep), V_TEXT(d->tag[i].value), V_INT(d->id)));
	return err;
}

static int
device_insert(struct sq *s, struct store_device *d)
{
	int err = device_write(s, DEVICE_INSERT, d);

	if (err != 0)
		return err;
	d->id = sq_rowid(s);
	err = d->ahead ? sq_ahead_set(s, d->id, true) : 0;
	if (err == 0)
		err = tags_add(s, d);
	if (err != 0)
		d->id = 0;
	return err;
}

/* As it is read again: of what is not there nothing is stored. */
static void
put_memo(struct sq *s, const struct store_device *d)
{
	struct store_device row = *d;

	if (!row.have_class)
		memset(row.class_id, 0, sizeof(row.class_id));
	if (!row.have_seq)
		row.seq = 0;
	if (!row.have_class_said)
		memset(row.class_said, 0, sizeof(row.class_said));
	sq_memo_device(s, &row);
}

int
sq_device_put(struct store *store, struct store_device *d)
{
	struct sq *s = sq_of(store);
	struct store_device old;
	int err = rules_device(d);

	if (err != 0)
		return sq_refuse(s, err, "device");
	err = sq_writable(s);
	if (err == 0 && d->id == 0) {
		err = device_insert(s, d);
		if (err == 0)
			store_wrote(store, d->id);
		return err;
	}
	if (err != 0)
		return err;
	err = sq_device_get(store, d->id, &old);
	sq_memo_forget(s, d->id);
	if (err == 0 && (strcmp(old.ep, d->ep) != 0 ||
	    strcmp(old.addr, d->addr) != 0 || old.reg != d->reg ||
	    old.have_class != d->have_class ||
	    (d->have_class && memcmp(old.class_id, d->class_id, 16) != 0)))
		err = sq_write(s, Q(DEVICE_UPDATE_KEYS, V_INT(d->id),
		    V_TEXT(d->ep), V_OPT(d->have_class, d->class_id, 16),
		    V_NAME(d->addr), V_ID(d->reg)));
	if (err == 0)
		err = device_write(s, DEVICE_UPDATE, d);
	if (err == 0 && old.ahead != d->ahead)
		err = sq_ahead_set(s, d->id, d->ahead);
	if (err == 0)
		store_wrote(store, d->id);
	if (err == 0 && !tags_same(&old, d)) {
		err = tags_drop(s, &old);
		if (err == 0)
			err = tags_add(s, d);
	}
	if (err == 0)
		put_memo(s, d);
	return err;
}

int
sq_device_seen(struct store *store, const struct store_seen *seen)
{
	struct sq *s = sq_of(store);
	const char *addr = seen->addr;
	int err = addr ? rules_text(addr, 0, LIMIT_ADDRESS - 1) : 0;

	if (err != 0)
		return sq_refuse(s, err, "address");
	err = sq_write(s, Q(DEVICE_SEEN, V_INT(seen->device), V_INT(seen->at),
	    V_INT(seen->gap)));
	if (err == 0 && !sq_changed(s))
		return sq_refuse(s, ERR_NOT_FOUND, "device");
	if (err == 0 && addr != NULL && addr[0] != '\0')
		err = sq_write(s, Q(DEVICE_ADDR, V_INT(seen->device),
		    V_TEXT(addr)));
	if (err != 0) {
		sq_memo_forget(s, seen->device);
		return err;
	}
	sq_memo_seen(s, seen);
	store_wrote(store, seen->device);
	return 0;
}

int
sq_device_remove(struct store *store, uint64_t id)
{
	struct sq *s = sq_of(store);
	struct store_device d;
	int err = sq_writable(s);

	if (err == 0)
		err = sq_device_get(store, id, &d);
	sq_memo_forget(s, id);
	if (err == 0)
		err = sq_tally_write(s); /* of a row that a trigger changes */
	if (err == 0)
		err = sq_write(s, Q(JOBS_DELETE, V_INT(id)));
	if (err == 0)
		err = sq_write(s, Q(CREDENTIALS_DELETE, V_INT(id)));
	if (err == 0)
		err = sq_write(s, Q(ATTEST_DELETE, V_INT(id)));
	if (err == 0)
		err = tags_drop(s, &d);
	if (err == 0)
		err = sq_write(s, Q(DEVICE_DELETE, V_INT(id)));
	if (err == 0)
		store_wrote(store, id);
	return err;
}

int
sq_device_list(struct store *store, const struct store_device_filter *f,
    struct store_device *ret, size_t *ret_n)
{
	struct sq_list l = {device_row, ret, sizeof(*ret), f->limit, 0};
	const char *lo = strcmp(f->after, f->prefix) > 0 ? f->after :
	    f->prefix;
	const char *sql = f->have_class ? LIST_CLASS : LIST_ALL;
	int err = rules_page(f->limit);

	if (err != 0)
		return sq_refuse(sq_of(store), err, "page");
	if (f->tag_name[0] != '\0')
		sql = f->tag_value[0] != '\0' ? LIST_TAG_VALUE : LIST_TAG;
	err = sq_list(sq_of(store), Q(sql, V_TEXT(f->after), V_TEXT(lo),
	    V_TEXT(f->prefix), V_INT(f->limit),
	    V_OPT(f->have_class, f->class_id, 16), V_TEXT(f->tag_name),
	    V_TEXT(f->tag_value)), &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}

struct scan {
	struct store_scan row; /* one for all: it is large */
	int (*cb)(void *arg, const struct store_scan *scan);
	void *arg;
	size_t left;
	uint64_t after; /* the last one that cb took */
	bool more;
};

static bool
scan_job(struct row *r, struct job *j)
{
	bool have = !row_null(r);

	j->id = (uint64_t)row_int(r);
	j->campaign = (uint64_t)row_int(r);
	j->release = (uint64_t)row_int(r);
	j->target_seq = (uint64_t)row_int(r);
	j->state = row_enum(r, JOB_STATES);
	j->reason = row_enum(r, REASONS);
	j->attempt = (uint32_t)row_int(r);
	return have;
}

static void
scan_device(struct row *r, struct store_device *d)
{
	d->id = (uint64_t)row_int(r);
	row_text(r, d->ep, sizeof(d->ep));
	d->have_class = !row_null(r);
	memset(d->class_id, 0, sizeof(d->class_id));
	row_fixed(r, d->class_id, sizeof(d->class_id));
	memset(d->vendor, 0, sizeof(d->vendor));
	row_fixed(r, d->vendor, sizeof(d->vendor));
	d->driver = row_enum(r, DRIVER_OBSERVE + 1);
	d->nul_trigger = row_int(r) != 0;
	d->uri_set = row_int(r) != 0;
	d->have_psk = row_int(r) != 0;
	d->have_seq = !row_null(r);
	d->seq = (uint64_t)row_int(r);
	d->seq_grade = row_enum(r, GRADE_L2 + 1);
	row_text(r, d->version, sizeof(d->version));
	d->registered = row_int(r) != 0;
	d->reg = (uint64_t)row_int(r);
	d->reg_expires = row_int(r);
	d->addr[0] = '\0'; /* NULL is none, not the one before */
	row_text(r, d->addr, sizeof(d->addr));
	d->created = row_int(r);
	d->seen = row_int(r);
	d->gap = (uint32_t)row_int(r);
	d->revoked = row_int(r) != 0;
	d->ahead = row_int(r) != 0;
	class_word_row(r, d);
}

static int
scan_row(void *arg, struct row *r)
{
	struct scan *s = arg;
	int err;

	if (s->left-- == 0) {
		s->more = true;
		return 0;
	}
	scan_device(r, &s->row.d);
	s->row.have_last = scan_job(r, &s->row.last);
	s->row.have_live = scan_job(r, &s->row.live);
	if (s->row.have_last && rules_live(s->row.last.state)) {
		s->row.live = s->row.last;
		s->row.have_live = true;
	}
	tags_row(r, &s->row.d);
	err = r->bad ? 0 : s->cb(s->arg, &s->row);
	if (err == 0)
		s->after = s->row.d.id;
	else
		s->more = true;
	return err;
}

int
sq_device_scan(struct store *store, const struct store_scan_filter *f,
    int (*cb)(void *arg, const struct store_scan *scan), void *arg,
    uint64_t *ret_after)
{
	struct scan s = {.cb = cb, .arg = arg, .left = f->limit,
	    .after = f->after};
	int err = rules_scan(f);

	if (err != 0)
		return sq_refuse(sq_of(store), err, "scan");
	/* one more, to know whether there is one */
	err = sq_each(sq_of(store), Q(SCAN, V_AFTER(f->after),
	    V_INT(f->limit + 1), V_INT(f->tags)), scan_row, &s);
	if (err == 0 || s.more)
		*ret_after = s.more ? s.after : 0;
	return err;
}
