/*
 * A PDU becomes a struct req. libcoap has parsed it and refused unknown
 * critical options; what is left to refuse is what libcoap knows and we do
 * not do (If-Match), lengths outside of RFC 7252 table 4, and sizes over our
 * caps. Everything borrows from the PDU.
 */
#include "daemon/front_int.h"

#include <netdb.h>
#include <stdlib.h>

#include "daemon/addr.h"
#include "daemon/front_dtls.h"

#include "daemon/front_oscore.h"
#include "daemon/oscore.h"
#include "lib/uri.h"

static const enum method methods[] = {
	[1] = M_GET,
	[2] = M_POST,
	[3] = M_PUT,
	[4] = M_DELETE,
	[5] = M_FETCH,
};

/* IPv4 in IPv6 is IPv4. */
static const void *
raw_address(const coap_address_t *a, int *ret_family)
{
	const uint8_t *v6 = a->addr.sin6.sin6_addr.s6_addr;

	*ret_family = AF_INET;
	if (a->addr.sa.sa_family == AF_INET)
		return &a->addr.sin.sin_addr;
	if (IN6_IS_ADDR_V4MAPPED(&a->addr.sin6.sin6_addr))
		return v6 + 12;
	*ret_family = AF_INET6;
	return v6;
}

/* Of OSCORE libcoap knows only the loopback interface. */
static void
oscore_addresses(const struct plane *pl, const coap_session_t *s,
    struct req *req)
{
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6};
	struct sockaddr_in to4 = {.sin_family = AF_INET};
	struct oscore_who who;
	char host[LIMIT_ADDRESS];
	bool v4;

	if (!front_oscore_who(pl->f, s, &who))
		return;
	v4 = who.place->from.sa.sa_family == AF_INET;
	to4.sin_addr = who.place->to.v4.ipi_spec_dst;
	to6.sin6_addr = who.place->to.v6.ipi6_addr;
	to6.sin6_scope_id = who.place->to.v6.ipi6_ifindex;
	addr_host(&who.place->from.sa, req->addr);
	addr_host_port(req->addr, ntohs(v4 ? who.place->from.in.sin_port :
	    who.place->from.in6.sin6_port), req->peer);
	addr_host(v4 ? (struct sockaddr *)&to4 : (struct sockaddr *)&to6,
	    host);
	addr_host_port(host, pl->port, req->local);
}

/* The port is the plane's: a session of front_follow.c knows another one. */
void
req_addresses(const struct plane *pl, const coap_session_t *s,
    struct req *req)
{
	const coap_address_t *remote = coap_session_get_addr_remote(s),
	    *local = coap_session_get_addr_local(s);
	char host[LIMIT_ADDRESS];

	if (pl->t == T_OSCORE) {
		oscore_addresses(pl, s, req);
		return;
	}
	addr_host(&remote->addr.sa, req->addr);
	addr_host_port(req->addr, coap_address_get_port(remote), req->peer);
	addr_host(&local->addr.sa, host);
	addr_host_port(host, pl->port, req->local);
}

void
req_peer_key(struct plane *pl, const coap_session_t *s, struct peer_key *ret)
{
	const coap_address_t *a = coap_session_get_addr_remote(s);
	uint16_t port = coap_address_get_port(a);
	int family;
	const void *raw = raw_address(a, &family);

	memset(ret, 0, sizeof(*ret));
	memcpy(ret->b, raw, family == AF_INET ? 4 : 16);
	memcpy(ret->b + 16, &port, sizeof(port));
	ret->b[18] = (uint8_t)pl->t;
	ret->b[19] = family == AF_INET6;
	if (family == AF_INET6)
		memcpy(ret->b + 20, &a->addr.sin6.sin6_scope_id, 4);
}

int
addr_parse(const char *text, coap_address_t *ret, struct why *why)
{
	struct addrinfo hint = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	    .ai_socktype = SOCK_DGRAM}, *ai;
	const char *colon = strrchr(text, ':'), *host = text;
	char buf[LIMIT_ADDRESS];
	size_t n;

	if (colon == NULL)
		return why_set(why, ERR_INVALID, "%s: no port", text);
	n = (size_t)(colon - text);
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		host++;
		n -= 2;
	}
	if (!slice_to_cstr(slice_of(host, n), buf, sizeof(buf)) ||
	    getaddrinfo(buf, colon + 1, &hint, &ai) != 0)
		return why_set(why, ERR_INVALID,
		    "%s: not ADDRESS:PORT or [V6]:PORT", text);
	coap_address_init(ret);
	ret->size = ai->ai_addrlen;
	memcpy(&ret->addr, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	return 0;
}

/* uint options: RFC 7252 3.2 allows leading zeros. */
static uint32_t
uint_of(struct slice v)
{
	uint32_t u = 0;

	for (size_t i = 0; i < v.n; i++)
		u = u << 8 | v.p[i];
	return u;
}

/* SZX 7 over TCP is BERT (RFC 8323 6): blocks of many times 1024. */
static int
read_block(const struct exchange *x, struct slice v, struct block *ret)
{
	uint8_t plain[3];

	if (x->reliable && v.n > 0 && v.n <= 3 && (v.p[v.n - 1] & 7) == 7) {
		memcpy(plain, v.p, v.n);
		plain[v.n - 1] ^= 1;
		return block_parse(slice_of(plain, v.n), ret);
	}
	return block_parse(v, ret);
}

static int
read_query(struct exchange *x, struct slice v)
{
	if (x->req.query_n == LIMIT_QUERY) {
		front_limit(x->f, FRONT_LIMIT_OPTIONS);
		return ERR_LIMIT;
	}
	x->req.query[x->req.query_n++] = v;
	return 0;
}

