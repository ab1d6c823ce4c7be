#include "lib/net.h"

#include <arpa/inet.h>

#include "lib/text.h"

#define BETWEEN " \t,"
#define TEXT_MAX 63
#define MAPPED 96 /* bits of ::ffff: */

static const uint8_t mapped[12] = {[10] = 0xff, 0xff};

static bool
host_parse(const char *text, uint8_t host[16], unsigned *ret_shift)
{
	*ret_shift = 0;
	if (inet_pton(AF_INET6, text, host) == 1)
		return true;
	*ret_shift = MAPPED;
	memcpy(host, mapped, sizeof(mapped));
	return inet_pton(AF_INET, text, host + sizeof(mapped)) == 1;
}

static uint8_t
mask_of(unsigned bits, size_t i)
{
	return bits >= 8 * (i + 1) ? 0xff : bits <= 8 * i ? 0 :
	    (uint8_t)(0xff00u >> (bits - 8 * i));
}

/* Bits that a mask leaves out are a slip of the pen. */
static bool
is_clean(const struct net *n)
{
	for (size_t i = 0; i < sizeof(n->host); i++)
		if (n->host[i] & ~mask_of(n->bits, i))
			return false;
	return true;
}

static bool
net_parse(struct slice s, struct net *ret)
{
	char text[TEXT_MAX + 1], *slash;
	uint64_t bits = 0;
	unsigned shift;

	if (!slice_to_cstr(s, text, sizeof(text)))
		return false;
	slash = strchr(text, '/');
	if (slash != NULL)
		*slash = '\0';
	if (!host_parse(text, ret->host, &shift))
		return false;
	if (slash == NULL)
		bits = 128 - shift;
	else if (text_u64(slice_str(slash + 1), &bits) != 0 ||
	    bits > 128 - shift)
		return false;
	ret->bits = (uint8_t)(bits + shift);
	return true;
}

int
net_list_parse(const char *text, struct net_list *ret, struct why *why)
{
	struct net_list l = {.n = 0};
	struct net one;
	size_t n;

	for (;; text += n) {
		text += strspn(text, BETWEEN);
		n = strcspn(text, BETWEEN);
		if (n == 0)
			break;
		if (!net_parse(slice_of(text, n), &one))
			return why_set(why, ERR_TYPE, "%.*s: no network such as "
			    "10.0.0.0/8 or fc00::/7", n > TEXT_MAX ? TEXT_MAX :
			    (int)n, text);
		if (!is_clean(&one))
			return why_set(why, ERR_TYPE, "%.*s: has bits behind "
			    "its prefix; a network is such as 10.0.0.0/8",
			    (int)n, text);
		if (l.n == LIMIT_NETWORKS)
			return why_set(why, ERR_SIZE, "over %d networks",
			    LIMIT_NETWORKS);
		l.at[l.n++] = one;
	}
	*ret = l;
	return 0;
}

static bool
is_in(const struct net *n, const uint8_t host[16])
{
	size_t whole = n->bits / 8;

	if (memcmp(n->host, host, whole) != 0)
		return false;
	return n->bits % 8 == 0 ||
	    ((n->host[whole] ^ host[whole]) & mask_of(n->bits, whole)) == 0;
}

bool
net_list_has(const struct net_list *l, const uint8_t host[16])
{
	for (size_t i = 0; i < l->n; i++)
		if (is_in(&l->at[i], host))
			return true;
	return false;
}

bool
net_is_loopback(const uint8_t host[16])
{
	static const uint8_t one[16] = {[15] = 1};

	return (memcmp(host, mapped, sizeof(mapped)) == 0 &&
	    host[sizeof(mapped)] == 127) || memcmp(host, one, 16) == 0;
}
