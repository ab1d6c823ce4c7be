/*
 * Certificates of devices: which may let in, who it is then, and that nobody
 * else is.
 */
#include "tests/daemon/fake.h"

#include "daemon/access_cert.h"
#include "daemon/credential.h"
#include "daemon/res_admin.h"

static struct world w;

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

/* The n-th certificate that an authority made for this endpoint. */
static struct cert_peer
cert(const char *ep, unsigned n)
{
	struct cert_peer p = {.id = {.until = INT64_C(4000000000000)}};

	snprintf(p.id.serial, sizeof(p.id.serial), "%02x", n);
	strcpy(p.id.issuer, "CN=devices");
	snprintf(p.identity, sizeof(p.identity), "%064x", n);
	strcpy(p.ep, ep);
	return p;
}

static int
may(const struct cert_peer *p)
{
	struct why why = {0};
	int rc = access_cert(&w.app, p, &why);

	if (rc == ERR_POLICY || rc == ERR_CONFLICT)
		assert_int_equal(why.err, rc);
	return rc;
}

static void
show(const struct cert_peer *p)
{
	access_cert_shown(&w.app, p);
	turn(&w);
}

static int
mark_revoked(const char *name, bool undo)
{
	struct store *s = w.app.store;
	struct store_revoked r = {.at = 1};
	int rc = engine_begin(w.app.engine);

	assert_int_equal(rc, 0);
	strcpy(r.name, name);
	rc = engine_end(w.app.engine, undo ? s->ops->revoked_remove(s, name) :
	    s->ops->revoked_put(s, &r));
	turn(&w);
	return rc;
}

static size_t
entered(uint64_t device)
{
	struct credential_list l;

	assert_int_equal(credential_list(&w.app, device, &l), 0);
	return l.n;
}

static struct store_device
again(const struct store_device *d)
{
	struct store_device now;

	assert_int_equal(w.app.store->ops->device_get(w.app.store, d->id,
	    &now), 0);
	return now;
}

static int
ident(const struct cert_peer *p, const char *ep, struct ident *ret)
{
	struct req req = {.method = M_POST};

	strcpy(req.addr, "192.0.2.1");
	if (p != NULL)
		access_cert_who(&w.app, p, &req.who);
	return access_ident(&w.app, &req, ep, ret, NULL);
}

/* --- reads of the store are counted --- */

static const struct store_ops *real;
static unsigned reads;

static int
count_device_by_ep(struct store *s, const char *ep, struct store_device *ret)
{
	reads++;
	return real->device_by_ep(s, ep, ret);
}

static int
count_credential_get(struct store *s, enum credential_kind kind,
    const char *identity, struct store_credential *ret)
{
	reads++;
	return real->credential_get(s, kind, identity, ret);
}

/* Of `times` requests. */
static unsigned
reads_of(const struct cert_peer *p, unsigned times, struct principal *ret)
{
	struct store_ops counting;

	real = w.app.store->ops;
	counting = *real;
	counting.device_by_ep = count_device_by_ep;
	counting.credential_get = count_credential_get;
	reads = 0;
	w.app.store->ops = &counting;
	while (times-- > 0)
		access_cert_who(&w.app, p, ret);
	w.app.store->ops = real;
	return reads;
}

static void
a_known_one_costs_no_read_at_each_request(void **state)
{
	struct store_device d = device(&w, "d1", DRIVER_NONE);
	struct cert_peer p = cert("d1", 1), other = cert("d2", 1);
	struct principal who;

	(void)state;
	show(&p);
	assert_int_equal(reads_of(&p, 100, &who), 2);
	assert_int_equal(who.device, d.id);
	assert_int_not_equal(who.credential, 0);
	/* the same certificate, by a rule that makes another name of it */
	device(&w, "d2", DRIVER_NONE);
	assert_true(reads_of(&other, 1, &who) > 0);
	assert_int_equal(who.credential, 0);
	assert_int_not_equal(who.device, d.id);
}

static int
take_credential(uint64_t id)
{
	int rc = engine_begin(w.app.engine);

	assert_int_equal(rc, 0);
	return engine_end(w.app.engine,
	    w.app.store->ops->credential_remove(w.app.store, id));
}

