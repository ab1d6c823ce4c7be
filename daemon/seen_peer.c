/* Peers of the image plane as the rest of the daemon knows them: the texts
 * are those that libcoap's planes make (front_req.c, progress.c). */
#include "daemon/seen.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static void
address_text(const struct seen_peer *p, char *dst, size_t cap)
{
	char host[INET6_ADDRSTRLEN] = "", name[IF_NAMESIZE];
	uint32_t scope = 0;

	if (memcmp(p->b, mapped, sizeof(mapped)) == 0) {
		inet_ntop(AF_INET, p->b + 12, host, sizeof(host));
		snprintf(dst, cap, "a:%s", host);
		return;
	}
	inet_ntop(AF_INET6, p->b, host, sizeof(host));
	if (p->n == 20)
		memcpy(&scope, p->b + 16, sizeof(scope));
	if (scope != 0 && if_indextoname(scope, name) != NULL)
		snprintf(dst, cap, "a:%s%%%s", host, name);
	else
		snprintf(dst, cap, "a:%s", host);
}

void
seen_peer_text(const struct seen_peer *p, char dst[SEEN_TEXT])
{
	if (p->kind == 'a')
		address_text(p, dst, SEEN_TEXT);
	else
		snprintf(dst, SEEN_TEXT, "e:%.*s", (int)p->n,
		    (const char *)p->b);
}

static bool
read_address(const char *text, struct seen_peer *p)
{
	char host[INET6_ADDRSTRLEN];
	size_t n = strcspn(text, "%");
	uint32_t scope;

	p->n = 16;
	if (n >= sizeof(host))
		return false;
	memcpy(host, text, n);
	host[n] = '\0';
	memcpy(p->b, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, host, p->b + 12) == 1)
		return true;
	if (inet_pton(AF_INET6, host, p->b) != 1)
		return false;
	if (text[n] == '\0')
		return true;
	scope = if_nametoindex(text + n + 1);
	memcpy(p->b + 16, &scope, sizeof(scope));
	p->n = 20;
	return scope != 0;
}

bool
seen_peer_read(const char *text, struct seen_peer *ret)
{
	struct seen_peer p = {.kind = (uint8_t)text[0]};
	size_t n;

	if (text[0] == 'a' && read_address(text + 2, &p)) {
		*ret = p;
		return true;
	}
	if (text[0] != 'e')
		return false;
	n = strlen(text + 2);
	if (n == 0 || n > SEEN_NAME)
		return false;
	p.n = (uint8_t)n;
	memcpy(p.b, text + 2, n);
	*ret = p;
	return true;
}
