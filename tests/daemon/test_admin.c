/*
 * The operators' resources, called as the front calls them, on the real
 * engine, catalog and store twin: what they refuse, what they change, and
 * that every change is in the log and waits for the commit.
 */
#include "tests/daemon/fake.h"

#include "daemon/audit.h"
#include "daemon/res_admin.h"

static struct world w;
static struct resp resp;
static uint8_t body[LIMIT_BODY_MEM];

static int
setup(void **state)
{
	(void)state;
	world_open(&w, store_mem_open);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	world_close(&w);
	return 0;
}

/* The route that the path finds, as the front would; one query option. */
static int
call(enum method m, const char *path, const char *query, struct slice in)
{
	static char seg[2][LIMIT_PATH + 1];
	struct req rq = {.method = m, .transport = T_ADMIN, .body = in};
	int rc;

	strcpy(rq.who.identity, "admin");
	rq.who.role = ROLE_OPERATOR;
	rq.who.grade = GRADE_L1;
	rq.arg[0] = rq.arg[1] = "";
	snprintf(rq.path, sizeof(rq.path), "%s", path);
	if (query != NULL)
		rq.query[rq.query_n++] = slice_str(query);
	for (const struct route *r = routes_admin; r->path != NULL; r++) {
		const char *a = r->path, *b = path;
		size_t n = 0;

		while (*a != '\0' && *b != '\0') {
			if (*a == '{') {
				a += strcspn(a, "/");
				snprintf(seg[n], sizeof(seg[n]), "%.*s",
				    (int)strcspn(b, "/"), b);
				rq.arg[n] = seg[n];
				n++;
				b += strcspn(b, "/");
			} else if (*a++ != *b++) {
				a = "x";
				break;
			}
		}
		if (*a != '\0' || *b != '\0' || !(r->methods & m))
			continue;
		rc = ask(&w, r->fn, &rq, &resp);
		turn(&w);
		return rc;
	}
	return ERR_METHOD;
}

static int
get(const char *path)
{
	return call(M_GET, path, NULL, SLICE_NONE);
}

static struct slice
record(const struct msg_record *rec, const void *msg)
{
	struct buf b = buf_of(body, sizeof(body));

	msg_put_cbor(rec, msg, &b);
	assert_false(b.over);
	return buf_slice(&b);
}

static void
answer_is(const struct msg_record *rec, void *ret)
{
	struct why why = {0};

	assert_int_equal(resp.cf, CF_CBOR);
	if (msg_get(rec, buf_slice(&resp.out), ret, &why) != 0)
		fail_msg("%s", why.text);
}

