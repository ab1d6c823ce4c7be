/*
 * Security contexts of OSCORE: no nonce is used twice, whatever is repeated,
 * lost, or started anew; no replay is taken; and no more is remembered than
 * there is room for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/oscore_impl.h"
#include "lib/oscore_impl.h"

enum { CON, NON, ACK, RST };
enum { GET = 1, POST = 2 };

static struct {
	struct oscore *o;
	uint64_t counter; /* as the store has it */
	uint64_t synced; /* as the disk has it */
	bool no_disk, no_credential;
	size_t gone;
	uint32_t gone_last;
	uint64_t luck;
	uint64_t life, base;
} w;

static struct oscore_keys keys; /* of device 0 */

/* Each id of four bytes has a context, of the same secrets. */
static struct oscore_secret
secret_of(const char *identity)
{
	struct oscore_secret s = {.master_n = 16, .sender = {1, {'s'}},
	    .recipient.n = 4};
	uint32_t id = (uint32_t)strtoul(identity, NULL, 16);

	for (int i = 0; i < 4; i++)
		s.recipient.b[i] = (uint8_t)(id >> (24 - 8 * i));
	return s;
}

static int
on_find(void *arg, const char *identity, struct oscore_given *ret)
{
	(void)arg;
	if (w.no_credential || strlen(identity) != 8)
		return ERR_NOT_FOUND;
	*ret = (struct oscore_given){1, w.counter, secret_of(identity)};
	return 0;
}

static int
on_reserve(void *arg, uint64_t credential, uint64_t counter)
{
	(void)arg;
	assert_int_equal(credential, 1);
	if (w.no_disk)
		return ERR_IO;
	if (counter > w.counter)
		w.counter = counter;
	return 0;
}

static uint64_t
on_luck(void *arg)
{
	(void)arg;
	return w.luck += 0x9e3779b97f4a7c15;
}

static void
on_gone(void *arg, uint32_t number)
{
	(void)arg;
	w.gone++;
	w.gone_last = number;
}

static void
start(void)
{
	const struct oscore_hooks h = {NULL, {++w.life, w.base}, on_find, on_reserve, on_luck,
	    on_gone};

	oscore_free(w.o);
	assert_int_equal(oscore_new(&h, &w.o), 0);
}

static int
setup(void **state)
{
	struct oscore_secret s = secret_of("00000000");

	(void)state;
	memset(&w, 0, sizeof(w));
	assert_int_equal(oscore_derive(&s, &keys), 0);
	start();
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	oscore_free(w.o);
	w.o = NULL;
	return 0;
}

/* --- a device, which is not ours to trust --- */

struct sent {
	uint8_t b[256];
	size_t n;
	uint8_t piv[OSCORE_PIV];
	size_t piv_n;
};

struct message {
	uint32_t id; /* the device's */
	uint8_t type, method;
	uint16_t mid;
	uint32_t token;
	bool observe;
	const uint8_t *echo;
};

static void
put_u32(struct buf *b, uint32_t v)
{
	for (int i = 24; i >= 0; i -= 8)
		buf_put_u8(b, (uint8_t)(v >> i));
}

