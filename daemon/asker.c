#include "daemon/asker.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "daemon/reach.h"

/* The address as reach.h has it, of the text in req->addr. */
static void
peer_of(const struct req *req, struct echo_peer *ret)
{
	struct sockaddr_storage ss = {.ss_family = AF_INET6};
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ss;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ss;
	char host[LIMIT_ADDRESS], *zone;

	snprintf(host, sizeof(host), "%s", req->addr);
	zone = strchr(host, '%');
	if (zone != NULL) {
		*zone = '\0';
		v6->sin6_scope_id = if_nametoindex(zone + 1);
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1) {
		v4->sin_family = AF_INET;
		(void)inet_pton(AF_INET, host, &v4->sin_addr);
	}
	reach_peer((struct sockaddr *)&ss, ret);
}

static bool
has_shown(const struct app *app, const struct req *req,
    const struct echo_peer *p)
{
	if (req->transport != T_UDP && req->transport != T_OSCORE)
		return true;
	return app->reach != NULL && reach_known(app->reach, p,
	    loop_mono(app->loop) * 1000);
}

struct share_asker
asker_of(const struct app *app, const struct req *req)
{
	struct share_asker a = {SHARE_KNOWN, {0}};
	struct echo_peer p;

	if (req->who.device != 0) {
		memcpy(a.id, &req->who.device, sizeof(req->who.device));
		return a;
	}
	peer_of(req, &p);
	memcpy(a.id, p.host, sizeof(a.id));
	a.rank = has_shown(app, req, &p) ? SHARE_SHOWN : SHARE_STRANGER;
	return a;
}

int
asker_share_new(struct share **ret)
{
	struct share *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_NOMEM;
	if (getrandom(s->key.b, sizeof(s->key.b), 0) != sizeof(s->key.b)) {
		free(s);
		return ERR_CRYPTO;
	}
	*ret = s;
	return 0;
}

bool
asker_take(const struct app *app, struct share *s,
    const struct share_rule *r, const struct req *req)
{
	const struct share_asker a = asker_of(app, req);

	return share_take(s, r, &a, loop_mono(app->loop) * 1000);
}

void
asker_give(const struct app *app, struct share *s,
    const struct share_rule *r, const struct req *req)
{
	const struct share_asker a = asker_of(app, req);

	share_give(s, r, &a, loop_mono(app->loop) * 1000);
}
