/*
 * The image plane's codec against libcoap's parser: never laxer, stricter
 * only where the table says so, and the same options where both accept. What
 * is answered must be a message to libcoap, too, and a block of the image.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/coap_compat.h"
#include "lib/get_impl.h"
#include "tests/fuzz/fuzz.h"

#define IMAGE_MAX 5000

/* One input, as each of the two sees it. */
struct sample {
	struct slice in;
	coap_pdu_t *pdu;
	bool parsed; /* by libcoap */
	enum get_verdict verdict;
	struct get g;
};

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static struct slice
token_of(const coap_pdu_t *pdu)
{
	coap_bin_const_t t = coap_pdu_get_token(pdu);

	return slice_of(t.s, t.length);
}

/* --- where get_read is stricter --- */

/* RFC 7252 3: the filter of the plane leaves these to libcoap, which answers
 * even an ACK that has a request's code. */
static bool
is_another_message(const struct sample *s)
{
	return s->verdict == GET_SILENT &&
	    (coap_pdu_get_code(s->pdu) != COAP_REQUEST_CODE_GET ||
	    coap_pdu_get_type(s->pdu) > COAP_MESSAGE_NON);
}

static uint32_t
true_delta(const uint8_t *opt)
{
	switch (opt[0] >> 4) {
	case 13:
		return 13u + opt[1];
	case 14:
		return 269u + ((uint32_t)opt[1] << 8 | opt[2]);
	default:
		return opt[0] >> 4;
	}
}

/* libcoap counts in 16 bits: a delta of 65536 is none to it, and what it
 * takes for a second Uri-Path is no option that can exist (RFC 7252 3.1). */
static bool
is_past_the_last_number(const struct sample *s)
{
	coap_opt_iterator_t it;
	const coap_opt_t *opt;
	uint32_t number = 0;

	if (s->verdict != GET_RESET)
		return false;
	coap_option_iterator_init(s->pdu, &it, COAP_OPT_ALL);
	while ((opt = coap_option_next(&it)) != NULL) {
		number += true_delta(opt);
		if (number > UINT16_MAX)
			return true;
	}
	return false;
}

/* RFC 8974, which later versions of libcoap know. */
static bool
is_a_long_token(const struct sample *s)
{
	return s->verdict == GET_RESET && token_of(s->pdu).n > 8;
}

static const struct difference {
	const char *what;
	bool (*is)(const struct sample *s);
} differences[] = {
	{"another message than a CON or NON GET", is_another_message},
	{"an option number past 65535", is_past_the_last_number},
	{"a token of more than 8 bytes", is_a_long_token},
};

static bool
is_known_difference(const struct sample *s)
{
	for (size_t i = 0; i < sizeof(differences) / sizeof(differences[0]);
	    i++)
		if (differences[i].is(s))
			return true;
	fprintf(stderr, "libcoap accepts, get_read says %d\n", s->verdict);
	return false;
}

/* --- what both accept --- */

static void
same_options(const struct sample *s)
{
	const uint8_t *p = s->g.options.p, *end = p + s->g.options.n;
	struct get_option o = {0};
	coap_opt_iterator_t it;
	coap_opt_t *opt;
	size_t segments = 0;

	coap_option_iterator_init(s->pdu, &it, COAP_OPT_ALL);
	while ((opt = coap_option_next(&it)) != NULL) {
		require(p < end && get_next(&o, &p, end));
		require(o.number == it.number);
		require(slice_eq(o.value, slice_of(coap_opt_value(opt),
		    coap_opt_length(opt))));
		segments += o.number == OPT_URI_PATH;
	}
	require(p == end);
	require(s->verdict != GET_OK || s->g.segments == segments);
}

static void
same_message(const struct sample *s)
{
	size_t n = 0;
	const uint8_t *data = NULL;

	require(s->g.con == (coap_pdu_get_type(s->pdu) == COAP_MESSAGE_CON));
	require(s->g.mid == coap_pdu_get_mid(s->pdu));
	require(slice_eq(s->g.token, token_of(s->pdu)));
	same_options(s);
	(void)coap_get_data(s->pdu, &n, &data);
	require(s->g.options.p + s->g.options.n + n + (n > 0) ==
	    s->in.p + s->in.n);
}

/* --- answers --- */

static coap_pdu_t *
parse(const uint8_t *p, size_t n, bool *ret_ok)
{
	coap_pdu_t *pdu = coap_pdu_init(0, 0, 0, COAP_DEFAULT_MTU - 4);

	require(pdu != NULL);
	*ret_ok = coap_pdu_parse(COAP_PROTO_UDP, p, n, pdu) != 0;
	return pdu;
}

