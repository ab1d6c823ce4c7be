/*
 * Credentials of devices: of all kinds in one table, two of a kind for each
 * device, found by identity, by device and by their end.
 */
#include "tests/db/psk.h"
#include "tests/db/twins.h"

static struct store_credential
make(enum credential_kind kind, const char *identity, uint64_t device)
{
	struct store_credential c = {.kind = kind, .device = device,
	    .created = 7};

	strcpy(c.identity, identity);
	if (kind != CREDENTIAL_CERT) {
		c.secret_len = 16;
		memcpy(c.secret, "0123456789abcdef", 16);
	}
	return c;
}

static int
put(struct store *s, struct store_credential *c)
{
	return ALONE(s, s->ops->credential_put(s, c));
}

static void
same(const struct store_credential *a, const struct store_credential *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->device, b->device);
	assert_int_equal(a->kind, b->kind);
	assert_string_equal(a->identity, b->identity);
	assert_string_equal(a->label, b->label);
	assert_int_equal(a->secret_len, b->secret_len);
	assert_memory_equal(a->secret, b->secret, a->secret_len);
	assert_true(a->created == b->created && a->used == b->used);
	assert_true(a->ends == b->ends && a->counter == b->counter);
}

static void
a_key_is_of_one_device_and_can_be_renewed(void **state)
{
	struct store *s = store_of(state);
	uint64_t a = add_device(s, "a"), b = add_device(s, "b"), dev = 9;
	uint8_t raw[8];
	struct buf out = buf_of(raw, sizeof(raw));

	OK(ALONE(s, psk_put(s, "id", a, slice_str("key1"))));
	OK(ALONE(s, psk_put(s, "id", a, slice_str("key2"))));
	OK(psk_get(s, "id", &dev, &out));
	assert_int_equal(dev, a);
	assert_true(slice_eq_str(buf_slice(&out), "key2"));
	FAILS(ALONE(s, psk_put(s, "id", b, slice_str("k"))), ERR_EXISTS);
	FAILS(ALONE(s, psk_put(s, "id", 0, slice_str("k"))), ERR_EXISTS);
	FAILS(ALONE(s, psk_put(s, "x", 99, slice_str("k"))), ERR_NOT_FOUND);
	OK(ALONE(s, psk_put(s, "admin", 0, slice_str("k"))));
	out.n = 0;
	OK(psk_get(s, "admin", &dev, &out));
	assert_int_equal(dev, 0);
	OK(ALONE(s, psk_remove(s, "id")));
	FAILS(ALONE(s, psk_remove(s, "id")), ERR_NOT_FOUND);
	FAILS(psk_get(s, "id", &dev, &out), ERR_NOT_FOUND);
}

static void
every_kind_comes_back_as_it_was_put(void **state)
{
	struct store *s = store_of(state);
	uint64_t dev = add_device(s, "a");
	struct store_credential c, back;

	for (unsigned k = 1; k <= CREDENTIAL_KINDS; k++) {
		c = make(k, "the same", dev);
		strcpy(c.label, "CN=a");
		c.used = 8;
		c.ends = 9;
		c.counter = UINT64_MAX;
		OK(put(s, &c));
		assert_int_equal(c.id, k);
		OK(s->ops->credential_get(s, k, "the same", &back));
		same(&c, &back);
	}
	c.ends = 0;
	c.counter = 1;
	c.label[0] = '\0';
	c.secret_len = 3;
	OK(put(s, &c));
	OK(s->ops->credential_get(s, CREDENTIAL_OSCORE, "the same", &back));
	same(&c, &back);
	c.device = 0; /* neither whose it is nor its name can change */
	FAILS(put(s, &c), ERR_NOT_FOUND);
	c.device = dev;
	strcpy(c.identity, "other");
	FAILS(put(s, &c), ERR_NOT_FOUND);
}

