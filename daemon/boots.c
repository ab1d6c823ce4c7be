#include "daemon/boots.h"

#include <stdlib.h>

#include "daemon/asker.h"

static const struct share_rule checks = {LIMIT_BOOT_FAILED,
    {LIMIT_BOOT_FAILED_EACH, LIMIT_BOOT_FAILED_EACH, LIMIT_BOOT_FAILED_EACH}};

struct boots {
	struct share *share;
	uint64_t proven[LIMIT_BOOT_PROVEN]; /* MACs, each at its place */
};

int
boots_new(struct boots **ret)
{
	struct boots *b = calloc(1, sizeof(*b));
	int rc = b == NULL ? ERR_NOMEM : asker_share_new(&b->share);

	if (rc != 0) {
		free(b);
		return rc;
	}
	*ret = b;
	return 0;
}

void
boots_free(struct boots *b)
{
	if (b == NULL)
		return;
	free(b->share);
	free(b);
}

void
boots_prove(struct boots *b, struct slice message)
{
	uint64_t mac;

	if (b == NULL)
		return;
	mac = echo_mac(&b->share->key, message);
	b->proven[mac % LIMIT_BOOT_PROVEN] = mac;
}

bool
boots_proven(const struct boots *b, struct slice message)
{
	uint64_t mac;

	if (b == NULL)
		return false;
	mac = echo_mac(&b->share->key, message);
	return b->proven[mac % LIMIT_BOOT_PROVEN] == mac;
}

bool
boots_take(const struct app *app, const struct req *req)
{
	return app->boots == NULL ||
	    asker_take(app, app->boots->share, &checks, req);
}

void
boots_give(const struct app *app, const struct req *req)
{
	if (app->boots != NULL)
		asker_give(app, app->boots->share, &checks, req);
}
