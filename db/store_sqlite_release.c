/*
 * Authors, releases and their payloads.
 */
#include "db/store_sqlite.h"

#define AUTHOR_COLS "name, kid, key, classes, created"
static const char AUTHOR_PUT[] =
    "INSERT INTO author VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (name)"
    " DO UPDATE SET kid = ?2, key = ?3, classes = ?4, created = ?5";
static const char AUTHOR_GET[] =
    "SELECT " AUTHOR_COLS " FROM author WHERE name = ?1";
static const char AUTHOR_OTHERS[] =
    "/* scans */ SELECT count(*) FROM author WHERE name <> ?1";
static const char AUTHOR_REMOVE[] = "DELETE FROM author WHERE name = ?1";
static const char AUTHOR_LIST[] =
    "SELECT " AUTHOR_COLS " FROM author WHERE name >= '' ORDER BY name"
    " LIMIT ?1";

#define COLS \
	"r.id, r.digest, r.seq, r.dialect, r.state, r.author, r.classes," \
	" r.vendor, r.image_bytes, r.warning, r.label, r.created," \
	" r.envelope_len"
static const char RELEASE_INSERT[] =
    "INSERT INTO release VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9,"
    " ?10, ?11, ?12, ?13)";
static const char CLASS_INSERT[] = "INSERT INTO release_class VALUES (?1, ?2)";
static const char PAYLOAD_INSERT[] =
    "INSERT INTO payload VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
static const char RELEASE_GET[] =
    "SELECT " COLS " FROM release r WHERE r.id = ?1";
static const char RELEASE_BY_DIGEST[] =
    "SELECT " COLS " FROM release r WHERE r.digest = ?1";
/* seq is stored by its bits: negative ones are above all others */
#define HIGHEST_FIRST " ORDER BY r.seq < 0 DESC, r.seq DESC LIMIT 1"
static const char RELEASE_CURRENT[] =
    "SELECT " COLS " FROM release_class c CROSS JOIN release r"
    " ON r.id = c.release WHERE c.class_id = ?1 AND r.state = 0"
    HIGHEST_FIRST;
static const char RELEASE_HIGHEST[] =
    "SELECT r.seq FROM release_class c CROSS JOIN release r"
    " ON r.id = c.release WHERE c.class_id = ?1" HIGHEST_FIRST;
/* up to a ceiling, by its bits, too */
static const char RELEASE_BELOW[] =
    "SELECT r.seq FROM release_class c CROSS JOIN release r"
    " ON r.id = c.release WHERE c.class_id = ?1 AND CASE WHEN ?2 < 0"
    " THEN r.seq >= 0 OR r.seq <= ?2 ELSE r.seq BETWEEN 0 AND ?2 END"
    HIGHEST_FIRST;
static const char RELEASE_ENVELOPE[] =
    "SELECT envelope FROM release WHERE id = ?1";
static const char RELEASE_STATE[] =
    "UPDATE release SET state = ?2 WHERE id = ?1";
static const char RELEASE_LIST[] =
    "SELECT " COLS " FROM release r WHERE r.id < ?1 ORDER BY r.id DESC"
    " LIMIT ?2";

#define PAYLOAD_COLS \
	"p.release, p.digest, p.size, p.path, p.uri, p.external"
static const char PAYLOADS[] =
    "SELECT " PAYLOAD_COLS " FROM payload p WHERE p.release = ?1"
    " ORDER BY p.ord LIMIT ?2";
static const char PAYLOAD_EACH[] =
    "/* scans */ SELECT " PAYLOAD_COLS ", r.state FROM release r CROSS JOIN payload p"
    " ON p.release = r.id WHERE p.external = 0 ORDER BY r.id, p.ord";
static const char PATH_OTHER[] =
    "SELECT count(*) FROM (SELECT 1 FROM payload WHERE path = ?1"
    " AND digest <> ?2 LIMIT 1)";
static const char IMAGE_NEEDED[] =
    "SELECT EXISTS (SELECT 1 FROM payload p CROSS JOIN release r"
    " ON r.id = p.release WHERE p.digest = ?1 AND (r.state <> 1 OR EXISTS"
    " (SELECT 1 FROM job WHERE job.release = r.id AND job.state < 5)))";

int
sq_author_put(struct store *store, const struct store_author *a)
{
	struct sq *s = sq_of(store);
	int64_t others = 0;
	int err = rules_author(a);

	if (err != 0)
		return sq_refuse(s, err, "author");
	err = sq_writable(s);
	if (err == 0)
		err = sq_int(s, Q(AUTHOR_OTHERS, V_TEXT(a->name)), &others);
	if (err == 0 && others >= LIMIT_KEYRING)
		err = sq_refuse(s, ERR_LIMIT, "authors");
	if (err == 0)
		err = sq_write(s, Q(AUTHOR_PUT, V_TEXT(a->name),
		    V_BLOB(a->kid, sizeof(a->kid)), V_BLOB(a->key, a->key_len),
		    V_BLOB(a->class_id, a->class_count * 16),
		    V_INT(a->created)));
	return err;
}

