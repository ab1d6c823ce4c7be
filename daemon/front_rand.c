/*
 * A pool of the kernel's own bytes: no generator of ours in between, so it is
 * as good as getrandom(2) is, at a thousandth of the calls. suitd never
 * forks with it.
 */
#include "daemon/front_rand.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "daemon/coap_compat.h"
#include "lib/slice.h"

static uint8_t pool[FRONT_RAND_POOL];
static size_t left; /* at the end of the pool */

/* More than 256 bytes may come in parts. */
static bool
from_kernel(uint8_t *out, size_t n)
{
	while (n > 0) {
		ssize_t got = getrandom(out, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		out += got;
		n -= (size_t)got;
	}
	return true;
}

bool
front_rand(void *out, size_t n)
{
	uint8_t *from;

	if (n > sizeof(pool))
		return from_kernel(out, n);
	if (n > left) {
		left = 0;
		if (!from_kernel(pool, sizeof(pool)))
			return false;
		left = sizeof(pool);
	}
	from = pool + sizeof(pool) - left;
	memcpy(out, from, n);
	explicit_bzero(from, n);
	left -= n;
	return true;
}

static int
for_libcoap(void *out, size_t n)
{
	return front_rand(out, n);
}

void
front_rand_install(void)
{
	coap_set_prng(for_libcoap);
}
