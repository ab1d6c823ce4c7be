/* PUT a/trust: the next trust list; GET a/trust: the one in force. */
#include "daemon/catalog.h"
#include "daemon/res_admin.h"
#include "daemon/trusted.h"

int
res_admin_trust(struct app *app, const struct req *req, struct resp *resp)
{
	struct msg_trust m = {.seq = trusted_seq(app)};
	const struct trust *list = trusted_list(app);
	int rc;

	if (req->method == M_PUT) {
		rc = trusted_publish(app, req->body, &req->who, &resp->why);
		if (rc != 0 && rc != ERR_EXISTS)
			return rc;
		resp->after_commit = rc == 0;
		resp->code = rc == 0 ? 201 : 204;
		return 0;
	}
	if (list == NULL)
		return why_set(&resp->why, ERR_NOT_FOUND, "no trust list is "
		    "in force: authors are those of suitctl author; see "
		    "trust_root in suitd.conf(5)");
	m.since = trusted_since(app);
	m.need = list->roots.need;
	m.roots = (uint32_t)list->roots.n;
	m.keys = (uint32_t)list->key_count;
	m.denied = (uint32_t)list->denied_count;
	m.refused = catalog_refusals(app->catalog);
	memcpy(m.hash, list->hash, sizeof(m.hash));
	return admin_put(req, resp, &msg_trust, &m);
}