/* The newest of admin's entries is of that change, and of a kind. */
static void
is_audited(const char *what)
{
	struct store_audit_filter f = {.limit = 1, .newest_first = true,
	    .have_who = true, .who = "admin"};
	static struct audit_entry e;
	size_t n;

	assert_int_equal(w.app.store->ops->audit_list(w.app.store, &f, &e,
	    &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(e.kind, audit_kind_name(audit_kind_of_word(what)));
	assert_int_not_equal(audit_kind_of_word(what), AUDIT_CHANGE);
}

/* The newest event: kind admin, what, by admin. */
static void
is_logged(const char *what)
{
	struct store_event_filter f = {.limit = 1, .newest_first = true};
	struct store_event ev;
	size_t n;

	assert_true(resp.after_commit);
	assert_int_equal(w.app.store->ops->event_list(w.app.store, &f, &ev,
	    &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(ev.kind, "admin");
	assert_string_equal(ev.what, what);
	assert_memory_equal(ev.detail, "by admin", 8);
	is_audited(what);
}

static uint64_t
events(void)
{
	struct store_stats st;

	w.app.store->ops->stats(w.app.store, &st);
	return st.events;
}

static int
put_device(const char *ep, const struct msg_device_put *m)
{
	char path[128];

	snprintf(path, sizeof(path), "a/devices/%s", ep);
	return call(M_PUT, path, NULL, record(&msg_device_put, m));
}

/* --- devices --- */

static void
a_device_is_added_changed_and_removed(void **state)
{
	struct msg_device_put m = {.driver = "trigger",
	    .uri = "coap://[2001:db8::1]", .tag_count = 1,
	    .tag = {{"site", "berlin"}}};
	static struct msg_device d;

	(void)state;
	strcpy(m.class_name, "1492af14-2569-5e48-bf42-9b2d51f2ab45");
	assert_int_equal(put_device("n1", &m), 0);
	assert_int_equal(resp.code, 201);
	is_logged("device added");
	assert_int_equal(get("a/devices/n1"), 0);
	answer_is(&msg_device, &d);
	assert_string_equal(d.driver, "trigger");
	assert_string_equal(d.uri, "coap://[2001:db8::1]");
	assert_true(d.have_class);
	assert_int_equal(d.tag_count, 1);

	/* what is absent stays */
	m = (struct msg_device_put){.driver = "none"};
	assert_int_equal(put_device("n1", &m), 0);
	is_logged("device changed");
	assert_int_equal(get("a/devices/n1"), 0);
	answer_is(&msg_device, &d);
	assert_string_equal(d.driver, "none");
	assert_string_equal(d.uri, "coap://[2001:db8::1]");
	assert_int_equal(d.tag_count, 1);

	assert_int_equal(call(M_DELETE, "a/devices/n1", NULL, SLICE_NONE), 0);
	is_logged("device removed");
	assert_int_equal(get("a/devices/n1"), ERR_NOT_FOUND);
	assert_int_equal(call(M_DELETE, "a/devices/n1", NULL, SLICE_NONE),
	    ERR_NOT_FOUND);
}

static void
bad_devices_change_nothing(void **state)
{
	static const struct msg_device_put bad[] = {
		{.class_name = "no-such-alias"}, {.driver = "carrier-pigeon"},
		{.uri = "http://x"}, {.uri = "x"},
	};
	struct msg_device_put m = {.driver = "none"};
	uint64_t before = events();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(put_device("n1", &bad[i]), ERR_INVALID);
		assert_true(resp.why.text[0] != '\0');
		assert_false(resp.after_commit);
	}
	assert_int_equal(put_device("a b", &m), ERR_INVALID);
	w.app.conf.devices_max = 0;
	assert_int_equal(put_device("n1", &m), ERR_LIMIT);
	assert_int_equal(get("a/devices/n1"), ERR_NOT_FOUND);
	assert_int_equal(events(), before);
}

static void
a_body_must_be_the_right_record(void **state)
{
	struct req rq = {.method = M_PUT, .have_cf = true, .cf = CF_JSON};

	(void)state;
	rq.arg[0] = "n1";
	rq.body = slice_str("{}");
	assert_int_equal(ask(&w, res_admin_device, &rq, &resp),
	    ERR_CONTENT_FORMAT);
	/* {"drivr": "none"} */
	assert_int_equal(call(M_PUT, "a/devices/n1", NULL,
	    slice_str("\xa1\x65" "drivr\x64none")), ERR_UNSUPPORTED);
	assert_int_equal(call(M_PUT, "a/devices/n1", NULL, SLICE_NONE),
	    ERR_TRUNCATED);
}

static void
tags_are_merged_and_capped(void **state)
{
	struct msg_device_put put = {.driver = "none"};
	static struct msg_tags m;
	static struct msg_device d;

	(void)state;
	assert_int_equal(put_device("n1", &put), 0);
	for (m.tag_count = 0; m.tag_count < LIMIT_TAGS; m.tag_count++) {
		snprintf(m.tag[m.tag_count].name, 8, "t%zu", m.tag_count);
		strcpy(m.tag[m.tag_count].value, "v");
	}
	assert_int_equal(call(M_PUT, "a/devices/n1/tags", NULL,
	    record(&msg_tags, &m)), 0);
	is_logged("device tagged");
	m = (struct msg_tags){1, {{"more", "v"}}};
	assert_int_equal(call(M_PUT, "a/devices/n1/tags", NULL,
	    record(&msg_tags, &m)), ERR_LIMIT);
	m = (struct msg_tags){2, {{"t3", ""}, {"t4", "new"}}};
	assert_int_equal(call(M_PUT, "a/devices/n1/tags", NULL,
	    record(&msg_tags, &m)), 0);
	assert_int_equal(get("a/devices/n1"), 0);
	answer_is(&msg_device, &d);
	assert_int_equal(d.tag_count, LIMIT_TAGS - 1);
	assert_int_equal(call(M_PUT, "a/devices/zz/tags", NULL,
	    record(&msg_tags, &m)), ERR_NOT_FOUND);
}

static void
a_new_key_is_shown_once_and_counts_at_once(void **state)
{
	struct msg_device_put put = {.driver = "none"};
	struct msg_psk a, b, m = {.key_len = 7};
	const struct msg_psk_set set = {.identity = "n1"};
	static struct msg_device d;
	uint8_t raw[LIMIT_PSK_KEY], wire[128];
	struct buf key = buf_of(raw, sizeof(raw)),
	    want = buf_of(wire, sizeof(wire));

	(void)state;
	assert_int_equal(put_device("n1", &put), 0);
	assert_int_equal(call(M_POST, "a/devices/n1/psk", NULL, SLICE_NONE),
	    0);
	is_logged("device key set");
	assert_int_equal(resp.code, 201);
	answer_is(&msg_psk, &a);
	assert_string_equal(a.identity, "n1");
	assert_int_equal(access_psk(&w.app, T_DTLS, "n1", &key), 0);
	assert_true(slice_eq(buf_slice(&key), slice_of(a.key, a.key_len)));
	assert_int_equal(call(M_POST, "a/devices/n1/psk", NULL, SLICE_NONE),
	    0);
	answer_is(&msg_psk, &b);
	assert_memory_not_equal(a.key, b.key, 16);
	key.n = 0;
	assert_int_equal(access_psk(&w.app, T_DTLS, "n1", &key), 0);
	assert_true(slice_eq(buf_slice(&key), slice_of(b.key, b.key_len)));
	assert_int_equal(get("a/devices/n1"), 0);
	answer_is(&msg_device, &d);
	assert_true(d.psk);

	/* a key that is too short, another's identity, an unknown device */
	assert_int_equal(call(M_PUT, "a/devices/n1/psk", NULL,
	    record(&msg_psk, &m)), ERR_INVALID);
	m.key_len = 8;
	strcpy(m.identity, "n2");
	assert_int_equal(call(M_PUT, "a/devices/n1/psk", NULL,
	    record(&msg_psk, &m)), ERR_INVALID);
	m.identity[0] = '\0';
	assert_int_equal(call(M_PUT, "a/devices/n1/psk", NULL,
	    record(&msg_psk, &m)), 0);
	msg_put_cbor(&msg_psk_set, &set, &want); /* a set key is not echoed */
	assert_true(slice_eq(buf_slice(&resp.out), buf_slice(&want)));
	assert_int_equal(call(M_POST, "a/devices/zz/psk", NULL, SLICE_NONE),
	    ERR_NOT_FOUND);
}

/* --- lists --- */

static size_t
walk(const char *path, const struct msg_record *rec, const char *limit)
{
	static uint8_t item[128 * 1024];
	char query[MSG_CURSOR + 8];
	struct msg_page page;
	size_t n = 0;
	struct req rq = {.method = M_GET};
	int rounds = 0;

	strcpy(query, "");
	do {
		const struct route *r = routes_admin;

		while (strcmp(r->path, path) != 0)
			r++;
		rq.query_n = 1;
		rq.query[0] = slice_str(limit);
		if (query[0] != '\0')
			rq.query[rq.query_n++] = slice_str(query);
		assert_int_equal(ask(&w, r->fn, &rq, &resp), 0);
		assert_int_equal(msg_page_open(rec, buf_slice(&resp.out),
		    &page), 0);
		while (page.left > 0) {
			assert_int_equal(msg_page_item(&page, item, NULL), 0);
			n++;
		}
		snprintf(query, sizeof(query), "after=%s", page.next);
		assert_true(rounds++ < 1000);
	} while (page.next[0] != '\0');
	return n;
}

static void
lists_are_paged_to_their_end(void **state)
{
	static const char *const limits[] = {"limit=1", "limit=7",
	    "limit=16", "limit=40", "limit=41", "limit=200"};
	char ep[16];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(ep, sizeof(ep), "dev%d", i);
		device(&w, ep, DRIVER_NONE);
	}
	for (int i = 1; i <= 3; i++)
		released(&w, (uint64_t)i, i == 1 ? "coap://fw.example/1" :
		    i == 2 ? "coap://fw.example/2" : "coap://fw.example/3",
		    10);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		assert_int_equal(walk("a/devices", &msg_device, limits[i]),
		    40);
		assert_int_equal(walk("a/releases", &msg_release, limits[i]), 3);
		assert_int_equal(walk("a/images", &msg_image, limits[i]),
		    3);
		assert_int_equal(walk("a/events", &msg_event, limits[i]),
		    events());
		assert_int_equal(walk("a/keys", &msg_author, limits[i]),
		    1);
		assert_int_equal(walk("a/campaigns", &msg_campaign,
		    limits[i]), 0);
	}
}

static void
a_page_has_its_bounds(void **state)
{
	(void)state;
	assert_int_equal(call(M_GET, "a/events", "limit=0", SLICE_NONE),
	    ERR_RANGE);
	assert_int_equal(call(M_GET, "a/events", "limit=201", SLICE_NONE),
	    ERR_RANGE);
	assert_int_equal(call(M_GET, "a/events", "limit=x", SLICE_NONE),
	    ERR_INVALID);
	assert_int_equal(call(M_GET, "a/events", "after=x", SLICE_NONE),
	    ERR_INVALID);
	assert_int_equal(call(M_GET, "a/images", "after=00", SLICE_NONE),
	    ERR_INVALID);
}

static void
a_full_answer_ends_the_page_early(void **state)
{
	struct msg_device_put put = {.tag_count = LIMIT_TAGS};
	struct msg_page page;
	char ep[LIMIT_EP + 1];

	(void)state;
	for (size_t i = 0; i < LIMIT_TAGS; i++) {
		memset(put.tag[i].name, 'a' + (int)i, LIMIT_TAG_NAME);
		memset(put.tag[i].value, 'v', LIMIT_TAG_VALUE);
	}
	for (int i = 0; i < 60; i++) {
		snprintf(ep, sizeof(ep), "%060d", i);
		assert_int_equal(put_device(ep, &put), 0);
	}
	assert_int_equal(call(M_GET, "a/devices", "limit=60", SLICE_NONE), 0);
	assert_int_equal(msg_page_open(&msg_device, buf_slice(&resp.out),
	    &page), 0);
	assert_in_range(page.left, 10, 59);
	assert_true(page.next[0] != '\0');
	assert_int_equal(walk("a/devices", &msg_device, "limit=60"), 60);
}

static void
json_when_it_is_asked_for(void **state)
{
	struct req rq = {.method = M_GET, .have_accept = true,
	    .accept = CF_JSON};

	(void)state;
	assert_int_equal(ask(&w, res_admin_status, &rq, &resp), 0);
	assert_int_equal(resp.cf, CF_JSON);
	assert_int_equal(resp.out.p[0], '{');
	assert_int_equal(ask(&w, res_admin_events, &rq, &resp), 0);
	assert_memory_equal(resp.out.p, "{\"items\":[", 10);
	rq.accept = CF_TEXT;
	assert_int_equal(ask(&w, res_admin_status, &rq, &resp), ERR_ACCEPT);
	assert_int_equal(ask(&w, res_admin_events, &rq, &resp), ERR_ACCEPT);
}

/* --- authors, releases, images --- */

static int
put_author(const char *name, struct slice key, const char *class)
{
	static struct msg_author_put m;
	char path[128];

	memset(&m, 0, sizeof(m));
	memcpy(m.key, key.p, key.n);
	m.key_len = key.n;
	if (class != NULL)
		strcpy(m.class_name[m.class_count++], class);
	snprintf(path, sizeof(path), "a/keys/%s", name);
	return call(M_PUT, path, NULL, record(&msg_author_put, &m));
}

static void
REQ_SEC_KEY_PROTECTION_a_private_key_is_refused(void **state)
{
	uint8_t raw[2048];
	struct buf pem = buf_of(raw, sizeof(raw));
	static struct msg_author a;

	(void)state;
	assert_int_equal(cose_key_put_pem(w.key, true, &pem), 0);
	assert_int_equal(put_author("bob", buf_slice(&pem), NULL),
	    ERR_POLICY);
	pem.n = 0;
	assert_int_equal(cose_key_put_pem(w.key, false, &pem), 0);
	assert_int_equal(put_author("bob", buf_slice(&pem), "nonsense"),
	    ERR_INVALID);
	assert_int_equal(put_author("b b", buf_slice(&pem), NULL),
	    ERR_INVALID);
	assert_int_equal(put_author("bob", slice_str("junk"), NULL),
	    ERR_KEY);
	assert_int_equal(put_author("bob", buf_slice(&pem),
	    "1492af14-2569-5e48-bf42-9b2d51f2ab45"), 0);
	is_logged("author added");
	answer_is(&msg_author, &a);
	assert_string_equal(a.kind, "p256");
	assert_int_equal(a.class_count, 1);
	assert_int_equal(call(M_DELETE, "a/keys/bob", NULL, SLICE_NONE), 0);
	is_logged("author removed");
	assert_int_equal(call(M_DELETE, "a/keys/bob", NULL, SLICE_NONE),
	    ERR_NOT_FOUND);
}

static void
an_upload_must_have_its_digest(void **state)
{
	struct slice image = slice_str("hello");
	struct digest d;
	char path[128], hex[65];
	struct msg_image m;

	(void)state;
	assert_int_equal(digest_compute(DIGEST_SHA256, image, &d), 0);
	snprintf(path, sizeof(path), "a/images/%s", text_hex(digest_slice(&d),
	    hex, sizeof(hex)));
	assert_int_equal(get(path), ERR_NOT_FOUND);
	assert_int_equal(call(M_PUT, path, NULL, slice_str("hellO")),
	    ERR_DIGEST);
	assert_int_equal(get(path), ERR_NOT_FOUND);
	assert_int_equal(call(M_PUT, path, NULL, image), 0);
	is_logged("image uploaded");
	assert_int_equal(get(path), 0);
	answer_is(&msg_image, &m);
	assert_int_equal(m.size, 5);
	assert_false(m.needed);
	snprintf(path, sizeof(path), "a/images/%s", text_b64u(
	    digest_slice(&d), hex, sizeof(hex)));
	assert_int_equal(get(path), 0);
	assert_int_equal(get("a/images/00"), ERR_INVALID);
	assert_int_equal(call(M_POST, "a/images", NULL, SLICE_NONE), 0);
	is_logged("images cleaned");
	assert_int_equal(get(path), ERR_NOT_FOUND);
}

static void
publishing_twice_is_one_release(void **state)
{
	struct made m = {.seq = 5, .uri = "coap://fw.example/x", .size = 30};
	static struct msg_release r;
	uint8_t bytes[4096];
	struct slice envelope;
	uint64_t before;

	(void)state;
	m.digest = upload(&w, 30, 3);
	envelope = made(&w, &m, bytes, sizeof(bytes));
	before = events();
	assert_int_equal(call(M_POST, "a/releases", "dry_run", envelope), 0);
	assert_int_equal(events(), before);
	assert_int_equal(get("a/releases/1"), ERR_NOT_FOUND);
	assert_int_equal(call(M_POST, "a/releases", NULL, envelope), 0);
	is_logged("published");
	assert_int_equal(resp.code, 201);
	assert_string_equal(resp.location, "a/releases/1");
	answer_is(&msg_release, &r);
	assert_int_equal(r.seq, 5);
	assert_int_equal(r.payload_count, 1);
	before = events();
	assert_int_equal(call(M_POST, "a/releases", NULL, envelope), 0);
	answer_is(&msg_release, &r);
	assert_true(r.exists);
	assert_int_equal(r.id, 1);
	assert_int_equal(events(), before);
	assert_int_equal(call(M_POST, "a/releases", NULL,
	    slice_sub(envelope, 0, 50)), ERR_TRUNCATED);
}

static void
releases_have_two_names(void **state)
{
	uint64_t id = released(&w, 9, "coap://fw.example/one", 20);
	static struct msg_release r;
	char path[128], hex[65];

	(void)state;
	assert_int_equal(id, 1);
	assert_int_equal(get("a/releases/1"), 0);
	answer_is(&msg_release, &r);
	text_hex(slice_of(r.digest, 32), hex, sizeof(hex));
	snprintf(path, sizeof(path), "a/releases/%s", hex);
	assert_int_equal(get(path), 0);
	snprintf(path, sizeof(path), "a/releases/%.6s", hex);
	assert_int_equal(get(path), 0);
	snprintf(path, sizeof(path), "a/releases/%.5s", hex);
	assert_int_equal(get(path), ERR_NOT_FOUND);
	snprintf(path, sizeof(path), "a/releases/%.6s%s", hex, "zz");
	assert_int_equal(get(path), ERR_NOT_FOUND);
	assert_int_equal(call(M_DELETE, "a/releases/1", NULL, SLICE_NONE), 0);
	is_logged("withdrawn");
	assert_int_equal(get("a/releases/1"), 0);
	answer_is(&msg_release, &r);
	assert_string_equal(r.state, "withdrawn");
	assert_null(catalog_current(w.app.catalog, w.class_id));
}

/* --- campaigns --- */

static int
start(const struct msg_campaign_start *m)
{
	return call(M_POST, "a/campaigns", NULL, record(&msg_campaign_start,
	    m));
}

static void
a_campaign_from_start_to_abort(void **state)
{
	static struct msg_campaign_start m = {.release = "1",
	    .name = "first", .policy = "concurrency=2"};
	static struct msg_campaign c;
	struct msg_job j;

	(void)state;
	released(&w, 3, "coap://fw.example/c", 20);
	device(&w, "n1", DRIVER_NONE);
	device(&w, "n2", DRIVER_NONE);
	assert_int_equal(start(&m), 0);
	is_logged("campaign planned");
	answer_is(&msg_campaign, &c);
	assert_string_equal(c.state, "draft");
	assert_string_equal(c.verdict[0].name, "update");
	assert_int_equal(c.verdict[0].n, 2);
	assert_int_equal(c.counts.queued, 0);
	m.start = true;
	assert_int_equal(start(&m), 0);
	is_logged("campaign to be started");
	assert_string_equal(resp.location, "a/campaigns/2");
	assert_int_equal(get("a/campaigns/2"), 0);
	answer_is(&msg_campaign, &c);
	assert_string_equal(c.state, "running");
	assert_int_equal(c.counts.queued, 2);
	assert_int_equal(get("a/campaigns/2/jobs"), 0);
	assert_int_equal(get("a/jobs/1"), 0);
	answer_is(&msg_job, &j);
	assert_string_equal(j.ep, "n1");

	assert_int_equal(call(M_POST, "a/campaigns/2/pause", NULL,
	    SLICE_NONE), 0);
	is_logged("campaign paused");
	answer_is(&msg_campaign, &c);
	assert_string_equal(c.state, "paused");
	assert_int_equal(call(M_POST, "a/campaigns/2/resume", NULL,
	    SLICE_NONE), 0);
	assert_int_equal(call(M_POST, "a/campaigns/2/abort", NULL,
	    SLICE_NONE), 0);
	is_logged("campaign aborted");
	assert_int_equal(call(M_POST, "a/campaigns/2/resume", NULL,
	    SLICE_NONE), ERR_STATE);
	assert_int_equal(call(M_POST, "a/campaigns/2/explode", NULL,
	    SLICE_NONE), ERR_NOT_FOUND);
	assert_int_equal(call(M_POST, "a/campaigns/9/pause", NULL,
	    SLICE_NONE), ERR_NOT_FOUND);
	assert_int_equal(call(M_POST, "a/campaigns/x/pause", NULL,
	    SLICE_NONE), ERR_INVALID);
	assert_int_equal(get("a/campaigns/9/jobs"), ERR_NOT_FOUND);
	assert_int_equal(get("a/jobs/99"), ERR_NOT_FOUND);
	assert_int_equal(call(M_POST, "a/jobs/99/retry", NULL, SLICE_NONE),
	    ERR_NOT_FOUND);
}

static void
a_failed_start_leaves_nothing(void **state)
{
	static struct msg_campaign_start m = {.release = "77"};
	uint64_t before;

	(void)state;
	assert_int_equal(start(&m), ERR_NOT_FOUND);
	released(&w, 3, "coap://fw.example/c", 20);
	before = events();
	m = (struct msg_campaign_start){.release = "1", .select = "psk",
	    .ep_count = 1, .ep = {"n1"}};
	assert_int_equal(start(&m), ERR_INVALID);
	m = (struct msg_campaign_start){.release = "1", .name = "a b"};
	assert_int_equal(start(&m), ERR_INVALID);
	m = (struct msg_campaign_start){.release = "1",
	    .select = "class == zz"};
	assert_int_equal(start(&m), ERR_NOT_FOUND);
	m = (struct msg_campaign_start){.release = "1", .policy = "soak=x"};
	assert_int_equal(start(&m), ERR_TYPE);
	assert_int_equal(events(), before);
	assert_int_equal(get("a/campaigns/1"), ERR_NOT_FOUND);
}

/* --- explain --- */

static void
explains(const char *ep, const char *cause, const char *advice)
{
	struct msg_explain m;
	char path[128];

	snprintf(path, sizeof(path), "a/devices/%s/explain", ep);
	assert_int_equal(get(path), 0);
	answer_is(&msg_explain, &m);
	if (strstr(m.cause, cause) == NULL || strstr(m.advice, advice) == NULL)
		fail_msg("%s: %s", m.cause, m.advice);
}

static void
explain_names_the_cause(void **state)
{
	struct msg_device_put put = {.driver = "none"};
	static struct msg_campaign_start m = {.release = "1", .ep_count = 1,
	    .ep = {"n1"}, .start = true};
	struct store_device d;

	(void)state;
	assert_int_equal(put_device("bare", &put), 0);
	explains("bare", "class is not known", "--class");
	d = device(&w, "n1", DRIVER_NONE);
	explains("n1", "no live release", "publish");
	released(&w, 3, "coap://fw.example/c", 20);
	explains("n1", "no campaign", "campaign start 1 --device n1");
	assert_int_equal(start(&m), 0);
	explains("n1", "driver none", "--driver");
	assert_int_equal(call(M_POST, "a/campaigns/1/pause", NULL,
	    SLICE_NONE), 0);
	explains("n1", "is paused", "campaign resume 1");
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, engine_running(w.app.engine,
	    &d, 3, GRADE_L1)), 0);
	turn(&w);
	explains("n1", "runs the current release", "");
	assert_int_equal(get("a/devices/zz/explain"), ERR_NOT_FOUND);
}

