/*
 * front: the CoAP server side, on libcoap, for every transport. It turns a
 * datagram into a `struct req`, finds the route, and makes a `struct resp`
 * into an answer. Everything of RFC 7252, 7641 and 7959 that does not need
 * to know what a resource means is here:
 *
 * - Block2 of any response is sliced statelessly, the ETag is stable and on
 *   every block, a matching ETag in a request is answered 2.03;
 * - Block1 is assembled, bounded, in memory or in a file;
 * - .well-known/core is answered from the route table;
 * - Observe is our own registry (observe.c), with paths as topics;
 * - an answer to a request that wrote to the store leaves only after the
 *   turn's commit: the handler calls resp->after_commit = true and the front
 *   holds the answer (still piggy-backed) until front_flush;
 * - an answer that has to wait for something else (resp->wait) is asked for
 *   again when that is over;
 * - a repeated CON that is not idempotent gets the remembered answer.
 */
#ifndef SUITD_DAEMON_FRONT_H
#define SUITD_DAEMON_FRONT_H

#include "db/blob.h"
#include "lib/code.h"
#include "lib/conf.h"
#include "lib/content.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/peercert.h"

#include "lib/rights.h"
#include "lib/slice.h"
#include "lib/track.h"

struct app; /* suitd.h: everything a handler may use */
struct front;
struct disk; /* disk.h */
struct loop;
struct reach;
struct oscore_given; /* oscore.h */
struct oscore_life;

enum method { M_GET = 1, M_POST = 2, M_PUT = 4, M_DELETE = 8, M_FETCH = 16 };

enum transport { T_UDP, T_DTLS, T_TCP, T_TLS, T_OSCORE, T_WS, T_WSS,
	T_ADMIN };
#define TRANSPORTS 8

/* Who asks. A device's identity is its credential, never its address. */
struct principal {
	unsigned role; /* a set of enum role */
	enum grade grade; /* L1 when the channel authenticated it */
	uint64_t device; /* from the credential; 0: none */
	uint64_t credential; /* its id in the store; 0: none */
	/* of a device its PSK identity, or that of its certificate or OSCORE
	   context; on the admin port the principal's name, whichever of its
	   keys it came with; "" none */
	char identity[LIMIT_PSK_IDENTITY + 1];
	char ep[LIMIT_EP + 1]; /* the endpoint that a certificate speaks
	                          for, also when no device has that name;
	                          "": it was no certificate */
	char approved[LIMIT_PSK_IDENTITY + 1]; /* the second person who has
	                         said yes to this very request; "" nobody */
	uint64_t request; /* that was approved; 0: none */
	struct scope scope; /* what an operator, author, ... may touch */
};

/* A client's certificate that an authority of client_ca signed. */
struct cert_peer {
	struct peercert_id id;
	char identity[65]; /* its fingerprint in hex, as the store knows it */
	char ep[LIMIT_EP + 1]; /* by cert_endpoint */
};

struct req {
	enum method method;
	enum transport transport;
	char path[LIMIT_PATH + 1]; /* canonical, see lib/uri.h */
	const char *arg[2]; /* what the route's {..} matched, "" if none */
	struct slice query[LIMIT_QUERY];
	size_t query_n;
	struct slice etag[CONTENT_ETAGS]; /* what it has already
	                                     (RFC 7252 5.10.6) */
	size_t etag_n;
	struct slice body; /* whole, after Block1 */
	bool have_cf, have_accept;
	uint16_t cf, accept;
	bool observe, observe_cancel; /* a GET with Observe 0 / 1 */
	bool notify; /* no request came: run again for an observer, so it
	                is no sign of life of the device */
	bool first_block; /* Block2 absent or num 0 */
	struct principal who;
	char addr[LIMIT_ADDRESS]; /* peer's host, no port; a hint */
	char peer[LIMIT_ADDRESS]; /* peer with port, for log lines */
	char local[LIMIT_ADDRESS]; /* host:port that was asked, for URIs */
};