static struct sent
make(uint64_t seq, const struct message *m)
{
	struct oscore_secret s = secret_of("00000000");
	struct oscore_keys k;
	struct sent r = {.piv_n = 1};
	uint8_t plain[64];
	struct buf in = buf_of(plain, sizeof(plain));
	struct buf out = buf_of(r.b, sizeof(r.b));

	while (r.piv_n < OSCORE_PIV && seq >> (8 * r.piv_n) != 0)
		r.piv_n++;
	for (size_t i = 0; i < r.piv_n; i++)
		r.piv[i] = (uint8_t)(seq >> (8 * (r.piv_n - 1 - i)));
	for (int i = 0; i < 4; i++)
		s.recipient.b[i] = (uint8_t)(m->id >> (24 - 8 * i));
	assert_int_equal(oscore_derive(&s, &k), 0);
	buf_put_u8(&in, m->method);
	if (m->observe)
		buf_put_u8(&in, 0x60);
	if (m->echo != NULL) {
		buf_put(&in, slice_of(m->observe ? "\xd8\xe9" : "\xd8\xef",
		    2));
		buf_put(&in, slice_of(m->echo, OSCORE_ECHO));
	}
	buf_put_u8(&out, (uint8_t)(0x44 | m->type << 4));
	buf_put_u8(&out, m->observe ? 5 : 2);
	buf_put_u8(&out, (uint8_t)(m->mid >> 8));
	buf_put_u8(&out, (uint8_t)m->mid);
	put_u32(&out, m->token);
	buf_put_u8(&out, (uint8_t)(0x90 | (1 + r.piv_n + 4)));
	buf_put_u8(&out, (uint8_t)(8 | r.piv_n));
	buf_put(&out, slice_of(r.piv, r.piv_n));
	put_u32(&out, m->id);
	buf_put_u8(&out, 0xff);
	{
		struct oscore_nonce n = {s.recipient, {r.piv, r.piv_n}};
		struct oscore_text t = {k.recipient_key, k.iv, &n,
		    {s.recipient.b, 4}, {r.piv, r.piv_n}};

		assert_int_equal(oscore_encrypt(&t, buf_slice(&in),
		    r.b + out.n), 0);
	}
	r.n = out.n + in.n + OSCORE_TAG;
	return r;
}

static struct oscore_place
place_of(uint16_t port)
{
	struct oscore_place p;

	memset(&p, 0, sizeof(p));
	p.from.in.sin_family = AF_INET;
	p.from.in.sin_addr.s_addr = htonl(0x0a000001);
	p.from.in.sin_port = htons(port);
	return p;
}

static uint8_t made[LIMIT_OSCORE_MESSAGE];
static struct buf out;
static uint32_t number;

static enum oscore_do
hand_in(const struct sent *s, uint16_t port)
{
	struct oscore_place p = place_of(port);

	out = buf_of(made, sizeof(made));
	return oscore_in(w.o, &p, slice_of(s->b, s->n), &out, &number);
}

static enum oscore_do
ask(uint64_t seq, const struct message *m)
{
	struct sent s = make(seq, m);

	return hand_in(&s, 1000);
}

/* What libcoap says to that. */
static enum oscore_do
answer(uint8_t type, uint16_t mid, uint32_t token, bool observe)
{
	uint8_t b[32];
	struct buf in = buf_of(b, sizeof(b));
	struct oscore_place p;

	buf_put_u8(&in, (uint8_t)(0x44 | type << 4));
	buf_put_u8(&in, 0x45);
	buf_put_u8(&in, (uint8_t)(mid >> 8));
	buf_put_u8(&in, (uint8_t)mid);
	put_u32(&in, token);
	if (observe)
		buf_put(&in, slice_of("\x61\x07", 2));
	buf_put(&in, slice_of("\xff" "x", 2));
	out = buf_of(made, sizeof(made));
	return oscore_out(w.o, number, buf_slice(&in), &out, &p);
}

/* The number of ours in what was sent; UINT64_MAX: the request's nonce. */
static uint64_t
own_of(const struct buf *b)
{
	const uint8_t *p = b->p + 8;
	uint64_t seq = 0;
	uint8_t n;

	assert_true(b->n > 9);
	if (*p >> 4 == 6) /* Observe */
		p += 1 + (*p & 15);
	n = *p++ & 15;
	if (n == 0)
		return UINT64_MAX;
	assert_int_equal(n - 1, *p);
	for (p++; n > 1; n--)
		seq = seq << 8 | *p++;
	return seq;
}

