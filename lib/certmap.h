/*
 * certmap: which endpoint a client's certificate speaks for (RFC 7925 4.4,
 * RFC 9176 5: an endpoint name is for the deployment to assign).
 *
 * Rules are words with blanks or commas between them: "KIND" or
 * "KIND:PATTERN", KIND one of
 *   san-uri        subjectAltName uniformResourceIdentifier
 *   san-dns        subjectAltName dNSName; letters are lower-cased
 *   cn             commonName of the subject
 *   subject-serial serialNumber of the subject (IEEE 802.1AR)
 * A pattern is compared as a whole; one * in it stands for one or more
 * bytes; a part in parentheses is the endpoint name, else all of it is:
 * "san-dns:(*).dev.example.org san-uri:urn:dev:* cn".
 *
 * The first rule that a name matches decides, and it decides alone: what it
 * yields is a name (text_name_ok, LIMIT_EP), or the certificate is refused.
 */
#ifndef SUITD_LIB_CERTMAP_H
#define SUITD_LIB_CERTMAP_H

#include "lib/err.h"
#include "lib/limits.h"
#include "lib/slice.h"

enum certmap_kind {
	CERTMAP_URI,
	CERTMAP_DNS,
	CERTMAP_CN,
	CERTMAP_SERIAL,
};

/* One name of a certificate, as its bytes are. */
struct certmap_name {
	enum certmap_kind kind;
	struct slice text;
};

struct certmap_rule {
	enum certmap_kind kind;
	bool any; /* no pattern */
	bool star; /* head * tail; else head is all of it */
	uint8_t from, drop; /* the endpoint: without so many bytes before and
	                       behind it */
	char head[LIMIT_CERTMAP + 1], tail[LIMIT_CERTMAP + 1];
};

struct certmap {
	size_t n;
	struct certmap_rule rule[LIMIT_CERTMAP_RULES];
};

/*
 * ERR_SIZE: over LIMIT_CERTMAP bytes; ERR_LIMIT: over LIMIT_CERTMAP_RULES;
 * ERR_NOT_FOUND: a kind that is none; ERR_MALFORMED: a second *, parentheses
 * that are not one pair around something, an empty pattern, a byte that is
 * no printable ASCII; ERR_MISSING: no rule at all. *why names the word.
 */
int certmap_parse(struct slice text, struct certmap *ret, struct why *why)
    MUST_USE;

/*
 * ERR_NOT_FOUND: no rule matches; ERR_CONFLICT: names of one rule yield
 * different endpoints; ERR_INVALID: what a rule yields is no endpoint name.
 */
int certmap_apply(const struct certmap *m, const struct certmap_name *name,
    size_t n, char ret_ep[LIMIT_EP + 1], struct why *why) MUST_USE;

#endif