struct resp {
	unsigned code; /* ccdd, 205; 0: set from the handler's return value */
	uint16_t cf; /* CF_NONE: no Content-Format */
	bool have_max_age;
	uint32_t max_age;
	size_t etag_len; /* 0: the front makes one from the body */
	uint8_t etag[8];
	struct buf out; /* body up to LIMIT_RESPONSE, write here */
	struct slice body; /* or: bytes that stay valid for the call */
	struct blob *image; /* or: an image; front drops the reference */
	char location[LIMIT_PATH + 1]; /* Location-Path, canonical; "" none */
	bool after_commit; /* wrote to the store: hold until front_flush */
	/* the body of a route with ROUTE_BODY_FILE that came in blocks (then
	   req->body is empty), or NULL; what is left here is aborted */
	struct blob_put *upload;
	/* with a return of 0: there is no answer yet; the handler is called
	   anew when front_resume has this ticket. 0: it is answered. Not for
	   what can be observed */
	uint64_t wait;
	bool secret; /* it has a key: what is kept of it is kept for as long as
	                the request may come again, and wiped */
	bool drop; /* no answer at all: the request will be sent again */
	uint64_t trust; /* number of the trust list, for OPT_TRUST; 0: none */
	bool waited; /* this is that call, and */
	int waited_err; /* what front_resume said */
	struct why why; /* diagnostic of an error */
};

typedef int (*route_fn)(struct app *app, const struct req *req,
    struct resp *resp);

/* Which trust list the server has, on answers to polls: of the range for
 * experiments (RFC 7252 12.2), elective, so that whoever does not know it
 * passes over it, and safe to forward. Up to 8 bytes. */
#define OPT_TRUST 65000

#define ROUTE_OBSERVE (1u << 0)
#define ROUTE_BODY_FILE (1u << 1) /* an image: resp->upload */
#define ROUTE_HIDDEN (1u << 2) /* not in .well-known/core */
#define ROUTE_BLOCKS (1u << 3) /* images: hooks.blocks is called */
#define ROUTE_SCOPED (1u << 4) /* the handler minds req->who.scope; without
                                  it who has a scope is refused */
#define ROUTE_DRY (1u << 5) /* the handler knows ?dry_run and ?before_upload,
                               and changes nothing then */
#define ROUTE_OWN (1u << 6) /* who observes it is reached as a device by that:
                               the handler goes by the principal, or ?ep= */
/* A change that may need a second person, see eyes.h: (flags >> 8) & 15 is an
 * enum eyes. */
#define ROUTE_EYES(kind) ((unsigned)(kind) << 8)
#define ROUTE_EYES_OF(flags) ((flags) >> 8 & 15u)

/* Who may read, who may change (any of these roles); one set alone is both. */
#define RW(read, write) ((unsigned)(read) | (unsigned)(write) << 8)

struct route {
	const char *path; /* "m/{c}"; "{*}" as the last segment: the rest,
	                     canonical; a {c} comes percent-decoded */
	unsigned methods;
	unsigned role; /* who may call: a set of roles, or RW(); ROLE_NOBODY is
	                  everybody, but on the admin port, where each row says
	                  who */
	unsigned flags;
	route_fn fn;
	const char *attrs; /* link attributes, rt="..." */
};

/* routes.c; both end with a NULL path. */
extern const struct route routes_device[];
extern const struct route routes_admin[];

/* Caps of the front that somebody ran into, by what was done about it. */
#define FRONT_LIMIT_LIST(L) \
	L(SESSIONS, "sessions") /* an idle one ended for a new one */ \
	L(KEYLESS, "keyless_sessions") /* the same, of LIMIT_STRANGERS */ \
	L(CONNECTIONS, "connections") /* a TCP connection was closed */ \
	L(CONNECTIONS_HOST, "connections_host") \
	L(CONNECTIONS_NETWORK, "connections_network") \
	L(OBSERVERS, "observers") /* who asked is not told of changes */ \
	L(OBSERVERS_PEER, "observers_peer") \
	L(OBSERVING_PLAIN, "observing_plain") \
	L(ASSEMBLIES, "assemblies") /* 5.03 */ \
	L(ASSEMBLY_IDLE, "assembly_idle") /* an upload was given up */ \
	L(ASSEMBLY_SLOW, "assembly_slow") \
	L(BODY, "body") /* 4.13 */ \
	L(HELD, "held") /* 5.03 */ \
	L(WAITING, "waiting") /* 5.03, or dropped */ \
	L(OPTIONS, "options") /* too many queries or path segments */ \
	L(HANDSHAKES, "handshakes") /* a ClientHello was not heard */