/* The first request of a life is asked for a proof; *seq goes on. */
static void
prove(uint64_t *seq)
{
	struct message m = {.type = CON, .method = GET, .mid = 1,
	    .token = 99};
	struct sent s = make((*seq)++, &m);
	uint8_t echo[OSCORE_ECHO];
	struct oscore_nonce n = {keys.sender, SLICE_NONE};
	struct oscore_text t = {keys.sender_key, keys.iv, &n,
	    {keys.recipient.b, 4}, {s.piv, s.piv_n}};
	const uint8_t *p;
	uint8_t plain[64];

	assert_int_equal(hand_in(&s, 1000), OSCORE_SEND);
	p = made + 8;
	n.piv = slice_of(p + 2, (size_t)(*p & 15) - 1);
	p += 1 + (*p & 15) + 1;
	assert_int_equal(oscore_decrypt(&t, slice_of(p, (size_t)(made +
	    out.n - p)), plain), 0);
	assert_memory_equal(plain, "\x81\xd8\xef", 3);
	memcpy(echo, plain + 3, OSCORE_ECHO);
	m.echo = echo;
	m.token++;
	assert_int_equal(ask((*seq)++, &m), OSCORE_PASS);
}

/* --- the tests --- */

static void
REQ_SEC_SEQUENCE_a_replay_is_not_taken_before_nor_after_a_start(void **state)
{
	struct message m = {.type = CON, .method = POST, .mid = 7,
	    .token = 5};
	uint64_t seq = 0;
	struct sent s;

	(void)state;
	prove(&seq);
	s = make(seq++, &m);
	assert_int_equal(hand_in(&s, 1000), OSCORE_PASS);
	/* from where it was: nothing until it is answered, then the same */
	assert_int_equal(hand_in(&s, 1000), OSCORE_DROP);
	assert_int_equal(answer(ACK, 7, 5, false), OSCORE_SEND);
	{
		uint8_t first[sizeof(made)];
		size_t n = out.n;

		memcpy(first, made, n);
		assert_int_equal(hand_in(&s, 1000), OSCORE_SEND);
		assert_int_equal(out.n, n);
		assert_memory_equal(made, first, n);
	}
	/* from elsewhere: refused, in the clear */
	assert_int_equal(hand_in(&s, 1001), OSCORE_SEND);
	assert_int_equal(made[1], 0x81);
	for (int i = 0; i < 3; i++) {
		start();
		assert_int_equal(hand_in(&s, 1000), OSCORE_SEND);
		assert_int_equal(made[1], 0x44); /* a challenge, sealed */
		prove(&seq);
		assert_int_equal(hand_in(&s, 1000), OSCORE_SEND);
		assert_int_equal(made[1], 0x81);
	}
}

#define NUMBERS (1u << 21)

/* Requests, repetitions, answers, notifications and starts, some of them
 * after the disk has lost what it had not synced. */
static void
no_nonce_is_used_twice(void **state)
{
	static uint8_t used[NUMBERS], lent[NUMBERS];
	uint64_t seq = 0, own, last_seq = 0;
	struct sent s = {.n = 0};
	struct message m;

	(void)state;
	memset(used, 0, sizeof(used));
	memset(lent, 0, sizeof(lent));
	srand(1);
	for (int i = 0; i < 60000; i++) {
		enum oscore_do what;
		bool repeat = s.n > 0 && rand() % 4 == 0;

		if (rand() % 3000 == 0) {
			if (rand() % 2 == 0)
				w.counter = w.synced;
			start();
			s.n = 0;
		}
		if (rand() % 500 == 0)
			w.synced = w.counter;
		if (!repeat) {
			m = (struct message){.type = (uint8_t)(rand() % 2),
			    .method = rand() % 3 == 0 ? POST : GET,
			    .mid = (uint16_t)rand(),
			    .token = (uint32_t)rand() % 40};
			m.observe = m.method == GET && rand() % 4 == 0;
			last_seq = seq++;
			s = make(last_seq, &m);
		}
		what = hand_in(&s, 1000);
		if (what == OSCORE_SEND && made[1] != 0x81) {
			own = own_of(&out);
			if (m.method == POST && repeat)
				continue; /* the bytes of before */
			assert_true(own < NUMBERS && !used[own]++);
			prove(&seq);
			s.n = 0;
			continue;
		}
		if (what != OSCORE_PASS)
			continue;
		for (int k = rand() % 3; k >= 0; k--) {
			what = answer(k == 0 ? ACK : CON, m.mid, m.token,
			    m.observe);
			assert_int_equal(what, OSCORE_SEND);
			own = own_of(&out);
			if (own == UINT64_MAX)
				assert_true(last_seq < NUMBERS &&
				    !lent[last_seq]++);
			else
				assert_true(own < NUMBERS && !used[own]++);
		}
	}
	assert_true(w.counter > 10000);
}

