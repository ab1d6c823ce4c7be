/*
 * front_int: what the files of the front share.
 *
 *   front.c       contexts, and the life of an exchange
 *   front_run.c   who asks, may he, and the handler
 *   front_held.c  answers that wait for the commit
 *   front_later.c requests whose answer waits for something else
 *   front_kept.c  answers of several blocks, for operators
 *   front_sock.c  sockets, and the pump
 *   front_follow.c  contexts for those who observe over plain UDP
 *   front_req.c   a PDU becomes a struct req
 *   front_resp.c  a struct resp becomes an answer, an answer becomes a PDU
 *   front_oscore.c requests that are protected one by one
 *   front_rand.c  random bytes for libcoap
 *   front_count.c what was answered, by route and code
 *   front_dtls.c  keys, and peers that start anew
 *   front_echo.c  what those get who have not shown their address
 *   front_cert.c  the certificate of coaps
 *   front_client.c certificates of clients
 *   front_load.c  their files, read while the loop goes on
 *   front_stream.c connections, which are bounded by who has them
 *   route.c       path patterns, .well-known/core
 *   block1.c      request bodies that come in parts
 *   dedup.c       answers to repeated CON requests
 *   observe.c     who is to be told when a path changes
 */
#ifndef SUITD_DAEMON_FRONT_INT_H
#define SUITD_DAEMON_FRONT_INT_H

#include <sys/queue.h>

#include "daemon/coap_compat.h"
#include "daemon/client_load.h"
#include "daemon/front.h"
#include "daemon/route.h"

#include "daemon/reach.h"
#include "lib/block.h"
#include "lib/cert.h"
#include "lib/crowd.h"
#include "lib/few.h"

#define PLANES TRANSPORTS
#define HELD_MAX 4096 /* answers that wait for their commit's sync */
#define FRONT_KEPT 16 /* answers to operators, of LIMIT_RESPONSE at most */
#define ANSWER_OPTS 384
#define BLOCK_MAX 1024
#define FRONT_ROWS 64 /* that answers are counted in: a route has its own */
#define FRONT_FIXED 3 /* of them, that are no route's */

/* A peer's address and port, and our plane: fits every transport. What is
 * kept for a peer who has a key is its session's: the port may be another's
 * tomorrow. */
struct peer_key {
	uint8_t b[24];
	uint64_t session; /* its number, of a request; 0: none has a key */
};

struct plane {
	struct front *f;
	enum transport t;
	coap_context_t *ctx;
	int fd; /* of the context's epoll */
	int sock; /* that listens; libcoap's */
	uint16_t port;
	char listen[LIMIT_ADDRESS];
	unsigned feed; /* reads per readiness event, adapts */
	unsigned handled; /* requests in this round */
	int64_t full_since; /* us: no answer can be held; 0: there is room */
	unsigned shaken; /* handshakes that ended in this turn */
	int rcvbuf; /* of the socket, as the kernel counts */
	size_t sessions;
	size_t observing; /* of them, over plain UDP: observe.c's */
	size_t flying; /* observers that may not have acked: observe.c's */
	uint8_t key[LIMIT_PSK_KEY]; /* until the end of its turn */
	coap_bin_const_t key_ref; /* what libcoap borrows, and copies */
	uint8_t decoy[16]; /* front_dtls.c */
	coap_bin_const_t decoy_ref;
	bool shows; /* libcoap asks for a certificate */
	LIST_HEAD(, watch) watches; /* front_dtls.c */
	bool dtls_over; /* one of them is to end */
	bool unproven; /* one of them may have a wrong key */
	size_t strangers; /* of them, without a key */
	struct crowd *crowd; /* whose they are, of connections; else NULL */
};

/* An answer apart from any PDU: options as {number, length, bytes}. */
struct answer {
	unsigned code; /* ccdd */
	size_t opts_n;
	uint8_t opts[ANSWER_OPTS];
	struct slice body; /* one block of it */
	bool secret; /* which has a key */
};

