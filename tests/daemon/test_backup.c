/*
 * The snapshot's life: one at a time, for whom, how long, what it holds; and
 * that no image goes meanwhile. There is no thread here: it is ready at once.
 */
#include "daemon/backup.h"

#include <sqlite3.h>

#include "db/store_copy.h"
#include "tests/daemon/fleet.h"

#define IDLE (LIMIT_BACKUP_IDLE * INT64_C(1000))

static struct world w;

static int
setup(void **state)
{
	struct why why;

	(void)state;
	world_open(&w, fake_sqlite);
	strcpy(w.app.conf.state_dir, fake_db);
	assert_int_equal(backups_new(&w.app, &w.app.backups, &why), 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	backups_free(w.app.backups);
	w.app.backups = NULL;
	world_close(&w);
	return 0;
}

static int
as(const char *who, route_fn fn, enum method method, const char *id,
    const char *part, struct resp *resp)
{
	static struct req req;

	memset(&req, 0, sizeof(req));
	req.method = method;
	req.arg[0] = id;
	req.arg[1] = part;
	req.who.role = ROLE_OPERATOR;
	strcpy(req.who.identity, who);
	return ask(&w, fn, &req, resp);
}

static int
start(const char *who, struct msg_backup *ret)
{
	static struct resp resp;
	struct why why;
	int rc = as(who, res_admin_backups, M_POST, "", "", &resp);

	turn(&w);
	if (rc == 0)
		assert_int_equal(msg_get(&msg_backup, buf_slice(&resp.out),
		    ret, &why), 0);
	return rc;
}

static int
get(const char *id)
{
	static struct resp resp;

	return as("admin", res_admin_backup, M_GET, id, "", &resp);
}

static bool
there(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/backup/snapshot.db", fake_db);
	return access(path, F_OK) == 0;
}

static void
a_snapshot_is_served_as_what_it_is(void **state)
{
	static struct resp resp;
	struct msg_backup m;
	struct digest d;
	struct why why;
	char path[128];
	int schema;

	(void)state;
	assert_int_equal(start("admin", &m), 0);
	assert_string_equal(m.state, "ready");
	assert_true(m.ready && m.schema == (uint32_t)store_schema());
	assert_int_equal(as("admin", res_admin_backup_part, M_GET, m.id, "0",
	    &resp), 0);
	assert_true(resp.body.n == m.size);
	assert_int_equal(digest_compute(DIGEST_SHA256, resp.body, &d), 0);
	assert_memory_equal(d.b, m.digest, 32);
	assert_int_equal(resp.etag_len, 8);
	assert_memory_equal(resp.etag, d.b, 8);
	snprintf(path, sizeof(path), "%s/backup/snapshot.db", fake_db);
	assert_int_equal(store_copy_check(path, &schema, &why), 0);
	assert_int_equal(as("admin", res_admin_backup_part, M_GET, m.id, "1",
	    &resp), ERR_NOT_FOUND);
	assert_int_equal(as("admin", res_admin_backup_part, M_GET,
	    "0123456789abcdef", "0", &resp), ERR_NOT_FOUND);
	assert_int_not_equal(as("admin", res_admin_backup_part, M_GET, m.id,
	    "x", &resp), 0);
}

/* A database of more than a part has two of them. */
static void
parts_make_the_whole(void **state)
{
	struct digest_ctx *h = digest_new(DIGEST_SHA256);
	struct msg_backup m;
	struct slice part;
	struct digest d;
	uint8_t mark[8];
	char path[128];
	sqlite3 *db;

	(void)state;
	snprintf(path, sizeof(path), "%s/suitd.db", fake_db);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "CREATE TABLE pad (b); INSERT INTO "
	    "pad VALUES (zeroblob(67108864))", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	assert_int_equal(start("admin", &m), 0);
	assert_true(m.size > LIMIT_BACKUP_PART &&
	    m.size < 2 * (uint64_t)LIMIT_BACKUP_PART);
	for (uint64_t i = 0; i < 2; i++) {
		assert_int_equal(backup_part(&w.app, i, &part, mark), 0);
		assert_true(part.n == (i == 0 ? LIMIT_BACKUP_PART : m.size -
		    LIMIT_BACKUP_PART));
		assert_int_equal(digest_update(h, part), 0);
		assert_int_equal(digest_compute(DIGEST_SHA256, part, &d), 0);
		assert_memory_equal(mark, d.b, 8);
	}
	assert_int_equal(backup_part(&w.app, 2, &part, mark), ERR_NOT_FOUND);
	assert_int_equal(digest_final(h, &d), 0);
	assert_memory_equal(d.b, m.digest, 32);
	digest_free(h);
}

static void
one_at_a_time(void **state)
{
	struct msg_backup m, n;

	(void)state;
	assert_int_equal(start("alice", &m), 0);
	assert_int_equal(start("alice", &n), ERR_STATE);
	assert_int_equal(start("bob", &n), ERR_STATE);
	w.loop.now += 6000;
	assert_int_equal(start("bob", &n), ERR_STATE);
	assert_int_equal(start("alice", &n), 0); /* she has gone away */
	assert_string_not_equal(m.id, n.id);
	assert_int_equal(get(m.id), ERR_NOT_FOUND);
	assert_int_equal(get(n.id), 0);
	w.loop.now += 61000;
	assert_int_equal(start("bob", &n), 0);
}

static void
who_knows_its_number_goes_on_with_it(void **state)
{
	static struct resp resp;
	static struct req req;
	struct msg_backup m, n;
	char q[32];
	struct why why;

	(void)state;
	assert_int_equal(start("alice", &m), 0);
	memset(&req, 0, sizeof(req));
	req.method = M_POST;
	req.who.role = ROLE_OPERATOR;
	snprintf(q, sizeof(q), "id=%s", m.id);
	req.query[req.query_n++] = slice_str(q);
	assert_int_equal(ask(&w, res_admin_backups, &req, &resp), 0);
	assert_int_equal(msg_get(&msg_backup, buf_slice(&resp.out), &n, &why),
	    0);
	assert_string_equal(m.id, n.id);
}

static void
nobody_asks_for_it_and_it_goes(void **state)
{
	struct msg_backup m;

	(void)state;
	assert_int_equal(start("admin", &m), 0);
	w.loop.now += IDLE - 1;
	backups_tick(w.app.backups);
	assert_true(there());
	assert_int_equal(get(m.id), 0); /* which counts */
	w.loop.now += IDLE - 1;
	backups_tick(w.app.backups);
	assert_true(there() && backup_holds(&w.app));
	w.loop.now++;
	backups_tick(w.app.backups);
	assert_false(there());
	assert_false(backup_holds(&w.app));
	assert_int_equal(get(m.id), ERR_NOT_FOUND);
}

static void
a_start_leaves_nothing_of_the_one_before(void **state)
{
	struct msg_backup m;
	struct why why;

	(void)state;
	assert_int_equal(start("admin", &m), 0);
	assert_true(there());
	/* as after kill -9: the old one is not freed */
	struct backups *old = w.app.backups;
	assert_int_equal(backups_new(&w.app, &w.app.backups, &why), 0);
	assert_false(there());
	backups_free(old);
}

static void
taken_it_is_remembered_and_goes(void **state)
{
	static struct resp resp;
	struct msg_backup m;
	struct why why;
	int64_t at;

	(void)state;
	assert_true(backup_last(&w.app) == 0);
	assert_int_equal(start("admin", &m), 0);
	at = w.loop.now;
	w.loop.now += 5000;
	assert_int_equal(as("admin", res_admin_backup_part, M_POST, m.id,
	    "nonsense", &resp), ERR_NOT_FOUND);
	assert_int_equal(as("admin", res_admin_backup_part, M_POST, m.id,
	    "done", &resp), 0);
	turn(&w);
	assert_false(there());
	assert_true(backup_last(&w.app) == at); /* the moment it shows */
	backups_free(w.app.backups);
	assert_int_equal(backups_new(&w.app, &w.app.backups, &why), 0);
	assert_true(backup_last(&w.app) == at);
}

static void
called_off_it_goes_and_is_not_remembered(void **state)
{
	static struct resp resp;
	struct msg_backup m;

	(void)state;
	assert_int_equal(start("admin", &m), 0);
	assert_int_equal(as("admin", res_admin_backup, M_DELETE, m.id, "",
	    &resp), 0);
	turn(&w);
	assert_false(there());
	assert_true(backup_last(&w.app) == 0);
}

static void
no_image_goes_meanwhile(void **state)
{
	static struct resp resp;
	struct msg_backup m;
	struct digest d = upload(&w, 100, 7);

	(void)state;
	assert_int_equal(start("admin", &m), 0);
	assert_int_equal(as("admin", res_admin_images, M_POST, "", "", &resp),
	    ERR_STATE);
	assert_true(blob_have(w.app.blobs, d.b, NULL));
	assert_int_equal(as("admin", res_admin_backup, M_DELETE, m.id, "",
	    &resp), 0);
	turn(&w);
	assert_int_equal(as("admin", res_admin_images, M_POST, "", "", &resp),
	    0);
	turn(&w);
	assert_false(blob_have(w.app.blobs, d.b, NULL));
}

static void
an_image_is_fetched_whatever_its_release_is(void **state)
{
	static struct resp resp;
	char hex[65];
	uint64_t id = released(&w, 2, "coap://fw.example/a", 1000);
	struct store_payload p;
	struct why why;
	size_t n;

	(void)state;
	assert_int_equal(publish_withdraw(&w.app, id, &why), 0);
	turn(&w);
	assert_int_equal(w.app.store->ops->release_payloads(w.app.store, id,
	    &p, 1, &n), 0);
	text_hex(slice_of(p.digest, 32), hex, sizeof(hex));
	assert_int_equal(as("admin", res_admin_image_data, M_GET, hex, "",
	    &resp), 0);
	assert_non_null(resp.image);
	assert_true(blob_bytes(resp.image).n == 1000);
	blob_unref(resp.image);
	hex[0] = hex[0] == '0' ? '1' : '0';
	assert_int_equal(as("admin", res_admin_image_data, M_GET, hex, "",
	    &resp), ERR_NOT_FOUND);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_snapshot_is_served_as_what_it_is),
		T(parts_make_the_whole),
		T(one_at_a_time),
		T(who_knows_its_number_goes_on_with_it),
		T(nobody_asks_for_it_and_it_goes),
		T(a_start_leaves_nothing_of_the_one_before),
		T(taken_it_is_remembered_and_goes),
		T(called_off_it_goes_and_is_not_remembered),
		T(no_image_goes_meanwhile),
		T(an_image_is_fetched_whatever_its_release_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
