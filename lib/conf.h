/*
 * conf: the configuration as a struct, by libconfuse. One table in conf_key.c
 * holds every key with its default, its check and its text; the shipped
 * config/suitd.conf is printed from it (conf_print), and an unknown key is
 * an error that names the line.
 */
#ifndef SUITD_LIB_CONF_H
#define SUITD_LIB_CONF_H

#include "lib/backoff.h"
#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"
#include "lib/track.h"

#define CONF_ALIASES 64

struct conf_alias {
	char name[LIMIT_ALIAS + 1];
	uint8_t class_id[16];
};

/* Who of plain UDP has to show its address, see echo.h. */
enum conf_echo { CONF_ECHO_OFF, CONF_ECHO_AMPLIFYING, CONF_ECHO_ALWAYS };

enum conf_unknown {
	CONF_UNKNOWN_ACCEPT,
	CONF_UNKNOWN_REFUSE,
	CONF_UNKNOWN_CERTIFIED, /* a certificate lets in */
};

/* Addresses are "HOST:PORT", "[V6]:PORT", or "" for off. */
struct conf {
	char state_dir[256];
	char listen_coap[LIMIT_ADDRESS]; /* UDP, default "[::]:5683" */
	char listen_coaps[LIMIT_ADDRESS]; /* DTLS-PSK, "[::]:5684" */
	char listen_tcp[LIMIT_ADDRESS]; /* CoAP over TCP, "[::]:5683" */
	char listen_admin[LIMIT_ADDRESS]; /* DTLS-PSK, "127.0.0.1:5685" */
	char listen_http[LIMIT_ADDRESS]; /* metrics, "127.0.0.1:9683" */
	char tls_cert[256], tls_key[256]; /* paths, or "" */

	/* certificates of clients */
	char listen_coaps_tcp[LIMIT_ADDRESS]; /* CoAP over TLS, "" */
	char listen_oscore[LIMIT_ADDRESS]; /* OSCORE over UDP, "" */
	char listen_ws[LIMIT_ADDRESS], listen_wss[LIMIT_ADDRESS]; /* "" */
	char client_ca[256], client_crl[256]; /* files or folders, or "" */
	char cert_endpoint[LIMIT_CERTMAP + 1]; /* rules, see certmap.h */
	uint32_t client_grace; /* seconds beyond a certificate's validity */
	bool client_pinned; /* only those that an operator entered */

	char admin_psk[256]; /* a path, or "": see secret.h */
	char public_uri[LIMIT_URI + 1]; /* what devices call us; "": the
	                                   address a device is talking to */
	bool synchronous_full;
	unsigned block_size; /* when a request has no Block2: 16..1024 */
	uint64_t image_max, images_total, envelope_max;
	uint32_t events_keep; /* rows of the event log */
	uint32_t audit_keep; /* entries of the audit log; 0: all */
	uint32_t poll_max_age; /* Max-Age of manifest answers, seconds */
	unsigned image_workers; /* threads beside libcoap; 0: none */
	uint32_t notify_rate; /* notifications of a broadcast to devices per
	                         second; 0: no limit */
	uint32_t drain_grace; /* seconds for downloads that run at a stop */
	enum conf_unknown unknown_devices; /* registration without a
	                                      credential by an unknown ep */
	uint32_t devices_max;
	/* names of tags that a registration may set, a blank between them */
	char register_tags[LIMIT_TAGS * (LIMIT_TAG_NAME + 1)];
	uint32_t concurrency; /* default of a campaign */
	char campaign_policy[LIMIT_POLICY + 1]; /* on top of the built-in
	                                           rules, see policy.h */
	bool campaign_approval; /* every campaign needs a second operator */
	char four_eyes[96]; /* kinds of changes that need one, see eyes.h */
	uint32_t four_eyes_expires; /* seconds until a request is over */
	uint32_t downloads, downloads_group; /* at a time; group 0: any */
	char group_tag[LIMIT_TAG_NAME + 1]; /* "": groups by address */
	uint64_t bytes_per_second, bytes_group; /* 0: any */
	uint32_t retries, retries_group; /* a minute; 0: any */
	uint32_t sessions_max; /* idle UDP/DTLS sessions kept */
	enum conf_echo echo;
	char trusted_networks[LIMIT_NETWORKS_TEXT + 1]; /* see net.h */
	uint32_t stranger_rate; /* requests a second of a network */
	uint32_t handshake_rate; /* that come to nothing, the same */
	bool allow_unsigned; /* never true by default */
	struct track_policy track; /* retry_* and deadline_* keys */
	char trust_root[256]; /* path of the first trust list; "": none */
	char freshness_key[256]; /* a path, or "": see secret.h */
	uint32_t sequence_step; /* of a class's sequence, at once */
	size_t alias_count;
	struct conf_alias alias[CONF_ALIASES]; /* alias NAME { class = ... } */
	char log_level[8]; /* error warn info debug */
};

void conf_default(struct conf *ret_conf);

/* What is wrong with a file. */
struct conf_error {
	int line; /* 0: of none */
	struct why why; /* "key: what is wrong" */
};
struct conf_errors {
	size_t n, more; /* `more` are not told: the cap was reached */
	struct conf_error at[LIMIT_CONF_ERRORS]; /* by line */
};
/*
 * Text of a file, on top of the defaults. Every error is told, also those
 * across keys; the code is the first one's, and then *ret_conf is untouched.
 */
int conf_read(const char *text, struct conf *ret_conf,
    struct conf_errors *ret_errors) MUST_USE;
/* "FILE:LINE: key: what is wrong"; "line LINE: ..." when file is NULL. */
void conf_error_text(const struct conf_error *e, const char *file, char *dst,
    size_t cap);
/* conf_read with the first error only: "line N: key: what is wrong". */
int conf_parse(const char *text, struct conf *ret_conf, struct why *why)
    MUST_USE;
/* "key=value" on top; ERR_NOT_FOUND for an unknown key, ERR_FORBIDDEN for
 * one of a secret: everybody can read a command line. */
int conf_set(struct conf *c, const char *assignment, struct why *why) MUST_USE;
/* Checks across keys: the first that fails. */
int conf_check(const struct conf *c, struct why *why) MUST_USE;
/* All that fail, each with the key that it is about; 0 or the first. */
int conf_check_each(const struct conf *c,
    void (*fn)(void *arg, const char *key, const struct why *why), void *arg);
/* The commented file with every key at `c`'s value. */
void conf_print(const struct conf *c, struct buf *out);
/* Whether a registration may set the tag of this name. */
bool conf_register_tag(const struct conf *c, const char *name);
/* Class by alias or UUID text. */
int conf_class(const struct conf *c, struct slice name, uint8_t ret[16])
    MUST_USE;

#endif