static void
without_a_disk_nothing_new_is_numbered(void **state)
{
	struct message m = {.type = NON, .method = GET, .token = 1};
	uint64_t seq = 0;

	(void)state;
	prove(&seq);
	w.no_disk = true;
	/* what was reserved may be used, and no more */
	while (ask(seq, &m) == OSCORE_PASS)
		seq++;
	assert_in_range(seq, 2, OSCORE_LIVES * OSCORE_AHEAD +
	    2 * OSCORE_STEP);
	assert_true(seq >= w.counter);
	w.no_disk = false;
	assert_int_equal(ask(seq, &m), OSCORE_PASS);
	assert_true(w.counter > seq);
}

static void
the_last_number_is_used_and_none_after_it(void **state)
{
	struct message m = {.type = NON, .method = GET, .token = 1};
	uint64_t seq = 0;

	(void)state;
	prove(&seq);
	assert_int_equal(ask(OSCORE_SEQ_END - OSCORE_STEP, &m), OSCORE_PASS);
	assert_int_equal(w.counter, OSCORE_SEQ_END);
	assert_int_equal(ask(OSCORE_SEQ_END - 1, &m), OSCORE_PASS);
	/* after a start there is none left for a challenge */
	start();
	assert_int_equal(ask(OSCORE_SEQ_END - 1, &m), OSCORE_DROP);
}

static size_t
still_answered(uint32_t from, uint32_t upto, bool observe)
{
	size_t n = 0;

	for (uint32_t t = from; t < upto; t++)
		n += answer(CON, 1, t, observe) == OSCORE_SEND;
	return n;
}

static void
so_many_requests_are_remembered_and_the_oldest_goes(void **state)
{
	struct message m = {.type = NON, .method = GET};
	uint64_t seq = 0;
	const uint32_t obs = 1000, get = 2000;

	(void)state;
	prove(&seq);
	for (uint32_t i = 0; i < LIMIT_OSCORE_OBSERVED; i++) {
		m.token = obs + i;
		m.observe = true;
		assert_int_equal(ask(seq++, &m), OSCORE_PASS);
	}
	for (uint32_t i = 0; i < LIMIT_OSCORE_ASKED; i++) {
		m.token = get + i;
		m.observe = false;
		assert_int_equal(ask(seq++, &m), OSCORE_PASS);
	}
	assert_int_equal(still_answered(obs, obs + LIMIT_OSCORE_OBSERVED,
	    true), LIMIT_OSCORE_OBSERVED);
	assert_int_equal(still_answered(get, get + LIMIT_OSCORE_ASKED, false),
	    LIMIT_OSCORE_ASKED);
	m.token = get + LIMIT_OSCORE_ASKED;
	assert_int_equal(ask(seq++, &m), OSCORE_PASS);
	assert_int_equal(still_answered(get, get + 1, false), 0);
	assert_int_equal(still_answered(get + 1, m.token + 1, false),
	    LIMIT_OSCORE_ASKED);
	m.token = obs + LIMIT_OSCORE_OBSERVED;
	m.observe = true;
	assert_int_equal(ask(seq++, &m), OSCORE_PASS);
	assert_int_equal(still_answered(obs, obs + 1, true), 0);
	assert_int_equal(still_answered(obs + 1, m.token + 1, true),
	    LIMIT_OSCORE_OBSERVED);
}

