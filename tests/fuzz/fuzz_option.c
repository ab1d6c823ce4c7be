/*
 * Options, as the front reads them: a message that libcoap has parsed becomes
 * a request. Whatever it says, what is kept is within its caps and within the
 * message; and where the image plane's reader (lib/get.h) has an opinion, too,
 * they say the same, since a device must not see which of them it met.
 */
#include <arpa/inet.h>
#include <stdlib.h>

#include "daemon/front_int.h"
#include "lib/get.h"
#include "tests/fuzz/fuzz.h"

static struct front front;
static struct plane plane = {.f = &front, .t = T_UDP, .port = 5683};
static coap_session_t *session;

static void
require(bool ok)
{
	if (!ok)
		abort();
}

/* Of a peer that nothing is sent to: only its addresses are asked for. */
static void
begin(void)
{
	coap_address_t to;
	coap_context_t *ctx;

	if (session != NULL)
		return;
	coap_startup();
	coap_set_log_level(0); /* its loudest is still quiet */
	coap_address_init(&to);
	to.size = sizeof(to.addr.sin);
	to.addr.sin.sin_family = AF_INET;
	to.addr.sin.sin_port = htons(9);
	to.addr.sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ctx = coap_new_context(NULL);
	require(ctx != NULL);
	session = coap_new_client_session(ctx, NULL, &to, COAP_PROTO_UDP);
	require(session != NULL);
}

static void
inside(struct slice v, struct slice in)
{
	require(v.n == 0 || (v.p >= in.p && v.p + v.n <= in.p + in.n));
}

static void
within_caps(const struct exchange *x, struct slice message)
{
	const struct req *q = &x->req;

	require(strlen(q->path) <= LIMIT_PATH);
	require(q->query_n <= LIMIT_QUERY && q->etag_n <= CONTENT_ETAGS);
	for (size_t i = 0; i < q->query_n; i++)
		inside(q->query[i], message);
	for (size_t i = 0; i < q->etag_n; i++) {
		require(q->etag[i].n >= 1 && q->etag[i].n <= 8);
		inside(q->etag[i], message);
	}
	inside(x->echo, message);
	inside(x->rtag, message);
	inside(q->body, message);
	require(x->rtag.n <= 8 && x->b1.szx <= 6 && x->b2.szx <= 6);
	require(!(q->observe && q->observe_cancel));
	require(!q->observe || q->method == M_GET);
	require(q->method != M_GET || !x->have_b1 || content_whole(x->b1));
}

static bool
same_block(struct block a, struct block b)
{
	return a.num == b.num && a.more == b.more && a.szx == b.szx;
}

static void
same_as_get(const struct exchange *x, const struct get *g)
{
	const struct req *q = &x->req;
	char path[LIMIT_PATH + 1];

	get_path(g, path);
	require(strcmp(path, q->path) == 0);
	require(g->queries == q->query_n && g->etags == q->etag_n);
	for (size_t i = 0; i < g->etags; i++)
		require(slice_eq(g->etag[i], q->etag[i]));
	require(g->have_accept == q->have_accept);
	require(!g->have_accept || g->accept == q->accept);
	require(g->have_b1 == x->have_b1 && g->have_b2 == x->have_b2);
	require(!g->have_b2 || same_block(g->b2, x->b2));
	require(g->size2 == x->want_size2);
	require(slice_eq(g->echo, x->echo));
	require(g->no_response == x->no_response);
}

static void
compare(const struct exchange *x, int rc, struct slice datagram)
{
	struct get g;

	switch (get_read(datagram, &g)) {
	case GET_OK:
		require(rc == 0);
		same_as_get(x, &g);
		break;
	case GET_ERROR:
		require(rc == g.err);
		break;
	default: /* libcoap answers, or nobody */
		break;
	}
}

static bool
is_request(const coap_pdu_t *pdu)
{
	coap_pdu_code_t code = coap_pdu_get_code(pdu);

	return code > 0 && code < 32;
}

static void
read_one(struct slice in, bool reliable)
{
	static struct exchange x;
	coap_pdu_t *pdu = coap_pdu_init(0, 0, 0, COAP_DEFAULT_MTU - 4);
	struct slice message;
	int rc;

	require(pdu != NULL);
	if (coap_pdu_parse(reliable ? COAP_PROTO_TCP : COAP_PROTO_UDP, in.p,
	    in.n, pdu) == 0 || !is_request(pdu)) {
		coap_delete_pdu(pdu);
		return;
	}
	memset(&x, 0, sizeof(x));
	x.f = &front;
	x.plane = &plane;
	x.session = session;
	x.pdu = pdu;
	x.reliable = reliable;
	/* no more than came: from the token on */
	message = slice_of(coap_pdu_get_token(pdu).s, in.n);
	rc = req_read(&x, &x.resp.why);
	if (rc == 0)
		within_caps(&x, message);
	else
		require(x.resp.why.err == rc);
	if (!reliable)
		compare(&x, rc, in);
	coap_delete_pdu(pdu);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	begin();
	read_one(slice_of(p, n), false);
	read_one(slice_of(p, n), true);
	return 0;
}