static void
a_device_has_two_of_a_kind(void **state)
{
	struct store *s = store_of(state);
	uint64_t a = add_device(s, "a"), b = add_device(s, "b");
	struct store_credential all[STORE_CREDENTIALS], c;
	char name[16];
	size_t n = 9;

	for (int i = 0; i < 2 * LIMIT_CREDENTIALS; i++) {
		snprintf(name, sizeof(name), "a%d", i);
		c = make(i % 2 == 0 ? CREDENTIAL_PSK : CREDENTIAL_CERT, name,
		    a);
		OK(put(s, &c));
	}
	c = make(CREDENTIAL_PSK, "one more", a);
	FAILS(put(s, &c), ERR_LIMIT);
	assert_int_equal(c.id, 0);
	c.device = b;
	OK(put(s, &c));
	for (int i = 0; i < 4; i++) { /* of none: as many as you like */
		snprintf(name, sizeof(name), "x%d", i);
		c = make(CREDENTIAL_PSK, name, 0);
		OK(put(s, &c));
	}
	FAILS(s->ops->credential_list(s, a, all, 3, &n), ERR_SPACE);
	OK(s->ops->credential_list(s, a, all, STORE_CREDENTIALS, &n));
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(all[i].identity[1], '0' + (int)i);
		assert_int_equal(all[i].secret_len, 0);
	}
	OK(ALONE(s, s->ops->credential_remove(s, all[0].id)));
	FAILS(ALONE(s, s->ops->credential_remove(s, all[0].id)),
	    ERR_NOT_FOUND);
	c = make(CREDENTIAL_PSK, "again", a);
	OK(put(s, &c));
	OK(s->ops->credential_list(s, 0, all, STORE_CREDENTIALS, &n));
	assert_int_equal(n, 0);
}

static void
credentials_have_their_caps(void **state)
{
	static const size_t most[] = {0, LIMIT_PSK_KEY, 0, LIMIT_SECRET};
	struct store *s = store_of(state);
	struct store_credential c, back;

	for (unsigned k = 1; k <= CREDENTIAL_KINDS; k++) {
		c = make(k, "i", 0);
		c.secret_len = most[k];
		OK(put(s, &c));
		c = make(k, "j", 0);
		c.secret_len = most[k] + 1;
		FAILS(put(s, &c), ERR_SIZE);
		c.secret_len = 0;
		FAILS(put(s, &c), k == CREDENTIAL_CERT ? 0 : ERR_INVALID);
	}
	c = make(CREDENTIAL_PSK, "", 0);
	FAILS(put(s, &c), ERR_INVALID);
	memset(c.identity, 'i', LIMIT_PSK_IDENTITY);
	memset(c.label, 'l', LIMIT_CREDENTIAL_LABEL);
	OK(put(s, &c));
	OK(s->ops->credential_get(s, CREDENTIAL_PSK, c.identity, &back));
	same(&c, &back);
	memset(c.label, 'l', sizeof(c.label));
	FAILS(put(s, &c), ERR_SIZE);
	c = make(0, "k", 0);
	FAILS(put(s, &c), ERR_INVALID);
	c.kind = CREDENTIAL_KINDS + 1;
	FAILS(put(s, &c), ERR_INVALID);
}

/* One past a cap is a longer text than a record has room for. */
static void
an_identity_that_is_too_long_is_nobodys(void **state)
{
	struct store *s = store_of(state);
	char id[LIMIT_PSK_IDENTITY + 2];
	struct store_credential c;

	memset(id, 'i', sizeof(id));
	id[sizeof(id) - 1] = '\0';
	FAILS(s->ops->credential_get(s, CREDENTIAL_PSK, id, &c),
	    ERR_NOT_FOUND);
}

static void
what_has_ended_is_found_by_its_end(void **state)
{
	struct store *s = store_of(state);
	static const int64_t ends[] = {50, 0, 20, 40, 20};
	struct store_credential c, all[LIMIT_PAGE];
	char name[16];
	size_t n = 9;

	for (int i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "i%d", i);
		c = make(CREDENTIAL_PSK, name, 0);
		c.ends = ends[i];
		OK(put(s, &c));
	}
	OK(s->ops->credential_ended(s, 19, 5, all, &n));
	assert_int_equal(n, 0);
	OK(s->ops->credential_ended(s, 40, 5, all, &n));
	assert_int_equal(n, 3);
	assert_string_equal(all[0].identity, "i2");
	assert_string_equal(all[1].identity, "i4");
	assert_string_equal(all[2].identity, "i3");
	assert_int_equal(all[0].secret_len, 0);
	OK(s->ops->credential_ended(s, 40, 1, all, &n));
	assert_int_equal(n, 1);
	FAILS(s->ops->credential_ended(s, 40, 0, all, &n), ERR_RANGE);
	FAILS(s->ops->credential_ended(s, 40, LIMIT_PAGE + 1, all, &n),
	    ERR_RANGE);
}

