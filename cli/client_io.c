/* The part of the client that knows libcoap. */
#include "cli/client_impl.h"

#include <coap3/coap.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "lib/uri.h"

#define DEFAULT_URI "coaps://127.0.0.1:5685"
#define CONNECT_MS 10000 /* the handshake and the first answer */
#define ANSWER_MS 30000

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* --- what libcoap tells us --- */

static void
on_log(coap_log_t level, const char *message)
{
	(void)level;
	(void)message;
}

static uint32_t
opt_uint(const coap_pdu_t *pdu, coap_option_num_t number, bool *ret_there)
{
	coap_opt_iterator_t it;
	coap_opt_t *o = coap_check_option(pdu, number, &it);

	*ret_there = o != NULL;
	return o == NULL ? 0 : coap_decode_var_bytes(coap_opt_value(o),
	    coap_opt_length(o));
}

static bool
opt_block(const coap_pdu_t *pdu, coap_option_num_t number, struct block *ret)
{
	coap_opt_iterator_t it;
	coap_opt_t *o = coap_check_option(pdu, number, &it);

	return o != NULL && block_parse(slice_of(coap_opt_value(o),
	    coap_opt_length(o)), ret) == 0;
}

static void
take_etag(struct client *c, const coap_pdu_t *pdu)
{
	coap_opt_iterator_t it;
	coap_opt_t *o = coap_check_option(pdu, COAP_OPTION_ETAG, &it);
	size_t n = o == NULL ? 0 : coap_opt_length(o);

	c->etag_len = n <= sizeof(c->etag) ? n : 0;
	if (c->etag_len > 0)
		memcpy(c->etag, coap_opt_value(o), c->etag_len);
}

static void
take_location(struct client *c, const coap_pdu_t *pdu)
{
	struct buf b = buf_of(c->location, sizeof(c->location) - 1);
	coap_opt_filter_t filter;
	coap_opt_iterator_t it;
	coap_opt_t *o;

	coap_option_filter_clear(&filter);
	coap_option_filter_set(&filter, COAP_OPTION_LOCATION_PATH);
	coap_option_iterator_init(pdu, &it, &filter);
	while ((o = coap_option_next(&it)) != NULL)
		uri_path_add(&b, slice_of(coap_opt_value(o),
		    coap_opt_length(o)));
	c->location[b.over ? 0 : b.n] = '\0';
}

static void
take_answer(struct client *c, const coap_pdu_t *pdu)
{
	const uint8_t *p;
	coap_pdu_code_t code = coap_pdu_get_code(pdu);
	bool there;
	size_t n;

	c->code = COAP_RESPONSE_CLASS(code) * 100u + (code & 0x1f);
	c->cf = (uint16_t)opt_uint(pdu, COAP_OPTION_CONTENT_FORMAT, &there);
	if (!there)
		c->cf = CF_NONE;
	c->have_b1 = opt_block(pdu, COAP_OPTION_BLOCK1, &c->b1);
	c->have_b2 = opt_block(pdu, COAP_OPTION_BLOCK2, &c->b2);
	take_etag(c, pdu);
	take_location(c, pdu);
	c->part_n = 0;
	if (coap_get_data(pdu, &n, &p) && n <= CLIENT_BODY_MAX - c->body_n) {
		memcpy(c->body + c->body_n, p, n);
		c->body_n += n;
		c->part_n = n;
	}
	c->done = true;
}

static coap_response_t
on_response(coap_session_t *session, const coap_pdu_t *sent,
    const coap_pdu_t *received, const coap_mid_t mid)
{
	struct client *c = coap_session_get_app_data(session);
	coap_bin_const_t t = coap_pdu_get_token(received);

	(void)sent;
	(void)mid;
	if (c == NULL)
		return COAP_RESPONSE_OK;
	c->connected = true;
	if (!c->done && t.length == c->token_len &&
	    memcmp(t.s, c->token, t.length) == 0) {
		take_answer(c, received);
		return COAP_RESPONSE_OK;
	}
	if (c->watch_len > 0 && t.length == c->watch_len &&
	    memcmp(t.s, c->watch, t.length) == 0) {
		c->watch_news = true;
		return COAP_RESPONSE_OK;
	}
	return COAP_RESPONSE_FAIL; /* an old observation: reset it */
}

static void
on_nack(coap_session_t *session, const coap_pdu_t *sent,
    const coap_nack_reason_t reason, const coap_mid_t mid)
{
	struct client *c = coap_session_get_app_data(session);

	(void)sent;
	(void)mid;
	if (c == NULL) /* we are closing */
		return;
	switch (reason) {
	case COAP_NACK_TLS_FAILED:
		c->failed = "the DTLS handshake failed; is this the key of "
		    "that daemon?";
		break;
	case COAP_NACK_ICMP_ISSUE:
		c->failed = "nobody listens there; is suitd running?";
		break;
	case COAP_NACK_RST:
		c->failed = "the daemon reset the exchange";
		break;
	default:
		c->failed = "no answer";
		break;
	}
}

