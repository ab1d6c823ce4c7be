/*
 * peercert: what a client's certificate says of itself (RFC 5280), once
 * somebody else has found that it can be trusted. Names are bytes that the
 * authority signed and that may be anything; certmap makes endpoints of them.
 */
#ifndef SUITD_LIB_PEERCERT_H
#define SUITD_LIB_PEERCERT_H

#include "lib/certmap.h"

/* Issuer and serial number are what a revocation names. */
struct peercert_id {
	uint8_t fingerprint[32]; /* SHA-256 of all of it */
	char issuer[LIMIT_CERT_ISSUER + 1]; /* RFC 4514, "CN=ca,O=x" */
	char serial[2 * LIMIT_CERT_SERIAL + 1]; /* hex, no zeros before it */
	int64_t from, until; /* Unix ms */
	bool ca; /* it says that it may sign others (RFC 5280 4.2.1.9) */
};

struct peercert {
	struct peercert_id id;
	size_t name_n;
	struct certmap_name name[LIMIT_CERT_NAMES]; /* bytes of the X509 */
};

/*
 * From an X509 *; the names borrow from it. ERR_LIMIT: more than
 * LIMIT_CERT_NAMES names of the kinds that certmap knows; ERR_SIZE: a serial
 * number or issuer beyond its cap; ERR_MALFORMED: a negative serial number,
 * names or times that cannot be read.
 */
int peercert_read(void *x509, struct peercert *ret, struct why *why) MUST_USE;
/* The same of a certificate in PEM (the first one of it) or DER, of up to
 * LIMIT_CERT_FILE bytes, without its names. ERR_SIZE, ERR_MALFORMED. */
int peercert_parse(struct slice bytes, struct peercert_id *ret,
    struct why *why) MUST_USE;
/* The hex of a serial number as people write it (spaces, colons, "0x",
 * capitals) in the form of above. ERR_MALFORMED, ERR_SIZE. */
int peercert_serial(struct slice text,
    char ret[2 * LIMIT_CERT_SERIAL + 1]) MUST_USE;

#endif
