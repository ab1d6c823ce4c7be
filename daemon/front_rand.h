/*
 * front_rand: the kernel's random bytes, a page at a time. libcoap asks twice
 * for each new session (first message ID, first token), which is two system
 * calls for each datagram of a plain-UDP peer.
 */
#ifndef SUITD_DAEMON_FRONT_RAND_H
#define SUITD_DAEMON_FRONT_RAND_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/err.h"

#define FRONT_RAND_POOL 4096

/*
 * Bytes of getrandom(2), each given once and wiped when it was, so that who
 * reads the pool later learns nothing of what was made of them. False: the
 * kernel gave none; nothing of `out` may be used then. One thread.
 */
bool front_rand(void *out, size_t n) MUST_USE;
/* libcoap's generator is this one from now on. */
void front_rand_install(void);

#endif
