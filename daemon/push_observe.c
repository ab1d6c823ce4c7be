/*
 * observe: the device has asked to be told (RFC 7641), so telling it is the
 * push. It works through NAT, where nothing else does. A device that does
 * not observe now is left until it makes contact.
 *
 * It is also the driver of devices that have none: one that observes is as
 * good as reachable.
 */
#include "daemon/engine.h"
#include "daemon/push.h"

static void
told(void *arg, int err)
{
	struct peer_answer a = {.err = err, .code = err == 0 ? 204 : 0};

	push_answer(arg, &a);
}

const char *
push_claim(const struct store_device *d)
{
	return d->have_psk ? "" : d->ep;
}

int
push_observe(struct push *p, struct why *why)
{
	const char *ep = push_claim(&p->dev);

	if (front_notify_device(p->app->front, p->dev.id, ep, told, p) == 0)
		return why_set(why, ERR_UNREACHABLE,
		    "the device observes nothing here");
	return 0;
}
