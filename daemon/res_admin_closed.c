/*
 * GET a/closed: what is closed, and what is open. A resource of its own, since
 * a/status has clocks in it, and so has to fit into one block.
 */
#include "daemon/audit.h"
#include "daemon/opened.h"
#include "daemon/res_admin.h"
#include "daemon/trusted.h"

static int
put_trust(struct app *app, struct msg_closed *m)
{
	struct store_lists l = {.told = 0};
	int rc = 0;

	m->trust = trusted_seq(app);
	if (m->trust == 0)
		opened_authors(&app->conf, m->authors);
	else
		rc = ST(app, attest_lists, m->trust, &l);
	m->trust_told = l.told;
	m->trust_have = l.have;
	return rc;
}

/* There are LIMIT_PRINCIPALS at most. */
static int
count_principals(struct app *app, uint64_t *ret)
{
	static struct store_principal page[LIMIT_PAGE];
	char after[LIMIT_KEY_NAME + 1] = "";
	size_t n = LIMIT_PAGE;
	int rc = 0;

	*ret = 0;
	while (rc == 0 && n == LIMIT_PAGE) {
		rc = ST(app, principal_list, after, LIMIT_PAGE, page, &n);
		if (rc == 0 && n > 0)
			strcpy(after, page[n - 1].name);
		*ret += rc == 0 ? n : 0;
	}
	return rc;
}

int
res_admin_closed(struct app *app, const struct req *req, struct resp *resp)
{
	struct msg_closed m = {.trust = 0};
	struct audit_stats audit;
	int rc = put_trust(app, &m);

	if (rc == 0)
		rc = count_principals(app, &m.principals);
	if (rc != 0)
		return rc;
	opened_rights(&app->conf, m.rights);
	opened_strangers(&app->conf, m.strangers);
	audit_stats(app, &audit);
	m.audit_broken = audit.broken;
	if (audit.head.n > 0)
		audit_head_text(&audit.head, m.audit);
	return admin_put(req, resp, &msg_closed, &m);
}