/* An answer as it goes out, parsed; NULL when none goes out. */
static coap_pdu_t *
sent(const struct get *g, const struct get_answer *a)
{
	uint8_t out[GET_HEAD + GET_SMALL];
	struct buf b = buf_of(out, sizeof(out));
	coap_pdu_t *pdu;
	bool ok;

	if (a->silent) {
		require(!g->con);
		return NULL;
	}
	require(a->head_n <= GET_HEAD);
	buf_put(&b, slice_of(a->head, a->head_n));
	buf_put(&b, a->body);
	require(!b.over);
	pdu = parse(out, b.n, &ok);
	require(ok);
	require(coap_pdu_get_mid(pdu) == (g->con ? g->mid : g->answer_mid));
	if (a->code == 0) {
		require(b.n == 4);
	} else {
		require(coap_pdu_get_code(pdu) ==
		    COAP_RESPONSE_CODE(a->code));
		require(coap_pdu_get_type(pdu) ==
		    (g->con ? COAP_MESSAGE_ACK : COAP_MESSAGE_NON));
		require(slice_eq(g->token, token_of(pdu)));
	}
	return pdu;
}

static struct slice
option(const coap_pdu_t *pdu, uint16_t number)
{
	coap_opt_iterator_t it;
	coap_opt_t *opt = coap_check_option(pdu, number, &it);

	return opt == NULL ? SLICE_NONE :
	    slice_of(coap_opt_value(opt), coap_opt_length(opt));
}

static void
is_the_block(const struct get *g, const struct get_image *im, uint8_t szx,
    const coap_pdu_t *pdu)
{
	struct slice etag = option(pdu, OPT_ETAG);
	struct slice v = option(pdu, OPT_BLOCK2);
	struct block b = {0, false, szx};
	const uint8_t *data = NULL;
	size_t n = 0, off;

	require(slice_eq(etag, slice_of(im->digest, CONTENT_ETAG)));
	(void)coap_get_data(pdu, &n, &data);
	require(v.p != NULL || (!g->have_b2 && n == im->bytes.n));
	require(v.p == NULL || block_parse(v, &b) == 0);
	if (g->have_b2)
		require(b.szx == g->b2.szx && b.num == g->b2.num);
	else
		require(b.num == 0 && b.szx == szx);
	off = (size_t)b.num << (b.szx + 4);
	require(n <= block_size(b.szx) && off + n <= im->bytes.n);
	require(b.more == (off + n < im->bytes.n));
	require(n == 0 || memcmp(data, im->bytes.p + off, n) == 0);
}

/* The image's size and our own block size are chosen by the input, too. */
static void
write_block(const struct get *g)
{
	static const size_t sizes[] = {0, 1, 16, 17, 1024, 1025, IMAGE_MAX};
	static uint8_t bytes[IMAGE_MAX], digest[32];
	struct get_image im = {digest, slice_of(bytes,
	    sizes[g->mid % (sizeof(sizes) / sizeof(sizes[0]))])};
	uint8_t szx = (uint8_t)(g->mid >> 8) % 7;
	struct get_answer a;
	coap_pdu_t *pdu;
	int rc;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 11 + i / 256);
	memcpy(digest, bytes, sizeof(digest));
	rc = get_write(g, &im, szx, &a);
	pdu = sent(g, &a);
	require(rc == 0 || rc == ERR_ACCEPT || rc == ERR_RANGE);
	if (pdu != NULL && a.code != 0) {
		require(a.code == 205 || a.code == 203 ||
		    a.code == err_coap(rc));
		require(a.block == (a.code == 205));
		require((a.code == 205 || a.code == 203) == (rc == 0));
		if (a.code == 205)
			is_the_block(g, &im, szx, pdu);
	}
	coap_delete_pdu(pdu);
}

static void
refuse(const struct get *g)
{
	struct get_answer a;
	int err = -1 - g->mid % (ERR_POS_END_ - 1);

	get_refuse(g, err, NULL, &a);
	require(!a.block);
	coap_delete_pdu(sent(g, &a));
}

static void
answer(const struct sample *s)
{
	char path[LIMIT_PATH + 1];
	struct get_answer a;

	if (s->verdict != GET_OK) {
		get_reject(&s->g, s->verdict, "2001:db8::1", &a);
		require(!a.block);
		coap_delete_pdu(sent(&s->g, &a));
		return;
	}
	require(s->g.segments <= LIMIT_PATH_SEGMENTS);
	require(s->g.queries <= LIMIT_QUERY);
	require(s->g.etags <= CONTENT_ETAGS);
	require(s->g.ep.p == NULL || s->g.ep.n <= LIMIT_EP);
	get_path(&s->g, path);
	if (get_id(&s->g).p != NULL)
		require(strncmp(path, "i/", 2) == 0);
	write_block(&s->g);
	refuse(&s->g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sample s = {.in = slice_of(p, n)};

	coap_set_log_level(0); /* its loudest is still quiet */
	s.pdu = parse(p, n, &s.parsed);
	s.verdict = get_read(s.in, &s.g);
	if (s.verdict == GET_SILENT || s.verdict == GET_RESET)
		require(!s.parsed || is_known_difference(&s));
	else
		require(s.parsed);
	if (s.parsed && s.verdict != GET_SILENT && s.verdict != GET_RESET)
		same_message(&s);
	if (s.verdict != GET_SILENT)
		answer(&s);
	coap_delete_pdu(s.pdu);
	return 0;
}
