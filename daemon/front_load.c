/*
 * The files of client_ca and client_crl. A list of 100 000 numbers takes 30 ms
 * to be read and 40 to be freed, and there may be 64 of them; so both are
 * the disk thread's. Until a new one is whole and good, that of before holds.
 */
#include "daemon/front_client.h"

#include <stdlib.h>

#include "daemon/disk.h"

struct reading {
	struct chore chore;
	struct front *f;
	struct client_read r;
};

struct dropping {
	struct chore chore;
	struct client_trust t;
};

/* --- on the thread --- */

static bool
read_step(struct chore *c)
{
	struct client_read *r = &((struct reading *)c)->r;

	r->rc = client_load(&r->conf, &r->t, &r->why);
	return true;
}

static bool
drop_step(struct chore *c)
{
	client_unload(&((struct dropping *)c)->t);
	return true;
}

/* --- on the loop --- */

static void
read_done(struct chore *c)
{
	struct reading *d = (struct reading *)c;

	d->f->reading--;
	if (!c->dropped)
		d->r.done(d->f, &d->r);
	client_drop(d->f, &d->r.t); /* what nobody took */
	free(d);
}

static void
drop_done(struct chore *c)
{
	client_unload(&((struct dropping *)c)->t);
	free(c);
}

void
client_read(struct front *f, const struct conf *c,
    const struct client_read *what)
{
	struct reading *d = calloc(1, sizeof(*d));
	struct client_read none = *what;

	if (d == NULL) {
		none.rc = why_set(&none.why, ERR_NOMEM, "client_ca: out of "
		    "memory");
		what->done(f, &none);
		return;
	}
	d->chore = (struct chore){.step = read_step, .done = read_done};
	d->f = f;
	d->r = *what;
	d->r.conf = *c;
	f->reading++;
	if (f->disk != NULL) {
		disk_add(f->disk, &d->chore, DISK_WANTED);
		return;
	}
	(void)read_step(&d->chore);
	read_done(&d->chore);
}

void
client_drop(struct front *f, struct client_trust *t)
{
	struct dropping *d = t->ca == NULL || f->disk == NULL ? NULL :
	    calloc(1, sizeof(*d));

	if (d == NULL) {
		client_unload(t);
		return;
	}
	d->chore = (struct chore){.step = drop_step, .done = drop_done};
	d->t = *t;
	t->ca = NULL;
	disk_add(f->disk, &d->chore, DISK_IDLE);
}
