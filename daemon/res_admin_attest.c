/*
 * The key of a device's bootloader: set, shown, taken away; and the word that
 * its counters may begin anew.
 *
 * Setting the same key again changes nothing: what was taken of it must stay,
 * or old reports would be new ones. Another key begins with nothing, since no
 * report of the one before is proven by it.
 */
#include <stdio.h>

#include "daemon/res_admin.h"

#define HOW "`suitctl device attest EP KEYFILE` sets one"

static int
read_key(struct slice in, struct store_attest *a, struct why *why)
{
	struct buf b = buf_of(a->key, sizeof(a->key));
	int rc = admin_public_key(in, &b, a->kid, why);

	a->key_len = b.n;
	return rc;
}

/* The epoch that waits becomes the one that counts; the other is over for
 * ever, for its reports lie about. */
static int
allow_epoch(struct store_attest *a, const uint8_t epoch[BOOTREPORT_EPOCH],
    struct why *why)
{
	if (!a->have_pending ||
	    memcmp(a->pending, epoch, BOOTREPORT_EPOCH) != 0)
		return why_set(why, ERR_STATE, "no report of this epoch "
		    "waits; `suitctl device show` names the one that does");
	if (a->gone_n == LIMIT_BOOT_EPOCHS)
		return why_set(why, ERR_LIMIT, "its counters were lost %d "
		    "times; it needs another key", LIMIT_BOOT_EPOCHS);
	memcpy(a->gone[a->gone_n++], a->mark.epoch, BOOTREPORT_EPOCH);
	a->mark = (struct bootreport_mark){.have = true};
	memcpy(a->mark.epoch, epoch, BOOTREPORT_EPOCH);
	a->have_pending = false;
	return 0;
}

void
admin_msg_attest(const struct store_attest *a, struct msg_attest *ret)
{
	*ret = (struct msg_attest){
		.created = a->created, .reported = a->mark.have,
		.boot_ctr = a->mark.boot_ctr,
		.report_seq = a->mark.report_seq, .sequence = a->sequence,
		.have_list = a->have_list, .list_seq = a->list_seq,
		.at = a->at, .fresh_at = a->fresh_at,
		.pending = a->have_pending, .gone = (uint32_t)a->gone_n,
		.refused = a->refused, .refused_at = a->refused_at,
	};
	memcpy(ret->kid, a->kid, sizeof(ret->kid));
	memcpy(ret->epoch, a->mark.epoch, sizeof(ret->epoch));
	memcpy(ret->pending_epoch, a->pending, sizeof(ret->pending_epoch));
	if (a->at != 0)
		snprintf(ret->result, sizeof(ret->result), "%s",
		    boot_result_name(a->result));
}

/* What of it changes, in `a`; *ret_what says it. */
static int
change(const struct msg_attest_put *m, struct store_attest *a,
    const char **ret_what, struct why *why)
{
	struct store_attest key = {.device = a->device};
	int rc = 0;

	if ((m->key_len > 0) == m->have_epoch)
		return why_set(why, ERR_INVALID, "either a key, or an epoch "
		    "of the key that is set");
	*ret_what = "boot epoch allowed";
	if (m->have_epoch)
		return a->key_len > 0 ? allow_epoch(a, m->epoch, why) :
		    why_set(why, ERR_NOT_FOUND, "it has no key; " HOW);
	*ret_what = "boot key set";
	rc = read_key(slice_of(m->key, m->key_len), &key, why);
	if (rc == 0 && (a->key_len == 0 ||
	    memcmp(a->kid, key.kid, sizeof(key.kid)) != 0))
		*a = key;
	return rc;
}

static int
attest_put(struct app *app, const struct req *req, struct resp *resp,
    struct store_attest *a)
{
	static struct msg_attest_put m;
	struct msg_attest out;
	struct store_event ev = {.device = a->device};
	const char *what = "";
	int rc = admin_body(req, &msg_attest_put, &m, &resp->why);

	if (rc == 0)
		rc = change(&m, a, &what, &resp->why);
	if (rc != 0 || (rc = admin_begin(app)) != 0)
		return rc;
	if (a->created == 0)
		a->created = loop_now(app->loop);
	snprintf(ev.what, sizeof(ev.what), "%s", what);
	snprintf(ev.ep, sizeof(ev.ep), "%s", req->arg[0]);
	rc = ST(app, attest_put, a);
	if (rc == ERR_EXISTS)
		(void)why_set(&resp->why, rc, "another device has this key; "
		    "each needs its own");
	rc = admin_end(app, req, resp, &ev, rc);
	if (rc != 0)
		return rc;
	admin_msg_attest(a, &out);
	return admin_put(req, resp, &msg_attest, &out);
}

static int
attest_delete(struct app *app, const struct req *req, struct resp *resp,
    uint64_t device)
{
	struct store_event ev = {.device = device, .what = "boot key removed"};
	int rc = admin_begin(app);

	if (rc != 0)
		return rc;
	snprintf(ev.ep, sizeof(ev.ep), "%s", req->arg[0]);
	return admin_end(app, req, resp, &ev, ST(app, attest_remove, device));
}

int
res_admin_device_attest(struct app *app, const struct req *req,
    struct resp *resp)
{
	static struct store_device d;
	static struct store_attest a;
	struct msg_attest out;
	int rc = admin_device(app, req, &d, &resp->why);

	if (rc != 0)
		return rc;
	rc = ST(app, attest_get, d.id, &a);
	if (rc == ERR_NOT_FOUND && req->method == M_PUT) {
		a = (struct store_attest){.device = d.id};
		rc = 0;
	} else if (rc == ERR_NOT_FOUND) {
		return why_set(&resp->why, rc, "it has no key; " HOW);
	}
	if (rc != 0)
		return rc;
	if (req->method == M_PUT)
		return attest_put(app, req, resp, &a);
	if (req->method == M_DELETE)
		return attest_delete(app, req, resp, d.id);
	admin_msg_attest(&a, &out);
	return admin_put(req, resp, &msg_attest, &out);
}