/* One request on its way through the front. */
struct exchange {
	struct front *f;
	struct plane *plane;
	coap_session_t *session;
	const coap_pdu_t *pdu; /* NULL: a notification's re-run */
	bool con, reliable;
	coap_mid_t mid;
	struct slice token;
	struct peer_key peer;
	bool have_b1, have_b2, want_size2, have_size1, have_no_response;
	struct block b1, b2;
	size_t b1_off; /* BERT counts in 1024s, too */
	uint32_t size1;
	uint32_t no_response; /* RFC 7967 */
	struct slice rtag; /* Request-Tag, p NULL if none */
	struct slice echo; /* Echo, p NULL if none */
	bool stranger; /* has not shown its address; then */
	bool challenge; /* it is asked to, */
	size_t budget; /* it gets so many bytes at most, */
	struct echo_peer from; /* and this is who it says it is */
	struct route_match match;
	struct req req;
	struct resp resp;
	uint8_t small[CONTENT_DIAGNOSTIC];
	struct answer answer;
	uint32_t size1_max; /* hint of a 4.13, 0: none */
	struct assembly *assembly; /* where req.body lives, or NULL */
	bool ran; /* a handler did: a repetition must not */
	bool silent; /* nothing to send now */
};

struct held {
	coap_session_t *session;
	struct peer_key peer;
	bool con, reliable;
	coap_mid_t mid;
	uint32_t no_response;
	size_t budget; /* bytes of the answer at most; 0: any */
	uint8_t token[8];
	size_t token_n;
	unsigned row; /* front_count.c's */
	struct answer answer; /* body is malloc'ed */
};

struct later; /* front_later.c */
struct kepts; /* front_kept.c */

struct front {
	struct loop *loop;
	struct app *app;
	struct blob_store *blobs;
	struct disk *disk; /* NULL: everything is done at once */
	const struct conf *conf;
	struct front_hooks hooks;
	const struct route *device, *admin;
	struct plane plane[PLANES];
	struct reach *reach; /* the caller's; NULL: nobody is a stranger */
	struct door *door;
	struct cert *cert; /* front_cert.c; NULL: none is shown */

	struct client_trust client; /* front_client.c */
	uint64_t watched; /* sessions so far: front_dtls.c */
	uint64_t client_gen; /* another one: sessions are checked anew */
	bool client_stale; /* some were not, yet */
	unsigned client_ticks;
	unsigned reading; /* times that files are being read now */
	struct few refusals; /* of certificates: front_dtls.c */

	struct observers *observers;
	struct block1 *block1;
	struct dedup *dedup;
	struct held *held; /* a ring, by number */
	struct plane follow[FRONT_FOLLOW]; /* front_follow.c */
	unsigned follow_n; /* 0: those who observe meet plane[T_UDP], too */
	struct front_oscore *oscore; /* NULL: off */
	struct oscore *contexts; /* its own; NULL: off */
	int follow_fd; /* an epoll of theirs; -1: none */
	size_t held_n;
	uint64_t held_last; /* the newest one's number */
	TAILQ_HEAD(, later) later;
	size_t later_n;
	struct kepts *kept; /* NULL: none was, yet */
	bool quiet; /* no broadcasts any more */
	struct front_stats stats;
	uint64_t answered[FRONT_ROWS][CODES];
	struct exchange x; /* one at a time */
	uint8_t out[LIMIT_RESPONSE];
};

/* It changes nothing (RFC 7252 5.8). */
static inline bool
front_safe(enum method m)
{
	return m == M_GET || m == M_FETCH;
}

/* front_run.c: route, body, handler; the answer is in x->answer, unless it is
 * silent. */