static void
author_row(struct row *r, void *out)
{
	struct store_author *a = out;

	row_text(r, a->name, sizeof(a->name));
	row_fixed(r, a->kid, sizeof(a->kid));
	a->key_len = row_blob(r, a->key, sizeof(a->key));
	a->class_count = row_blob(r, a->class_id, sizeof(a->class_id)) / 16;
	a->created = row_int(r);
}

int
sq_author_get(struct store *s, const char *name, struct store_author *ret)
{
	return sq_one(sq_of(s), Q(AUTHOR_GET, V_TEXT(name)), author_row, ret,
	    sizeof(*ret));
}

int
sq_author_remove(struct store *s, const char *name)
{
	int err = sq_write(sq_of(s), Q(AUTHOR_REMOVE, V_TEXT(name)));

	if (err == 0 && !sq_changed(sq_of(s)))
		err = sq_refuse(sq_of(s), ERR_NOT_FOUND, "author");
	return err;
}

int
sq_author_list(struct store *s, struct store_author *ret, size_t cap,
    size_t *ret_n)
{
	struct sq_list l = {author_row, ret, sizeof(*ret), cap, 0};
	int err = sq_list(sq_of(s), Q(AUTHOR_LIST, V_INT(cap)), &l);

	if (err == 0)
		*ret_n = l.n;
	return err;
}

static void
release_row(struct row *r, void *out)
{
	struct store_release *rel = out;

	rel->id = (uint64_t)row_int(r);
	row_fixed(r, rel->digest, sizeof(rel->digest));
	rel->seq = (uint64_t)row_int(r);
	rel->dialect = (int)row_int(r);
	rel->state = row_enum(r, RELEASE_STAGED + 1);
	row_text(r, rel->author, sizeof(rel->author));
	rel->class_count = row_blob(r, rel->class_id,
	    sizeof(rel->class_id)) / 16;
	row_fixed(r, rel->vendor, sizeof(rel->vendor));
	rel->image_bytes = (uint64_t)row_int(r);
	row_text(r, rel->warning, sizeof(rel->warning));
	row_text(r, rel->label, sizeof(rel->label));
	rel->created = row_int(r);
	rel->envelope_len = (size_t)row_int(r);
}

static int
release_one(struct store *s, const struct query *q, struct store_release *ret)
{
	return sq_one(sq_of(s), q, release_row, ret, sizeof(*ret));
}

int
sq_release_get(struct store *s, uint64_t id, struct store_release *ret)
{
	return release_one(s, Q(RELEASE_GET, V_INT(id)), ret);
}

int
sq_release_by_digest(struct store *s, const uint8_t digest[32],
    struct store_release *ret)
{
	return release_one(s, Q(RELEASE_BY_DIGEST, V_BLOB(digest, 32)), ret);
}

int
sq_release_current(struct store *s, const uint8_t class_id[16],
    struct store_release *ret)
{
	return release_one(s, Q(RELEASE_CURRENT, V_BLOB(class_id, 16)), ret);
}

/* The rules of release_put that need to look. */
static int
release_check(struct sq *s, const struct store_release *r,
    const struct store_payload *p, size_t np)
{
	struct store_release known;
	int64_t n = 0;
	int err;

	err = sq_release_by_digest(&s->base, r->digest, &known);
	if (err != ERR_NOT_FOUND)
		return err != 0 ? err : sq_refuse(s, ERR_EXISTS, "release");
	for (size_t i = 0; i < r->class_count; i++) {
		err = sq_int(s, Q(RELEASE_BELOW, V_BLOB(r->class_id[i], 16),
		    V_INT(r->ceiling != 0 ? r->ceiling : UINT64_MAX)), &n);
		if (err == 0 && r->seq <= (uint64_t)n)
			return sq_refuse(s, ERR_SEQUENCE, "release");
		if (err != 0 && err != ERR_NOT_FOUND)
			return err;
	}
	for (size_t i = 0; i < np; i++) {
		err = sq_int(s, Q(PATH_OTHER, V_NAME(p[i].path),
		    V_BLOB(p[i].digest, 32)), &n);
		if (err != 0)
			return err;
		if (n > 0)
			return why_set(&s->base.why, ERR_CONFLICT,
			    "path %s serves other bytes", p[i].path);
	}
	return 0;
}

static int
release_parts(struct sq *s, const struct store_release *r, uint64_t id,
    const struct store_payload *p, size_t np)
{
	int err = 0;

	for (size_t i = 0; i < r->class_count && err == 0; i++)
		err = sq_write(s, Q(CLASS_INSERT, V_BLOB(r->class_id[i], 16),
		    V_INT(id)));
	for (size_t i = 0; i < np && err == 0; i++)
		err = sq_write(s, Q(PAYLOAD_INSERT, V_INT(id), V_INT(i),
		    V_BLOB(p[i].digest, 32), V_INT(p[i].size),
		    V_NAME(p[i].path), V_TEXT(p[i].uri),
		    V_INT(p[i].external)));
	return err;
}