static void
so_many_contexts_are_live_and_the_oldest_goes(void **state)
{
	struct message m = {.type = NON, .method = GET, .token = 1};
	struct oscore_who who;
	struct oscore_stats st;
	uint32_t first = 0;

	(void)state;
	for (uint32_t id = 0; id < LIMIT_OSCORE_LIVE; id++) {
		m.id = id;
		assert_int_equal(ask(1 << 20, &m), OSCORE_PASS);
		w.counter = 0; /* each is a credential of its own */
		if (id == 0)
			first = number;
	}
	oscore_stats(w.o, &st);
	assert_int_equal(st.live, LIMIT_OSCORE_LIVE);
	assert_int_equal(w.gone, 0);
	m.id = 1; /* was the second; is used again */
	m.token = 2;
	assert_int_equal(ask((1 << 20) + 1, &m), OSCORE_PASS);
	m.id = LIMIT_OSCORE_LIVE;
	assert_int_equal(ask(1 << 20, &m), OSCORE_PASS);
	assert_int_equal(w.gone, 1);
	assert_int_equal(w.gone_last, first);
	/* its place is another one's, its number nobody's */
	assert_int_equal(number & 0xffff, first & 0xffff);
	assert_int_not_equal(number, first);
	assert_false(oscore_who(w.o, first, &who));
	assert_true(oscore_who(w.o, number, &who));
	assert_string_equal(who.identity, "00010000");
	oscore_stats(w.o, &st);
	assert_int_equal(st.live, LIMIT_OSCORE_LIVE);
}

static void
REQ_SEC_KEY_REVOCATION_who_is_forgotten_is_asked_for_anew(void **state)
{
	struct message m = {.type = CON, .method = GET, .token = 1,
	    .observe = true};
	uint64_t seq = 0;

	(void)state;
	prove(&seq);
	assert_int_equal(ask(seq++, &m), OSCORE_PASS);
	assert_int_equal(answer(ACK, 0, 1, true), OSCORE_SEND);
	w.no_credential = true;
	oscore_forget(w.o, "00000000");
	assert_int_equal(w.gone, 1);
	assert_int_equal(w.gone_last, number);
	/* neither a request nor what libcoap still sends */
	assert_int_equal(answer(CON, 9, 1, true), OSCORE_DROP);
	assert_int_equal(ask(seq++, &m), OSCORE_SEND);
	assert_int_equal(made[1], 0x81);
	oscore_forget(w.o, "00000000"); /* of nobody: nothing */
	assert_int_equal(w.gone, 1);
}

static void
only_the_peer_acknowledges(void **state)
{
	struct message m = {.type = CON, .method = GET, .token = 1,
	    .observe = true};
	struct sent ack = {.b = {0x60}, .n = 4};
	uint64_t seq = 0;
	uint16_t mid;

	(void)state;
	prove(&seq);
	assert_int_equal(ask(seq++, &m), OSCORE_PASS);
	assert_int_equal(answer(CON, 0x1234, 1, true), OSCORE_SEND);
	mid = (uint16_t)(made[2] << 8 | made[3]);
	assert_int_equal(answer(CON, 0x1234, 1, true), OSCORE_SEND);
	assert_int_equal(made[2] << 8 | made[3], mid); /* repeated: the same */
	ack.b[2] = (uint8_t)(mid >> 8);
	ack.b[3] = (uint8_t)mid;
	assert_int_equal(hand_in(&ack, 1001), OSCORE_DROP);
	assert_int_equal(hand_in(&ack, 1000), OSCORE_PASS);
	assert_memory_equal(made, "\x60\x00\x12\x34", 4);
	ack.b[3]++; /* none of ours */
	assert_int_equal(hand_in(&ack, 1000), OSCORE_DROP);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(REQ_SEC_SEQUENCE_a_replay_is_not_taken_before_nor_after_a_start),
		T(no_nonce_is_used_twice),
		T(without_a_disk_nothing_new_is_numbered),
		T(the_last_number_is_used_and_none_after_it),
		T(so_many_requests_are_remembered_and_the_oldest_goes),
		T(so_many_contexts_are_live_and_the_oldest_goes),
		T(REQ_SEC_KEY_REVOCATION_who_is_forgotten_is_asked_for_anew),
		T(only_the_peer_acknowledges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
