#include "daemon/place.h"

#include <stdlib.h>

#include "daemon/disk.h"

struct placing {
	struct chore chore;
	struct app *app;
	struct blob_put *put;
	uint64_t ticket;
};

/* Also when the daemon ends: the disk finishes those first. Without anybody
 * who waits it is an image all the same. */
static void
on_done(struct chore *c)
{
	struct placing *p = (struct placing *)c;
	uint8_t digest[32];

	if (front_resume(p->app->front, p->ticket, 0, p->put) == 0)
		(void)!blob_put_finish(p->put, digest, NULL);
	free(p);
}

static bool
step(struct chore *c)
{
	blob_put_place(((struct placing *)c)->put);
	return true;
}

int
place_start(struct app *app, struct blob_put *put, uint64_t *ret_ticket)
{
	struct placing *p;

	if (app->disk == NULL) {
		blob_put_place(put);
		*ret_ticket = 0;
		return 0;
	}
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		return ERR_NOMEM;
	*p = (struct placing){{.step = step, .done = on_done}, app, put,
	    disk_ticket(app->disk)};
	*ret_ticket = p->ticket;
	disk_add(app->disk, &p->chore, DISK_WRITE);
	return 0;
}
