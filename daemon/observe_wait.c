#include "daemon/observe_int.h"

#include <stdlib.h>

void
observe_wait_result(struct observers *o, struct observer *ob, int err)
{
	struct wait *w = ob->wait;

	ob->wait = NULL;
	if (w == NULL)
		return;
	w->left--;
	if (w->called) {
		if (w->left == 0)
			free(w);
		return;
	}
	if (w->ready || (err != 0 && w->left > 0))
		return;
	w->ready = true;
	w->err = err;
	STAILQ_INSERT_TAIL(&o->ready, w, next);
}

void
observe_wait_fire(struct observers *o)
{
	struct wait *w;

	while ((w = STAILQ_FIRST(&o->ready)) != NULL) {
		STAILQ_REMOVE_HEAD(&o->ready, next);
		w->called = true;
		w->done(w->arg, w->err);
		if (w->left == 0)
			free(w);
	}
}