static void
use_and_counter_move_forward_only(void **state)
{
	static const uint64_t steps[] = {5, 3, 1ULL << 63, 7,
	    (1ULL << 63) + 1, 1ULL << 63};
	struct store *s = store_of(state);
	struct store_credential c = make(CREDENTIAL_OSCORE, "i", 0), back;
	uint64_t want = 0;

	OK(put(s, &c));
	OK(ALONE(s, s->ops->credential_used(s, c.id, 9)));
	OK(ALONE(s, s->ops->credential_used(s, c.id, 8)));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		OK(ALONE(s, s->ops->credential_count(s, c.id, steps[i])));
		want = steps[i] > want ? steps[i] : want;
		OK(s->ops->credential_get(s, CREDENTIAL_OSCORE, "i", &back));
		assert_true(back.counter == want);
	}
	assert_int_equal(back.used, 9);
	FAILS(ALONE(s, s->ops->credential_used(s, 99, 9)), ERR_NOT_FOUND);
	FAILS(ALONE(s, s->ops->credential_count(s, 99, 9)), ERR_NOT_FOUND);
	FAILS(s->ops->credential_used(s, c.id, 10), ERR_STATE);
	FAILS(s->ops->credential_count(s, c.id, 10), ERR_STATE);
	FAILS(s->ops->credential_remove(s, c.id), ERR_STATE);
}

static void
shared(struct store *s, const struct store_credential *c, uint64_t want)
{
	struct store_credential other = {.device = 0};
	int err = s->ops->credential_same(s, c, &other);

	assert_int_equal(err, want == 0 ? ERR_NOT_FOUND : 0);
	assert_int_equal(other.device, want);
	assert_int_equal(other.secret_len, 0);
	for (size_t i = 0; i < sizeof(other.secret); i++)
		assert_int_equal(other.secret[i], 0);
}

static void
a_key_that_others_have_too_is_found_by_the_key(void **state)
{
	struct store *s = store_of(state);
	uint64_t a = add_device(s, "a"), b = add_device(s, "b"),
	    d = add_device(s, "d");
	struct store_credential c = make(CREDENTIAL_PSK, "gateway", 0),
	    of_b = make(CREDENTIAL_PSK, "b", b), of_a;

	OK(put(s, &c)); /* of no device */
	OK(put(s, &of_b));
	shared(s, &of_b, 0);
	shared(s, &c, b);
	of_a = make(CREDENTIAL_OSCORE, "a", a); /* another kind */
	OK(put(s, &of_a));
	shared(s, &of_b, 0);
	shared(s, &of_a, 0);
	c = make(CREDENTIAL_PSK, "d", d);
	OK(put(s, &c));
	shared(s, &of_b, d);
	of_a = make(CREDENTIAL_PSK, "a", a);
	OK(put(s, &of_a));
	c = make(CREDENTIAL_PSK, "a#2", a); /* both of them its own */
	OK(put(s, &c));
	shared(s, &c, b);
	shared(s, &of_b, a);
	c.secret_len--; /* the beginning of a key is another one */
	shared(s, &c, 0);
	c.secret_len++;
	c.secret[15] ^= 1;
	shared(s, &c, 0);
	c = make(CREDENTIAL_CERT, "b", b);
	shared(s, &c, 0);
	of_b.secret[0] ^= 1; /* it gets a key of its own */
	OK(put(s, &of_b));
	shared(s, &of_a, d);
	OK(ALONE(s, s->ops->device_remove(s, d)));
	shared(s, &of_a, 0);
}

/* An id is in the log for ever: it never means another one. */
static void
an_id_is_not_given_again(void **state)
{
	struct store *s = store_of(state);
	struct store_credential c = make(CREDENTIAL_PSK, "i", 0), d;
	uint64_t dev = add_device(s, "a");

	c.device = dev;
	OK(put(s, &c));
	OK(ALONE(s, s->ops->device_remove(s, dev)));
	FAILS(s->ops->credential_get(s, CREDENTIAL_PSK, "i", &d),
	    ERR_NOT_FOUND);
	d = make(CREDENTIAL_PSK, "i", 0);
	OK(put(s, &d));
	assert_true(d.id > c.id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TWICE(a_key_is_of_one_device_and_can_be_renewed),
		TWICE(every_kind_comes_back_as_it_was_put),
		TWICE(a_device_has_two_of_a_kind),
		TWICE(credentials_have_their_caps),
		TWICE(an_identity_that_is_too_long_is_nobodys),
		TWICE(what_has_ended_is_found_by_its_end),
		TWICE(use_and_counter_move_forward_only),
		TWICE(a_key_that_others_have_too_is_found_by_the_key),
		TWICE(an_id_is_not_given_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
