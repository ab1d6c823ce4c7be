/*
 * client_load: which client certificates are trusted, from the files of the
 * configuration: client_ca, client_crl, cert_endpoint.
 */
#ifndef SUITD_DAEMON_CLIENT_LOAD_H
#define SUITD_DAEMON_CLIENT_LOAD_H

#include "lib/certmap.h"
#include "lib/clientca.h"
#include "lib/conf.h"

struct client_trust {
	struct clientca *ca; /* NULL: certificates are not asked for */
	struct certmap map;
	uint64_t files; /* see client_files */
};

/*
 * On an error *ret is untouched, and *why names the key and the file: see
 * clientca_add, clientca_add_crl and certmap_parse; ERR_NOT_FOUND, ERR_IO;
 * ERR_LIMIT: more than LIMIT_CLIENT_FILES in a folder; ERR_MISSING: no
 * authority in it.
 */
int client_load(const struct conf *c, struct client_trust *ret,
    struct why *why) MUST_USE;
void client_unload(struct client_trust *t);
/* A number that is another one when a file of client_ca or client_crl was
 * written, came or went; 0: there are none. */
uint64_t client_files(const struct conf *c);
/* A line for a person: how many, and what is due soon or overdue (then
 * true). */
bool client_describe(const struct client_trust *t, int64_t now, char *dst,
    size_t cap);

#endif
