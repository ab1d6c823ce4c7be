/*
 * gen_args: what the command line says. One table of options gives their
 * parsing, their bounds, their defaults and --help.
 */
#ifndef SUITD_BENCH_GEN_ARGS_H
#define SUITD_BENCH_GEN_ARGS_H

#include "lib/err.h"
#include "lib/slice.h"

#define GEN_BODIES 16
#define GEN_BYTES 512 /* of a body or an ETag */
#define GEN_PEERS 4000000
#define GEN_SOCKETS 16
#define GEN_UNSET UINT64_MAX /* a number that was not given */

enum gen_mode { GEN_GET, GEN_POST, GEN_OBSERVE, GEN_ECHO };

struct gen_bytes {
	size_t n;
	uint8_t b[GEN_BYTES];
};

/* Texts are borrowed from argv; numbers without a default are GEN_UNSET. */
struct gen_args {
	enum gen_mode mode;
	const char *to, *base, *path, *query, *file, *psk_id, *psk;
	uint64_t peers, first, window, think, sockets;
	uint64_t count, each, burst, szx, cf, accept, size, token;
	uint64_t ack_timeout, tries, pause, seed, expect;
	double seconds, loss;
	bool from_start, size2, non, bare, mmsg, dtls, handshakes, gate;
	bool progress, any_etag;
	struct gen_bytes etag;
	unsigned bodies;
	struct gen_bytes body[GEN_BODIES];
};

const char *gen_mode_name(enum gen_mode m);
/*
 * Fills *ret and settles what depends on other options. False: the program
 * ends with *rc, everything is said (--help on stdout, mistakes on stderr).
 */
bool gen_args(int argc, char **argv, struct gen_args *ret, int *rc);

#endif