static void
what_changes_is_seen_by_the_next_request(void **state)
{
	struct store_device d = device(&w, "d1", DRIVER_NONE);
	struct cert_peer p = cert("d1", 1);
	struct credential_list had;
	struct principal who;

	(void)state;
	show(&p);
	access_cert_who(&w.app, &p, &who);
	assert_int_not_equal(who.credential, 0);
	assert_int_equal(credential_list(&w.app, d.id, &had), 0);
	assert_int_equal(take_credential(who.credential), 0);
	credential_settle(&w.app, d.id, &had);
	access_cert_who(&w.app, &p, &who);
	assert_int_equal(who.credential, 0); /* in the same turn */
	turn(&w);
}

static void
who_gives_way_to_new_ones_is_known_no_more(void **state)
{
	struct cert_peer first = cert("d1", 1);
	struct principal who;

	(void)state;
	device(&w, "d1", DRIVER_NONE);
	show(&first);
	access_cert_who(&w.app, &first, &who);
	assert_int_not_equal(who.credential, 0);
	for (unsigned i = 2; i <= LIMIT_CREDENTIALS + 1; i++) {
		struct cert_peer p = cert("d1", i);

		w.loop.now += 1000;
		show(&p);
	}
	access_cert_who(&w.app, &first, &who);
	assert_int_equal(who.credential, 0);
}

static void
who_has_shown_one_is_the_device_and_nobody_else_is(void **state)
{
	struct store_device d = device(&w, "d1", DRIVER_NONE);
	struct cert_peer p = cert("d1", 1);
	struct principal who;
	struct ident id;

	(void)state;
	assert_int_equal(may(&p), 0);
	assert_int_equal(ident(NULL, "d1", &id), 0); /* as yet */
	show(&p);
	assert_true(again(&d).have_psk);
	assert_int_equal(entered(d.id), 1);
	access_cert_who(&w.app, &p, &who);
	assert_int_equal(who.role, ROLE_DEVICE);
	assert_int_equal(who.grade, GRADE_L1);
	assert_int_equal(who.device, d.id);
	assert_int_not_equal(who.credential, 0);
	assert_string_equal(who.identity, p.identity);
	assert_int_equal(ident(&p, "", &id), 0);
	assert_int_equal(id.how, IDENT_CREDENTIAL);
	assert_int_equal(id.dev.id, d.id);
	assert_int_equal(ident(&p, "d2", &id), ERR_FORBIDDEN);
	assert_int_equal(ident(NULL, "d1", &id), ERR_UNAUTHORIZED);
	show(&p); /* again */
	assert_int_equal(entered(d.id), 1);
}

static void
of_a_device_that_is_not_known_it_is_a_name(void **state)
{
	struct cert_peer p = cert("new", 1);
	struct principal who;
	struct ident id;

	(void)state;
	assert_int_equal(may(&p), 0);
	show(&p);
	access_cert_who(&w.app, &p, &who);
	assert_int_equal(who.device, 0);
	assert_string_equal(who.ep, "new");
	assert_int_equal(ident(&p, "", &id), 0);
	assert_int_equal(id.how, IDENT_NONE);
	assert_int_equal(id.grade, GRADE_L1);
	assert_string_equal(id.dev.ep, "new");
	assert_int_equal(ident(&p, "other", &id), ERR_FORBIDDEN);
}

static void
revoked_by_number_issuer_or_fingerprint(void **state)
{
	struct cert_peer p = cert("d1", 10), other = cert("d1", 11);
	const char *const names[] = {"0a@CN=devices", "0a@", p.identity};

	(void)state;
	(void)device(&w, "d1", DRIVER_NONE);
	assert_int_equal(mark_revoked("0a@CN=others", false), 0);
	assert_int_equal(may(&p), 0);
	assert_false(access_cert_is(&p, "0a@CN=others"));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(mark_revoked(names[i], false), 0);
		assert_int_equal(may(&p), ERR_POLICY);
		assert_int_equal(may(&other), 0);
		assert_true(access_cert_is(&p, names[i]));
		assert_false(access_cert_is(&other, names[i]));
		assert_int_equal(mark_revoked(names[i], true), 0);
		assert_int_equal(may(&p), 0);
	}
}