static void
status_counts(void **state)
{
	struct msg_status m;

	(void)state;
	device(&w, "n1", DRIVER_NONE);
	assert_int_equal(get("a/status"), 0);
	answer_is(&msg_status, &m);
	assert_int_equal(m.devices, 1);
	assert_int_equal(m.due, 0);
	assert_int_equal(m.oldest_due, 0);
	assert_int_equal(m.image_bytes_limit, w.app.conf.images_total);
	assert_int_equal(m.slots_limit, w.app.conf.downloads);
	assert_string_equal(m.http, w.app.conf.listen_http);
	assert_int_equal(m.blocks, 7);
	assert_int_equal(m.image_workers, 2);
	assert_int_equal(m.image_slow, 3);
	assert_int_equal(m.image_dropped, 4);
	assert_int_equal(m.image_peers, 8);
	assert_int_equal(m.image_evicted, 9);
	assert_int_equal(m.images_mapped, 10);
	assert_string_equal(m.version, SUITD_VERSION);
	assert_string_equal(m.state, "ready");
	assert_int_equal(m.reloaded, 0);
	assert_false(m.reload_failed);
	assert_false(m.degraded);
}

static void
status_tells_what_stands_and_waits(void **state)
{
	static struct msg_campaign_start start_n1 = {.release = "1",
	    .ep_count = 1, .ep = {"n1"}, .start = true};
	struct msg_status m;

	(void)state;
	device(&w, "n1", DRIVER_NONE);
	released(&w, 3, "coap://fw.example/c", 20);
	assert_int_equal(start(&start_n1), 0);
	assert_int_equal(get("a/status"), 0);
	answer_is(&msg_status, &m);
	assert_int_equal(m.campaigns_running, 1);
	assert_int_equal(m.campaigns_paused, 0);
	assert_int_equal(call(M_POST, "a/campaigns/1/pause", NULL,
	    SLICE_NONE), 0);
	assert_int_equal(get("a/status"), 0);
	answer_is(&msg_status, &m);
	assert_int_equal(m.campaigns_running, 0);
	assert_int_equal(m.campaigns_paused, 1);
	assert_int_equal(m.jobs_failed, 0);
}

