/*
 * OSCORE contexts as the store has them. How the numbers of one start are
 * kept apart from those of another is told in oscore.h.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon/access.h"
#include "daemon/access_impl.h"
#include "daemon/ahead.h"
#include "daemon/engine.h"
#include "daemon/oscore.h"
#include "daemon/res_admin.h"
#include "db/store_sync.h"
#include "lib/cbor.h"

#define META "oscore"

int
access_oscore(struct app *app, const char *identity,
    struct oscore_given *ret)
{
	struct store_credential c;
	int rc = app->store->ops->credential_get(app->store,
	    CREDENTIAL_OSCORE, identity, &c);

	if (rc != 0)
		return rc;
	if ((c.ends != 0 && c.ends <= loop_now(app->loop)) ||
	    access_is_revoked(app, c.device))
		rc = ERR_NOT_FOUND;
	else
		rc = oscore_secret_get(slice_of(c.secret, c.secret_len),
		    &ret->secret);
	ret->credential = c.id;
	ret->counter = c.counter;
	explicit_bzero(&c, sizeof(c));
	return rc;
}

int
access_oscore_count(struct app *app, uint64_t credential, uint64_t counter)
{
	int rc = engine_begin(app->engine);

	if (rc != 0)
		return rc;
	return engine_end(app->engine, app->store->ops->credential_count(
	    app->store, credential, counter));
}

static int
read_life(struct app *app, struct oscore_life *ret)
{
	uint8_t bytes[32];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct cbr c;
	uint64_t n = 0;
	int rc = ST(app, meta_get, META, &b);

	*ret = (struct oscore_life){0, 0};
	if (rc == ERR_NOT_FOUND)
		return 0;
	c = cbr_of(buf_slice(&b));
	if (rc == 0)
		rc = cbr_get_array(&c, &n);
	if (rc == 0)
		rc = cbr_get_uint(&c, &ret->number);
	return rc == 0 ? cbr_get_uint(&c, &ret->base) : rc;
}

/* The store is older than what devices have seen. */
static bool
was_restored(const struct app *app)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/" AHEAD_RESTORED,
	    app->conf.state_dir);
	return access(path, F_OK) == 0;
}

/* A thread may have the disk: then it is waited for. */
static int
commit(struct app *app)
{
	int rc = store_commit(app->store);

	if (rc != 0 || app->store->syncer == NULL)
		return rc;
	rc = syncer_ask(app->store->syncer);
	return rc == 0 ? syncer_wait(app->store->syncer) : rc;
}

int
access_oscore_life(struct app *app, struct oscore_life *ret)
{
	uint8_t bytes[32];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct oscore_life life;
	int rc = read_life(app, &life);

	if (rc == 0)
		rc = store_begin(app->store);
	if (rc != 0)
		return rc;
	life.number++;
	if (was_restored(app))
		life.base = oscore_base(loop_rand(app->loop));
	cbr_put_array(&b, 2);
	cbr_put_uint(&b, life.number);
	cbr_put_uint(&b, life.base);
	rc = ST(app, meta_put, META, buf_slice(&b));
	if (rc != 0) {
		store_rollback(app->store);
		return rc;
	}
	rc = commit(app);
	if (rc == 0)
		*ret = life;
	return rc;
}