static int
read_observe(struct exchange *x, struct slice v)
{
	if (x->req.method != M_GET)
		return 0; /* elective, and only GET can be observed here */
	x->req.observe = uint_of(v) == 0;
	x->req.observe_cancel = uint_of(v) == 1;
	return 0;
}

static int
read_block_option(struct exchange *x, uint16_t number, struct slice v)
{
	int rc;

	if (number == COAP_OPTION_BLOCK2) {
		x->have_b2 = true;
		return read_block(x, v, &x->b2);
	}
	x->have_b1 = true;
	rc = read_block(x, v, &x->b1);
	if (rc == 0 && x->req.method == M_GET && !content_whole(x->b1))
		rc = ERR_BAD_OPTION;
	return rc;
}

/* One option; elective ones that make no sense are ignored. */
static int
read_option(struct exchange *x, uint16_t number, struct slice v)
{
	switch (number) {
	case COAP_OPTION_IF_MATCH:
	case COAP_OPTION_IF_NONE_MATCH:
		return ERR_BAD_OPTION;
	case COAP_OPTION_URI_QUERY:
		return read_query(x, v);
	case COAP_OPTION_ETAG:
		if (x->req.etag_n < CONTENT_ETAGS && v.n >= 1 && v.n <= 8)
			x->req.etag[x->req.etag_n++] = v;
		return 0;
	case COAP_OPTION_OBSERVE:
		return v.n > 3 ? 0 : read_observe(x, v);
	case COAP_OPTION_CONTENT_FORMAT:
		x->req.have_cf = v.n <= 2;
		x->req.cf = (uint16_t)uint_of(v);
		return 0;
	case COAP_OPTION_ACCEPT:
		if (v.n > 2)
			return ERR_BAD_OPTION;
		x->req.have_accept = true;
		x->req.accept = (uint16_t)uint_of(v);
		return 0;
	case COAP_OPTION_BLOCK1:
	case COAP_OPTION_BLOCK2:
		return read_block_option(x, number, v);
	case COAP_OPTION_SIZE1:
		x->have_size1 = v.n <= 4;
		x->size1 = v.n <= 4 ? uint_of(v) : 0;
		return 0;
	case COAP_OPTION_SIZE2:
		x->want_size2 = true;
		return 0;
	case COAP_OPTION_NORESPONSE:
		/* the second of an option that may be there once is none that
		   anybody knows (RFC 7252 5.4.5) */
		if (!x->have_no_response && v.n <= 1) {
			x->have_no_response = true;
			x->no_response = uint_of(v);
		}
		return 0;
	case COAP_OPTION_ECHO:
		if (x->echo.p == NULL)
			x->echo = v;
		return 0;
	case COAP_OPTION_RTAG:
		if (v.n <= 8)
			x->rtag = slice_of(v.p, v.n);
		return 0;
	default:
		return 0;
	}
}

static int
read_options(struct exchange *x, struct buf *path, size_t *ret_segments)
{
	coap_opt_iterator_t it;
	coap_opt_t *opt;
	int rc;

	coap_option_iterator_init(x->pdu, &it, COAP_OPT_ALL);
	while ((opt = coap_option_next(&it)) != NULL) {
		struct slice v = slice_of(coap_opt_value(opt),
		    coap_opt_length(opt));

		if (it.number == COAP_OPTION_URI_PATH) {
			uri_path_add(path, v);
			++*ret_segments;
			continue;
		}
		rc = read_option(x, it.number, v);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static void
read_body(struct exchange *x)
{
	size_t len = 0, off = 0, total = 0;
	const uint8_t *data = NULL;

	if (coap_get_data_large(x->pdu, &len, &data, &off, &total))
		x->req.body = slice_of(data, len);
}

/* RFC 7252 4.2: an ACK or RST with a request in it, which libcoap lets
 * through, is ignored. */
bool
req_may_ask(const struct exchange *x)
{
	coap_pdu_type_t type = coap_pdu_get_type(x->pdu);

	return x->reliable || type == COAP_MESSAGE_CON ||
	    type == COAP_MESSAGE_NON;
}

int
req_read(struct exchange *x, struct why *why)
{
	struct req *req = &x->req;
	coap_pdu_code_t code = coap_pdu_get_code(x->pdu);
	struct buf path = buf_of(req->path, LIMIT_PATH);
	size_t n = 0;
	int rc;

	req->transport = x->plane->t;
	req_peer_key(x->plane, x->session, &x->peer);
	x->peer.session = dtls_number(x->plane, x->session);
	req_addresses(x->plane, x->session, req);
	req->cf = req->accept = CF_NONE;
	req->arg[0] = x->match.arg[0];
	req->arg[1] = x->match.arg[1];
	if ((size_t)code >= sizeof(methods) / sizeof(methods[0]))
		return why_set(why, ERR_METHOD, "RFC 8132: method");
	req->method = methods[code];
	rc = read_options(x, &path, &n);
	if (rc != 0)
		return why_set(why, rc, rc == ERR_LIMIT ?
		    "more than %d queries" : "RFC 7252 5.4: option value",
		    LIMIT_QUERY);
	if (path.over || n > LIMIT_PATH_SEGMENTS) {
		front_limit(x->f, FRONT_LIMIT_OPTIONS);
		return why_set(why, ERR_NOT_FOUND, "path too long");
	}
	req->path[path.n] = '\0';
	req->first_block = !x->have_b2 || x->b2.num == 0;
	x->b1_off = (size_t)x->b1.num << (x->b1.szx + 4);
	read_body(x);
	return 0;
}