enum front_limit {
#define L(id, name) FRONT_LIMIT_##id,
	FRONT_LIMIT_LIST(L)
#undef L
	FRONT_LIMITS
};
const char *front_limit_name(enum front_limit l);

struct front_stats {
	uint64_t requests, blocks, sessions, observers, assemblies, waiting,
	    notifications, dedup_hits, errors;
	uint64_t own_blocks, block_bytes; /* that libcoap sent */
	uint64_t sessions_of[TRANSPORTS];
	uint64_t handshakes, handshakes_failed;
	uint64_t certs, certs_refused; /* of clients */
	uint64_t handshakes_slowed; /* refused, since many failed before */
	uint64_t notify_reset, notify_timeout; /* of notifications */
	uint64_t limit[FRONT_LIMITS]; /* times that one was reached */
	uint64_t refused[ERR_POS_END_]; /* answers by -ERR_* */
	/* of OSCORE (oscore.h) */
	uint64_t oscore_contexts, oscore_challenged, oscore_replayed,
	    oscore_refused;
	uint64_t dropped; /* left without an answer, to be asked again */
	/* of the image plane (blocks.h), by the hook; no workers: all 0 */
	uint64_t image_workers, image_slow, image_dropped, image_peers,
	    image_evicted, images_mapped;
};

struct front_hooks {
	/* PSK of an identity; ERR_NOT_FOUND refuses the handshake */
	int (*psk)(struct app *app, enum transport t, const char *identity,
	    struct buf *ret_key);
	/* who speaks with this identity (never ""); once per request; without
	   an identity the front itself says ROLE_NOBODY, grade L0 */
	void (*who)(struct app *app, enum transport t, const char *identity,
	    struct principal *ret);
	/* a block of an image went out by a route with ROUTE_BLOCKS;
	   never touches the store */
	void (*blocks)(struct app *app, const struct req *req,
	    const struct blob *image, uint64_t end, uint64_t total);
	/* a request is answered with this error; NULL: nobody asks */
	void (*refused)(struct app *app, int err);
	/* a request on the admin plane is answered with this error; *why may
	   be empty. NULL: nobody asks */
	void (*denied)(struct app *app, const struct req *req, int err,
	    const struct why *why);
	/* somebody shook hands on the admin plane; NULL: nobody asks */
	void (*login)(struct app *app, const struct principal *who,
	    const char *host);
	/* adds what was answered beside libcoap; NULL: nothing was */
	void (*stats)(struct app *app, struct front_stats *ret);
	/* a request with a credential, before it is served; NULL: nobody asks */
	void (*heard)(struct app *app, const struct req *req);
	/* OSCORE: what the store has of an identity (ERR_NOT_FOUND: nothing
	   that may be used), and its counter. NULL: no contexts */
	int (*oscore)(struct app *app, const char *identity,
	    struct oscore_given *ret);
	int (*oscore_count)(struct app *app, uint64_t credential,
	    uint64_t counter);
	/* once, before anybody is listened to */
	int (*oscore_life)(struct app *app, struct oscore_life *ret);
	/* may this certificate let in? Asked in handshakes, and of each open
	   session once after front_recheck; NULL: no certificate may */
	int (*cert)(struct app *app, const struct cert_peer *p,
	    struct why *why);
	/* it was proven, in a handshake that is over now */
	void (*cert_shown)(struct app *app, const struct cert_peer *p);
	/* who speaks with it, once per request */
	void (*cert_who)(struct app *app, const struct cert_peer *p,
	    struct principal *ret);
	/* a handshake of this host on the admin port, before `psk`; false
	   refuses it; and it has succeeded. NULL: nobody asks */
	bool (*knock)(struct app *app, const char *host);
	void (*proved)(struct app *app, const char *host);
	/* a handshake with an identity that has a key does not prove it, on
	   any plane, from this host; and one did. NULL: nobody asks */
	void (*key_failed)(struct app *app, enum transport t,
	    const char *identity, const char *host);
	void (*key_proved)(struct app *app, enum transport t,
	    const char *identity);
	/* before a handler of the admin table runs, its body is whole: 0, or
	   the error that it is answered with; NULL: nobody asks */
	int (*admit)(struct app *app, const struct route *route,
	    struct req *req, struct resp *resp);
};

