#include "lib/crowd.h"

#include "lib/bucket.h"

static bool
same_network(const uint8_t a[16], const uint8_t b[16])
{
	return slice_eq(bucket_prefix(a), bucket_prefix(b));
}

enum crowd_verdict
crowd_enter(struct crowd *c, const struct crowd_one *who)
{
	size_t host = 0, network = 0, trusted = 0;

	if (c->n == LIMIT_CONNECTIONS)
		return CROWD_FULL;
	for (size_t i = 0; i < c->n; i++) {
		const struct crowd_one *o = &c->at[i];

		trusted += o->trusted;
		host += memcmp(o->host, who->host, sizeof(o->host)) == 0;
		network += same_network(o->host, who->host);
	}
	if (who->trusted && trusted >= LIMIT_CONNECTIONS_TRUSTED)
		return CROWD_NETWORK;
	if (!who->trusted && host >= LIMIT_CONNECTIONS_HOST)
		return CROWD_HOST;
	if (!who->trusted && network >= LIMIT_CONNECTIONS_NETWORK)
		return CROWD_NETWORK;
	c->at[c->n++] = *who;
	return CROWD_IN;
}

void
crowd_leave(struct crowd *c, uintptr_t id)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->at[i].id == id) {
			c->at[i] = c->at[--c->n];
			return;
		}
}