void front_run(struct exchange *x);
/* A repetition of it must not run; it is answered from memory. */
bool front_once(const struct exchange *x);
/* Whose it is and whether he may, asked again of what has waited. */
int front_still_may(struct exchange *x) MUST_USE;
/* What a handler returned becomes an answer, or is kept for later. */
void front_conclude(struct exchange *x, int rc);

/* A context that listens; nobody reads it yet. pl is all zero but its f, t
 * and sock, -1. */
int plane_new(struct plane *pl, const char *listen, struct why *why) MUST_USE;

/* front_held.c */
/* Keeps x->answer until held_flush; false: no room, it has to leave now. */
bool held_add(struct exchange *x);
void held_flush(struct front *f, struct front_span which, int commit_err);
/* x->answer leaves now, in a message of our own. */
void held_send(struct exchange *x);

/* front_later.c */
/* Keeps the exchange until front_resume; an error: no room. */
int later_add(struct exchange *x) MUST_USE;
void later_free(struct front *f);

/* front_kept.c */
/* Another block than the first: x->resp is what that one was cut from. */
bool kept_find(struct exchange *x);
/* After a handler, whose return value is rc. */
void kept_put(struct exchange *x, int rc);
void kept_closed(struct front *f, const coap_session_t *session);
void kept_free(struct front *f);

/* front_req.c */
bool req_may_ask(const struct exchange *x);
int req_read(struct exchange *x, struct why *why) MUST_USE;
void req_peer_key(struct plane *pl, const coap_session_t *s,
    struct peer_key *ret);
void req_addresses(const struct plane *pl, const coap_session_t *s,
    struct req *req);
int addr_parse(const char *text, coap_address_t *ret, struct why *why)
    MUST_USE;

/* front_resp.c */
void resp_begin(struct exchange *x);
/* Ends a handler's work: fills x->answer from x->resp. */
void resp_finish(struct exchange *x, int rc);
/* An answer without a handler. */
void resp_error(struct exchange *x, int err);
void answer_opt(struct answer *a, uint16_t number, struct slice value);
void answer_opt_uint(struct answer *a, uint16_t number, uint32_t v);
bool answer_fill(const struct answer *a, coap_pdu_t *pdu);

static inline void
front_limit(struct front *f, enum front_limit l)
{
	f->stats.limit[l]++;
}

/* front_echo.c */
void echo_begin(struct exchange *x);
/* 0, or ERR_UNAUTHORIZED: it has to show its address first. */
int echo_check(struct exchange *x) MUST_USE;
/* *ret_most becomes smaller where a block of a body would be too large;
 * ERR_UNAUTHORIZED when none is small enough. */
int echo_most(struct exchange *x, size_t body, uint8_t *ret_most) MUST_USE;
/* The last option of an answer that goes out whole. */
void echo_offer(struct exchange *x);
/* What strangers have too little of there may be more of for who shows its
 * address: an option of the refusal, before OPT_TRUST. */
void echo_hint(struct exchange *x, int err);
/* An error's answer, or one that is too long all the same. */
void echo_bound(struct exchange *x);
/* As it will be on the wire. */
size_t answer_size(const struct answer *a, size_t token_n);

/* Planes where devices have keys or certificates; some may be off. */
#define FRONT_SECURE 3
extern const enum transport front_secure[FRONT_SECURE];

/* A connection for each session. */
static inline bool
sock_streams(const struct plane *pl)
{
	return pl->t == T_TCP || pl->t == T_TLS || pl->t == T_WS ||
	    pl->t == T_WSS;
}

/* front_stream.c */
int stream_new(struct plane *pl) MUST_USE;
void stream_free(struct plane *pl);
/* A connection came; it is closed if too many have come from there. */
void stream_opened(struct plane *pl, coap_session_t *session);
void stream_closed(struct plane *pl, const coap_session_t *session);

/* front_count.c */
/* Where the exchange's answer is counted. */
unsigned front_row(const struct exchange *x);
void front_count(struct front *f, unsigned row, unsigned code);

#endif