struct front_opts {
	struct loop *loop;
	struct app *app;
	struct blob_store *blobs; /* where uploads go to */
	struct disk *disk; /* ends after the loop and before the front; NULL:
	                      what takes long is done at once */
	const struct conf *conf;
	struct front_hooks hooks;
	struct reach *reach; /* outlives the front; NULL: no peer has to show
	                        its address, and all are trusted */
	/* in order of search, literals before {..}; a NULL path ends them */
	const struct route *device; /* UDP, DTLS, TCP, TLS */
	const struct route *admin;
};

int front_new(const struct front_opts *o, struct front **ret, struct why *why)
    MUST_USE;
void front_free(struct front *f); /* NULL is fine */
/*
 * Could this address be listened on now? Then it is *ret_fd's until that is
 * closed (-1: a family that this host has not). ERR_BUSY: another program has
 * it; ERR_IO: what the kernel says.
 */
int front_probe(const char *addr, bool stream, int *ret_fd, struct why *why)
    MUST_USE;
/* A line per listener in plain words, for the log at start. */
void front_describe(const struct front *f,
    void (*line)(void *arg, const char *text), void *arg);
/*
 * The certificate that coaps and coaps+tcp show to who verifies the server, beside
 * the keys of devices. Read by front_new, and anew by front_cert_reload from
 * where `c`, which is to be the configuration, says; on an error (see
 * cert_load) the one of before stays. Where both are off it is only made sure
 * that it could be shown, if `c` has one of them. Sessions go on. Who uses it is
 * nobody, as over plain UDP.
 */
int front_cert_reload(struct front *f, const struct conf *c,
    struct why *why) MUST_USE;
/*
 * The same, while the loop goes on: lists of revoked certificates may be
 * long. `c` is copied. `done` runs once, perhaps inside of this call, with
 * what front_cert_reload would have returned, `why` not NULL; not at all when
 * the disk's thread ends before.
 */
void front_cert_read(struct front *f, const struct conf *c,
    void (*done)(void *arg, int err, const struct why *why), void *arg);
/* When it ends, Unix ms; 0: none is shown. */
int64_t front_cert_expiry(const struct front *f);
/*
 * Client certificates come with front_cert_reload, too: client_ca, client_crl
 * and cert_endpoint are read, and what is wrong leaves all as it was. Whose
 * session does not pass the new ones is ended, before its next request is
 * answered, or else within seconds. The files are looked at every 10 s, and
 * read when they have changed.
 */
/* How many authorities and lists there are, for a person; true: one of them
 * is overdue. */
bool front_clients(const struct front *f, char *dst, size_t cap);
/* Something that hooks.cert goes by has changed: the same. */
void front_recheck(struct front *f);
/* Ends each session with a certificate of which `gone` is true. */
void front_forget_certs(struct front *f, bool (*gone)(void *arg,
    const struct cert_peer *p), void *arg);
/* The port a plane listens on (useful with port 0); 0: it is off. */
uint16_t front_port(const struct front *f, enum transport plane);
/* The socket that libcoap listens on; it stays libcoap's. -1: off. */
int front_socket(const struct front *f, enum transport plane);

/*
 * Contexts of their own for peers of plain UDP that observe, so that their
 * sessions are not walked for everybody else. Each has a socket that stays
 * libcoap's; the caller binds them beside front_socket, and sends to always
 * the same one of them what a peer acknowledges, resets, and asks with
 * Observe. Once, before the loop runs.
 */
