/*
 * nonce: a server's word that something was said after it, without anything
 * kept for who asked: a step of the server's uptime and a MAC over it and the
 * asker, by a secret that is made at each start. A restart therefore ends all
 * of them. Pure: secret and uptime are arguments.
 *
 * It is good for NONCE_STEPS steps, and for that long as often as one likes;
 * that nothing is said twice is (boot_ctr, report_seq)'s work (bootreport.h).
 * So long because a bootloader signs at the next start, which an installation
 * may stand before.
 */
#ifndef SUITD_LIB_NONCE_H
#define SUITD_LIB_NONCE_H

#include "lib/err.h"
#include "lib/slice.h"

#define NONCE_SIZE 12
#define NONCE_STEP_S 300
#define NONCE_STEPS 12 /* an hour, up to one step more */

struct nonce_key {
	uint8_t b[32]; /* random */
};

/* For `who`, a number that the caller gives (a device's id). ERR_CRYPTO;
 * ERR_RANGE after 40 000 years. */
int nonce_make(const struct nonce_key *k, uint64_t who, int64_t uptime_s,
    uint8_t ret[NONCE_SIZE]) MUST_USE;
/* Was it made for him, and not too long ago? */
bool nonce_fresh(const struct nonce_key *k, uint64_t who, int64_t uptime_s,
    struct slice nonce);

#endif