static void
a_revoked_device_has_no_certificate(void **state)
{
	struct store_device d = device(&w, "d1", DRIVER_NONE);
	struct cert_peer p = cert("d1", 1);

	(void)state;
	d.revoked = true;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine,
	    w.app.store->ops->device_put(w.app.store, &d)), 0);
	turn(&w);
	assert_int_equal(may(&p), ERR_POLICY);
}

static void
a_new_one_takes_the_place_of_the_oldest(void **state)
{
	struct store_device d = device(&w, "d1", DRIVER_NONE);
	struct store_credential c;
	struct store *s = w.app.store;

	(void)state;
	for (unsigned i = 1; i <= LIMIT_CREDENTIALS + 1; i++) {
		struct cert_peer p = cert("d1", i);

		w.loop.now += 1000;
		show(&p);
		assert_int_equal(entered(d.id), i < LIMIT_CREDENTIALS ? i :
		    LIMIT_CREDENTIALS);
		assert_int_equal(audited(&w, "device.cert", "d1"), i);
	}
	assert_int_equal(s->ops->credential_get(s, CREDENTIAL_CERT,
	    cert("d1", 1).identity, &c), ERR_NOT_FOUND);
	assert_int_equal(s->ops->credential_get(s, CREDENTIAL_CERT,
	    cert("d1", LIMIT_CREDENTIALS + 1).identity, &c), 0);
	assert_non_null(strstr(c.label, "serial 03"));
	assert_non_null(strstr(c.label, "CN=devices"));
}

static void
an_operator_enters_no_more_than_there_is_room_for(void **state)
{
	struct store_device d = device(&w, "d1", DRIVER_NONE);
	struct store_device e = device(&w, "d2", DRIVER_NONE);

	(void)state;
	assert_int_equal(engine_begin(w.app.engine), 0);
	for (unsigned i = 1; i <= LIMIT_CREDENTIALS + 1; i++) {
		struct store_credential c = {.created = 1};

		strcpy(c.identity, cert("d1", i).identity);
		assert_int_equal(access_cert_enter(&w.app, &d, &c, false),
		    i <= LIMIT_CREDENTIALS ? 0 : ERR_LIMIT);
		if (i <= LIMIT_CREDENTIALS)
			assert_int_equal(access_cert_enter(&w.app, &e, &c,
			    true), ERR_EXISTS);
	}
	assert_int_equal(engine_end(w.app.engine, 0), 0);
	turn(&w);
}

/* By all names that an operator may have used; the label has of a long issuer
 * its beginning. */
static void
a_list_of_credentials_shows_which_were_revoked(void **state)
{
	static const struct {
		const char *name, *label;
		bool hit;
	} row[] = {
		{"0a@", "serial 0a, until 2030-01-01, CN=x", true},
		{"0a@CN=x", "serial 0a, until 2030-01-01, CN=x", true},
		{"0a@CN=x,O=y", "serial 0a, until 2030-01-01, CN=x", true},
		{"0a@CN=y", "serial 0a, until 2030-01-01, CN=x", false},
		{"0ab@", "serial 0a, until 2030-01-01, CN=x", false},
		{"0b@CN=x", "serial 0a, until 2030-01-01, CN=x", false},
		{"0a@", "", false}, {"0a@", "serial 0a", false},
		{"0a@", "serial 0a, until now", false},
		{"0a@", "serial , until 2030-01-01, CN=x", false},
	};
	struct store_credential c = {.kind = CREDENTIAL_CERT};
	char name[80];
	int64_t at = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		assert_int_equal(mark_revoked(row[i].name, false), 0);
		strcpy(c.label, row[i].label);
		assert_int_equal(access_cert_revoked(&w.app, &c, &at),
		    row[i].hit ? 0 : ERR_NOT_FOUND);
		assert_int_equal(mark_revoked(row[i].name, true), 0);
	}
	assert_int_equal(at, 1);
	/* behind more than a page of others' with that number */
	for (unsigned i = 0; i <= LIMIT_PAGE; i++) {
		snprintf(name, sizeof(name), "0a@CN=a%u", i);
		assert_int_equal(mark_revoked(name, false), 0);
	}
	strcpy(c.label, "serial 0a, until 2030-01-01, CN=b");
	assert_int_equal(access_cert_revoked(&w.app, &c, &at), ERR_NOT_FOUND);
	assert_int_equal(mark_revoked("0a@CN=b", false), 0);
	assert_int_equal(access_cert_revoked(&w.app, &c, &at), 0);
	/* a label of the longest number that is none */
	memset(c.label, 'f', sizeof(c.label) - 1);
	memcpy(c.label, "serial ", 7);
	memcpy(c.label + 80, ", until x, y", 13);
	assert_int_equal(access_cert_revoked(&w.app, &c, &at), ERR_NOT_FOUND);
	strcpy(c.identity, "ab");
	assert_int_equal(mark_revoked("ab", false), 0);
	assert_int_equal(access_cert_revoked(&w.app, &c, &at), 0);
	c.kind = CREDENTIAL_PSK;
	assert_int_equal(access_cert_revoked(&w.app, &c, &at), ERR_NOT_FOUND);
}