#define FRONT_FOLLOW 16
/* Sockets that nobody reads yet, at most FRONT_FOLLOW of them. */
int front_follow_open(struct front *f, int *ret_fd, unsigned *ret_n) MUST_USE;
/* They are bound: from now on they are read, and who asks for Observe at
 * front_socket is not entered. */
int front_follow_start(struct front *f) MUST_USE;
void front_follow_close(struct front *f);

/* Answers that are held have numbers, 1 and on: that of the last one. */
uint64_t front_held(const struct front *f);
struct front_span {
	uint64_t after, upto; /* numbers above the one, up to the other */
	bool unsure; /* with an error: what they did may be kept all the same */
};
#define FRONT_ALL ((struct front_span){.upto = UINT64_MAX})
/*
 * What was held is decided: commit_err 0 sends these answers; else each
 * becomes that error (5.00 or 5.03 with its text, which says that the change
 * may be kept where nobody knows) and observers learn nothing. They are the oldest that are held, or the newest; the numbers of
 * the newest are given again. Then observers are told, who has no pace to
 * keep.
 */
void front_flush(struct front *f, struct front_span which, int commit_err);

/*
 * What resp->wait was for is over: every request that waits for this ticket
 * is answered now; how many there were. The first handler gets `upload`,
 * which may be NULL, and stays the caller's when there is none. LIMIT_WAITING
 * can wait; beyond it a GET is not answered at all, since it will be asked
 * again, and others are ERR_BUSY.
 */
size_t front_resume(struct front *f, uint64_t ticket, int err,
    struct blob_put *upload);

/*
 * A topic changed: every observer of this canonical path (with the query it
 * asked with) gets the resource's answer anew, CON, unless its ETag is the
 * one last sent; intermediate states are skipped. Sent by front_flush.
 * Observers go on RST, on time-out, on session end. T_ADMIN is the admin
 * table; any other plane means all device transports, whose observers are
 * told at conf->notify_rate, in the order of their registration.
 */
void front_notify(struct front *f, enum transport plane, const char *path);
/* From now on no device is told of a broadcast: what it would come for then
 * it shall ask the next suitd. */
void front_quiet(struct front *f);
/*
 * Observers of a path with ROUTE_OWN whose principal or ?ep= is this device;
 * sent even if nothing changed, and without waiting for notify_rate. Of one
 * that has a credential the name is nobody's claim: ep is "" then. The number that will
 * be told; `done` runs once, later, never inside of this call or of
 * front_flush, and not at all when 0: err 0 when one was acknowledged,
 * ERR_TIMEOUT, ERR_REJECTED (RST), ERR_UNREACHABLE (the session or the
 * observation ended), ERR_CONFLICT (a later call took over), ERR_BUSY (the
 * commit failed, nothing was sent), ERR_CANCELLED (front_free).
 */
size_t front_notify_device(struct front *f, uint64_t device, const char *ep,
    void (*done)(void *arg, int err), void *arg);
/* Ends every session of a device's identity (a PSK's, or the fingerprint of a
 * certificate), at the next front_flush:
 * what its key proved is worth nothing when the key has changed. */
void front_forget(struct front *f, const char *identity);
/* The same on the admin port, of a key of a principal. */
void front_forget_admin(struct front *f, const char *identity);
bool front_device_observes(const struct front *f, uint64_t device,
    const char *ep);

/* Paths of .well-known/core, filtered by RFC 6690 query. */
void front_links(const struct route *table, const struct slice *query,
    size_t query_n, struct buf *out);

void front_stats(const struct front *f, struct front_stats *ret);
/*
 * Calls cb for each route with how many answers of each code (lib/code.h) it
 * gave: FRONT_IMAGE are the routes that serve blocks, "other" is what no
 * route serves. What workers answered is not in it (blocks.h).
 */
#define FRONT_IMAGE "image"
void front_answered(const struct front *f, void (*cb)(void *arg,
    const char *path, const uint64_t n[CODES]), void *arg);

#endif
