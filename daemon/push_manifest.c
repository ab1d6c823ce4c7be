/*
 * manifest: the envelope itself is the push, block-wise (Block1). What is
 * sent is severed: authentication and manifest only, which is all that a
 * device needs to decide, and all that RIOT takes.
 */
#include <stdlib.h>

#include "daemon/push.h"
#include "lib/manifest.h"

#define PATH "/suit/manifest"

int
push_manifest(struct push *p, struct why *why)
{
	static uint8_t bytes[LIMIT_ENVELOPE];
	const struct catalog_release *r = catalog_by_id(p->app->catalog,
	    p->release);
	struct buf b = buf_of(bytes, sizeof(bytes));
	char uri[LIMIT_URI + 1];
	struct peer_request rq = {
		.method = M_POST, .uri = uri, .cf = CF_OCTET,
	};
	struct manifest m;
	int rc = push_uri(&p->dev, PATH, uri);

	if (rc == 0)
		rc = manifest_parse(r->envelope, &m, why);
	if (rc == 0)
		rc = manifest_sever(&m, &b);
	if (rc != 0)
		return rc;
	rq.payload = buf_slice(&b);
	push_note_slot(p);
	return peer_send(p->app->peer, &rq, push_answer, p);
}