int
sq_release_put(struct store *store, struct store_release *r,
    struct slice envelope, const struct store_payload *p, size_t np)
{
	struct sq *s = sq_of(store);
	uint64_t id;
	int err = rules_release(r, envelope, p, np);

	if (err != 0)
		return sq_refuse(s, err, "release");
	err = sq_writable(s);
	if (err == 0)
		err = release_check(s, r, p, np);
	if (err == 0)
		err = sq_write(s, Q(RELEASE_INSERT, V_BLOB(r->digest, 32),
		    V_INT(r->seq), V_INT(r->dialect), V_INT(r->state),
		    V_TEXT(r->author),
		    V_BLOB(r->class_id, r->class_count * 16),
		    V_BLOB(r->vendor, 16), V_INT(r->image_bytes),
		    V_TEXT(r->warning), V_TEXT(r->label), V_INT(r->created),
		    V_INT(envelope.n), V_BLOB(envelope.p, envelope.n)));
	if (err != 0)
		return err;
	id = sq_rowid(s);
	err = release_parts(s, r, id, p, np);
	if (err == 0) {
		r->id = id;
		r->envelope_len = envelope.n;
	}
	return err;
}

int
sq_release_highest(struct store *s, const uint8_t class_id[16],
    uint64_t *ret_seq)
{
	int64_t seq;
	int err = sq_int(sq_of(s), Q(RELEASE_HIGHEST, V_BLOB(class_id, 16)),
	    &seq);

	if (err == 0)
		*ret_seq = (uint64_t)seq;
	return err;
}

int
sq_release_envelope(struct store *s, uint64_t id, struct buf *out)
{
	return sq_blob(sq_of(s), Q(RELEASE_ENVELOPE, V_INT(id)), out,
	    "envelope");
}

static void
payload_row(struct row *r, void *out)
{
	struct store_payload *p = out;

	p->release = (uint64_t)row_int(r);
	row_fixed(r, p->digest, sizeof(p->digest));
	p->size = (uint64_t)row_int(r);
	row_text(r, p->path, sizeof(p->path));
	row_text(r, p->uri, sizeof(p->uri));
	p->external = row_int(r) != 0;
}

int
sq_release_payloads(struct store *s, uint64_t id, struct store_payload *ret,
    size_t cap, size_t *ret_n)
{
	struct sq_list l = {payload_row, ret, sizeof(*ret), cap, 0};
	struct store_release r;
	int err = sq_release_get(s, id, &r);

	if (err == 0)
		err = sq_list(sq_of(s), Q(PAYLOADS, V_INT(id), V_INT(cap)),
		    &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}

int
sq_release_set_state(struct store *s, uint64_t id, enum release_state st)
{
	int err;

	if ((unsigned)st > RELEASE_STAGED)
		return sq_refuse(sq_of(s), ERR_INVALID, "release state");
	err = sq_write(sq_of(s), Q(RELEASE_STATE, V_INT(id), V_INT(st)));
	if (err == 0 && !sq_changed(sq_of(s)))
		err = sq_refuse(sq_of(s), ERR_NOT_FOUND, "release");
	return err;
}

int
sq_release_list(struct store *s, uint64_t before, size_t limit,
    struct store_release *ret, size_t *ret_n)
{
	struct sq_list l = {release_row, ret, sizeof(*ret), limit, 0};
	int err = rules_page(limit);

	if (err != 0)
		return sq_refuse(sq_of(s), err, "page");
	err = sq_list(sq_of(s), Q(RELEASE_LIST,
	    V_INT(before ? before : INT64_MAX), V_INT(limit)), &l);
	if (err == 0)
		*ret_n = l.n;
	return err;
}

struct each {
	int (*cb)(void *arg, const struct store_payload *p,
	    enum release_state st);
	void *arg;
};

static int
payload_each(void *arg, struct row *r)
{
	struct each *e = arg;
	struct store_payload p;
	enum release_state st;

	memset(&p, 0, sizeof(p));
	payload_row(r, &p);
	st = row_enum(r, RELEASE_STAGED + 1);
	return r->bad ? 0 : e->cb(e->arg, &p, st);
}

int
sq_payload_foreach(struct store *s,
    int (*cb)(void *arg, const struct store_payload *p,
        enum release_state st), void *arg)
{
	struct each e = {cb, arg};

	return sq_each(sq_of(s), Q0(PAYLOAD_EACH), payload_each, &e);
}

int
sq_image_needed(struct store *s, const uint8_t digest[32], bool *ret)
{
	int64_t n = 0;
	int err = sq_int(sq_of(s), Q(IMAGE_NEEDED, V_BLOB(digest, 32)), &n);

	if (err == 0)
		*ret = n != 0;
	return err;
}