static void
pinned_ones_only(void **state)
{
	struct store_device d = device(&w, "d1", DRIVER_NONE);
	struct cert_peer p = cert("d1", 1), q = cert("d1", 2),
	    unknown = cert("new", 3);

	(void)state;
	show(&p);
	w.app.conf.client_pinned = true;
	assert_int_equal(may(&p), 0);
	assert_int_equal(may(&q), ERR_POLICY);
	assert_int_equal(may(&unknown), ERR_POLICY);
	assert_int_equal(entered(d.id), 1);
}

/* The rule for endpoints has changed, or an authority made a mistake. */
static void
one_of_another_device_is_refused(void **state)
{
	struct cert_peer p = cert("d1", 1);

	(void)state;
	(void)device(&w, "d1", DRIVER_NONE);
	(void)device(&w, "d2", DRIVER_NONE);
	show(&p);
	strcpy(p.ep, "d2");
	assert_int_equal(may(&p), ERR_CONFLICT);
	strcpy(p.ep, "unknown");
	assert_int_equal(may(&p), ERR_CONFLICT);
}

/* Its number, which is no secret on the way, is not enough: the grade of a
 * certificate is that of the device that has it. */
static void
a_certificate_does_not_speak_in_anothers_registration(void **state)
{
	struct store_device d = device(&w, "plain", DRIVER_NONE);
	struct cert_peer ghost = cert("ghost", 1), own = cert("plain", 2);
	static struct req req;
	static struct resp resp;

	(void)state;
	d.reg = 77;
	d.registered = true;
	assert_int_equal(engine_begin(w.app.engine), 0);
	assert_int_equal(engine_end(w.app.engine, w.app.store->ops->
	    device_put(w.app.store, &d)), 0);
	turn(&w);
	memset(&req, 0, sizeof(req));
	req.method = M_POST;
	req.arg[0] = req.arg[1] = "77";
	req.query[req.query_n++] = slice_str("base=coap://[2001:db8::bad]");
	strcpy(req.addr, "192.0.2.1");
	access_cert_who(&w.app, &ghost, &req.who);
	assert_int_equal(ask(&w, res_rd_one, &req, &resp), ERR_FORBIDDEN);
	access_cert_who(&w.app, &own, &req.who);
	assert_int_equal(ask(&w, res_rd_one, &req, &resp), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define C(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		C(a_known_one_costs_no_read_at_each_request),
		C(what_changes_is_seen_by_the_next_request),
		C(who_gives_way_to_new_ones_is_known_no_more),
		C(who_has_shown_one_is_the_device_and_nobody_else_is),
		C(of_a_device_that_is_not_known_it_is_a_name),
		C(revoked_by_number_issuer_or_fingerprint),
		C(a_revoked_device_has_no_certificate),
		C(a_new_one_takes_the_place_of_the_oldest),
		C(an_operator_enters_no_more_than_there_is_room_for),
		C(a_list_of_credentials_shows_which_were_revoked),
		C(pinned_ones_only),
		C(one_of_another_device_is_refused),
		C(a_certificate_does_not_speak_in_anothers_registration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