static int
on_event(coap_session_t *session, const coap_event_t event)
{
	struct client *c = coap_session_get_app_data(session);

	if (c == NULL || c->done)
		return 0;
	if (event == COAP_EVENT_DTLS_CLOSED || event == COAP_EVENT_DTLS_ERROR)
		c->failed = c->connected ? "the daemon closed the session" :
		    "the DTLS handshake failed; is this the key of that "
		    "daemon?";
	return 0;
}

/* --- opening --- */

static int
parse_admin(struct client *c, const char *text, struct uri *u)
{
	struct why why = {0};

	if (strlen(text) >= sizeof(c->uri))
		return cli_usage("--admin: the URI is too long");
	strcpy(c->uri, text);
	if (uri_parse(slice_str(c->uri), u, &why) != 0 ||
	    u->scheme != URI_COAPS || u->host.n == 0)
		return cli_usage("--admin: must be coaps://HOST[:PORT]");
	return CLI_OK;
}

static int
resolve(const struct uri *u, coap_address_t *ret)
{
	struct addrinfo hints = {.ai_socktype = SOCK_DGRAM}, *ai;
	char host[256], port[8];
	int rc;

	if (!slice_to_cstr(u->host, host, sizeof(host)))
		return cli_usage("--admin: the host is too long");
	snprintf(port, sizeof(port), "%u", u->port);
	rc = getaddrinfo(host, port, &hints, &ai);
	if (rc != 0) {
		cli_usage("%s: %s", host, gai_strerror(rc));
		return CLI_UNREACHABLE;
	}
	coap_address_init(ret);
	ret->size = (socklen_t)ai->ai_addrlen;
	memcpy(&ret->addr, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	return CLI_OK;
}

static int
start_session(struct client *c, const struct uri *u)
{
	coap_dtls_cpsk_t psk;
	coap_address_t dst;
	int rc = resolve(u, &dst);

	if (rc != CLI_OK)
		return rc;
	memset(&psk, 0, sizeof(psk));
	psk.version = COAP_DTLS_CPSK_SETUP_VERSION;
	psk.psk_info.identity.s = (const uint8_t *)c->key.identity;
	psk.psk_info.identity.length = strlen(c->key.identity);
	psk.psk_info.key.s = c->key.key;
	psk.psk_info.key.length = c->key.key_len;
	c->session = coap_new_client_session_psk2(c->ctx, NULL, &dst,
	    COAP_PROTO_DTLS, &psk);
	if (c->session == NULL) {
		cli_usage("%s: no session", c->uri);
		return CLI_UNREACHABLE;
	}
	coap_session_set_app_data(c->session, c);
	return CLI_OK;
}

int
client_open(const struct cli *cli, struct client **ret)
{
	struct client *c = calloc(1, sizeof(*c));
	const char *env = getenv("SUITD_ADMIN");
	struct uri u;
	int rc = CLI_REFUSED;

	if (c == NULL || (c->body = malloc(CLIENT_BODY_MAX)) == NULL)
		goto out;
	rc = parse_admin(c, cli->admin != NULL ? cli->admin : env != NULL ?
	    env : DEFAULT_URI, &u);
	if (rc == CLI_OK)
		rc = client_key_find(cli, &c->key);
	if (rc != CLI_OK)
		goto out;
	coap_startup();
	coap_set_log_handler(on_log);
	coap_set_log_level((coap_log_t)0);
	coap_dtls_set_log_level((coap_log_t)0);
	rc = CLI_REFUSED;
	c->ctx = coap_new_context(NULL);
	if (c->ctx == NULL)
		goto out;
	coap_register_response_handler(c->ctx, on_response);
	coap_register_nack_handler(c->ctx, on_nack);
	coap_register_event_handler(c->ctx, on_event);
	c->next_token = (uint64_t)now_ms();
	rc = start_session(c, &u);
out:
	if (rc == CLI_OK)
		*ret = c;
	else
		client_close(c);
	return rc;
}

void
client_close(struct client *c)
{
	if (c == NULL)
		return;
	if (c->session != NULL) {
		coap_session_set_app_data(c->session, NULL);
		coap_session_release(c->session);
	}
	if (c->ctx != NULL) {
		coap_free_context(c->ctx);
		coap_cleanup();
	}
	if (c->body != NULL)
		explicit_bzero(c->body, CLIENT_BODY_MAX); /* perhaps a key */
	free(c->body);
	explicit_bzero(&c->key, sizeof(c->key));
	free(c);
}

void
client_end(struct client *c, int64_t ms)
{
	c->end = ms;
}

/* --- requests --- */

static void
put_uint(coap_optlist_t **list, uint16_t number, uint32_t v)
{
	uint8_t raw[4];
	size_t n = coap_encode_var_safe(raw, sizeof(raw), v);

	coap_insert_optlist(list, coap_new_optlist(number, n, raw));
}

static void
put_block(coap_optlist_t **list, uint16_t number, const struct block *b)
{
	uint8_t raw[3];
	size_t n;

	if (b == NULL)
		return;
	n = block_put(*b, raw);
	coap_insert_optlist(list, coap_new_optlist(number, n, raw));
}

static void
put_text(coap_optlist_t **list, uint16_t number, const char *s)
{
	coap_insert_optlist(list, coap_new_optlist(number, strlen(s),
	    (const uint8_t *)s));
}

static coap_pdu_t *
make_pdu(struct client *c, const struct client_req *rq,
    const struct client_part *p)
{
	coap_pdu_t *pdu = coap_pdu_init(COAP_MESSAGE_CON,
	    (coap_pdu_code_t)rq->method, coap_new_message_id(c->session),
	    coap_session_max_pdu_size(c->session));
	coap_optlist_t *list = NULL;
	char seg[LIMIT_PATH + 1];

	if (pdu == NULL)
		return NULL;
	c->next_token++;
	c->token_len = sizeof(c->token);
	memcpy(c->token, &c->next_token, sizeof(c->token));
	/* the same token renews an observation (RFC 7641 3.3.1) */
	if (p->observe && c->watch_len > 0)
		memcpy(c->token, c->watch, sizeof(c->token));
	coap_add_token(pdu, c->token_len, c->token);
	if (p->observe)
		put_uint(&list, COAP_OPTION_OBSERVE, 0);
	for (size_t i = 0; uri_path_segment(slice_str(rq->path), i, seg,
	    sizeof(seg)) == 0; i++)
		put_text(&list, COAP_OPTION_URI_PATH, seg);
	for (size_t i = 0; i < rq->query_n; i++)
		put_text(&list, COAP_OPTION_URI_QUERY, rq->query[i]);
	if (rq->after[0] != '\0') {
		snprintf(seg, sizeof(seg), "after=%s", rq->after);
		put_text(&list, COAP_OPTION_URI_QUERY, seg);
	}
	if (rq->body_cbor && rq->body.n > 0)
		put_uint(&list, COAP_OPTION_CONTENT_FORMAT, CF_CBOR);
	put_block(&list, COAP_OPTION_BLOCK1, p->b1);
	put_block(&list, COAP_OPTION_BLOCK2, p->b2);
	if (p->b1 != NULL && p->b1->num == 0)
		put_uint(&list, COAP_OPTION_SIZE1, (uint32_t)rq->body.n);
	coap_add_optlist_pdu(pdu, &list);
	coap_delete_optlist(list);
	if (p->payload.n > 0 &&
	    !coap_add_data(pdu, p->payload.n, p->payload.p)) {
		coap_delete_pdu(pdu);
		return NULL;
	}
	return pdu;
}

static int
unreachable(const struct client *c)
{
	cli_usage("%s: %s\n  (key %s of %s; --admin names another daemon)",
	    c->uri, c->failed ? c->failed : c->connected ? "no answer" :
	    "no answer: it is no admin endpoint of suitd, or it does not "
	    "know this key", c->key.identity, c->key.file);
	return CLI_UNREACHABLE;
}

/* One datagram out, its answer in. */
int
client_exchange(struct client *c, const struct client_req *rq,
    const struct client_part *p)
{
	int64_t end = now_ms() + (c->connected ? ANSWER_MS : CONNECT_MS);
	coap_pdu_t *pdu = make_pdu(c, rq, p);

	if (c->end != 0 && c->end < end)
		end = c->end;
	c->done = false;
	c->failed = NULL;
	if (pdu == NULL || coap_send(c->session, pdu) == COAP_INVALID_MID)
		return unreachable(c);
	while (!c->done && c->failed == NULL && now_ms() < end)
		coap_io_process(c->ctx, 100);
	return c->done ? CLI_OK : unreachable(c);
}

void
client_wait(struct client *c, int64_t ms)
{
	int64_t end = now_ms() + ms;

	c->failed = NULL;
	while (!c->watch_news && c->failed == NULL && now_ms() < end)
		coap_io_process(c->ctx, 200);
}