/* What is not durable is not shown: it may be undone. */
static void
the_audit_log_is_shown_as_far_as_it_is_durable(void **state)
{
	static struct msg_device_put put;
	static struct audit_entry e;
	struct msg_audit_head head;
	struct msg_page page;
	struct audit_stats st;
	struct why why;

	(void)state;
	assert_int_equal(audit_new(&w.app.audit), 0);
	assert_int_equal(put_device("kitchen", &put), 0);
	assert_int_equal(put_device("cellar", &put), 0);
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(audit_add(&w.app, NULL, AUDIT_CHANGE, "", "x"), 0);
	assert_int_equal(engine_end(w.app.engine, 0), 0);
	audit_stats(&w.app, &st);
	assert_int_equal(st.head.n, 2);
	for (int newest = 0; newest < 2; newest++) {
		struct req rq = {.method = M_GET, .transport = T_ADMIN};

		rq.who.role = ROLE_OPERATOR;
		rq.query[rq.query_n++] = slice_str(newest ? "newest" : "x");
		assert_int_equal(ask(&w, res_admin_audit, &rq, &resp), 0);
		assert_int_equal(msg_page_open(&msg_audit, buf_slice(
		    &resp.out), &page), 0);
		assert_int_equal(page.left, 2);
		assert_int_equal(msg_page_item(&page, &e, &why), 0);
		assert_int_equal(e.n, newest ? 2 : 1);
		assert_string_equal(e.subject, newest ? "cellar" : "kitchen");
		assert_int_equal(ask(&w, res_admin_audit_head, &rq, &resp), 0);
		answer_is(&msg_audit_head, &head);
		assert_int_equal(head.n, 2);
	}
	turn(&w);
	assert_int_equal(get("a/audit/head"), 0);
	answer_is(&msg_audit_head, &head);
	assert_int_equal(head.n, 3);
	assert_int_equal(call(M_GET, "a/audit", "kind=nonsense", SLICE_NONE),
	    ERR_INVALID);
	assert_int_equal(call(M_GET, "a/audit", "after=x", SLICE_NONE),
	    ERR_INVALID);
	audit_free(w.app.audit);
	w.app.audit = NULL;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_device_is_added_changed_and_removed),
		T(bad_devices_change_nothing),
		T(a_body_must_be_the_right_record),
		T(tags_are_merged_and_capped),
		T(a_new_key_is_shown_once_and_counts_at_once),
		T(lists_are_paged_to_their_end),
		T(a_page_has_its_bounds),
		T(a_full_answer_ends_the_page_early),
		T(json_when_it_is_asked_for),
		T(REQ_SEC_KEY_PROTECTION_a_private_key_is_refused),
		T(an_upload_must_have_its_digest),
		T(publishing_twice_is_one_release),
		T(releases_have_two_names),
		T(a_campaign_from_start_to_abort),
		T(a_failed_start_leaves_nothing),
		T(explain_names_the_cause),
		T(status_counts),
		T(status_tells_what_stands_and_waits),
		T(the_audit_log_is_shown_as_far_as_it_is_durable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
