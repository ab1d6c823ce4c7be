#include "daemon/look.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/disk.h"
#include "daemon/log.h"
#include "db/store_copy.h"
#include "db/store_sync.h"

struct look {
	struct chore chore; /* first: a chore is a look */
	struct app *app;
	struct store_copy *copy;
};

static bool
on_step(struct chore *chore)
{
	return store_copy_step(((struct look *)chore)->copy);
}

static void
hold(const struct look *l, bool on)
{
	if (l->app->store->syncer != NULL)
		syncer_hold(l->app->store->syncer, on);
}

static void
on_done(struct chore *chore)
{
	struct look *l = (struct look *)chore;
	struct why why = {0};
	int err = store_copy_end(l->copy, &why);

	l->copy = NULL;
	hold(l, false);
	if (chore->dropped)
		return;
	if (err == ERR_CORRUPT)
		health_failed(&l->app->health, HEALTH_DATA, &why,
		    loop_now(l->app->loop));
	else if (err != 0)
		log_warn("store: was not looked through: %s", why.text);
	else
		log_debug("store: looked through, no damage");
}

int
look_new(struct app *app, struct look **ret)
{
	struct look *l = calloc(1, sizeof(*l));
	char path[512];
	int err;

	if (l == NULL)
		return ERR_NOMEM;
	snprintf(path, sizeof(path), "%s/suitd.db", app->conf.state_dir);
	l->app = app;
	l->chore.step = on_step;
	l->chore.done = on_done;
	err = store_copy_look(path, &l->copy);
	if (err != 0) {
		free(l);
		return err;
	}
	*ret = l;
	hold(l, true);
	disk_add(app->disk, &l->chore, DISK_IDLE);
	return 0;
}

void
look_free(struct look *l)
{
	free(l);
}
