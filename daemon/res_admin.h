/*
 * res_admin: what the operators' resources have in common. A handler checks
 * its request, calls a verb of store, engine, publish or campaign, and puts
 * one record or one page of records into the answer. CBOR by default, JSON
 * on Accept 50; errors are returned with *why saying what to do next, and
 * the front makes problem details of them.
 *
 * Every change is a pair of engine_begin and engine_end with an "admin" row
 * in the event log, and its answer waits for the commit: admin_end does all
 * three.
 */
#ifndef SUITD_DAEMON_RES_ADMIN_H
#define SUITD_DAEMON_RES_ADMIN_H

#include "daemon/suitd.h"
#include "lib/msg_records.h"

/* --- requests --- */

/* "name=" of the query; p NULL when it is not there. */
struct slice admin_query(const struct req *req, const char *name);
bool admin_flag(const struct req *req, const char *name); /* "name[=1]" */
/* A number of the query; `def` when it is not there. */
int admin_query_u64(const struct req *req, const char *name, uint64_t def,
    uint64_t *ret, struct why *why) MUST_USE;
int admin_id(const char *text, uint64_t *ret, struct why *why) MUST_USE;
/* Of a key that somebody sent: its COSE_Key, appended, and its id.
 * ERR_POLICY: it is a private one. */
int admin_public_key(struct slice in, struct buf *ret_key,
    uint8_t ret_kid[8], struct why *why) MUST_USE;
/* The body as a closed record. */
int admin_body(const struct req *req, const struct msg_record *rec, void *ret,
    struct why *why) MUST_USE;
int admin_class(struct app *app, const char *name, uint8_t ret[16],
    struct why *why) MUST_USE;

/* What the request's first {..} names, if it is in the scope of who asks;
 * ERR_NOT_FOUND. A device by its ep, a campaign by its number or by 12 or more
 * hex digits of its plan's digest. */
int admin_device(struct app *app, const struct req *req,
    struct store_device *ret, struct why *why) MUST_USE;
int admin_campaign(struct app *app, const struct req *req,
    struct store_campaign *ret, struct why *why) MUST_USE;
/* The same of a release, by number, by digest or by the first 6 or more hex
 * digits of one; it may be named by the body, too. */
struct admin_named {
	const struct req *req; /* who asks */
	const char *text;
};
int admin_release(struct app *app, struct admin_named name,
    struct store_release *ret, struct why *why) MUST_USE;

/* 64 hex digits or 43 characters of base64url. */
int admin_image_digest(struct slice text, uint8_t ret[32], struct why *why)
    MUST_USE;

/* --- answers --- */

/* ERR_ACCEPT unless CBOR or JSON is wanted. */
int admin_format(const struct req *req, struct resp *resp, bool *ret_json)
    MUST_USE;
int admin_put(const struct req *req, struct resp *resp,
    const struct msg_record *rec, const void *msg) MUST_USE;

/*
 * A list. `fetch` reads up to `limit` items that come after the filter's
 * cursor, `advance` moves the cursor behind an item, `render` makes its
 * record, `cursor` its text for "next".
 */
struct admin_list {
	const struct msg_record *rec;
	size_t size; /* of an item */
	int (*fetch)(struct app *app, void *filter, size_t limit, void *items,
	    size_t *ret_n);
	void (*advance)(void *filter, const void *item);
	int (*render)(struct app *app, const void *item, void *msg);
	void (*cursor)(const void *item, char dst[MSG_CURSOR]);
};
int admin_page(struct app *app, const struct req *req, struct resp *resp,
    const struct admin_list *l, void *filter) MUST_USE;

/* --- changes --- */

int admin_begin(struct app *app) MUST_USE;
/* `ev` says what (and ep, ids, detail); kind and who are filled in. */
int admin_end(struct app *app, const struct req *req, struct resp *resp,
    struct store_event *ev, int err) MUST_USE;

/* --- records --- */

void admin_msg_device(struct app *app, const struct store_device *d,
    struct msg_device *ret);
void admin_msg_attest(const struct store_attest *a, struct msg_attest *ret);
void admin_msg_job(struct app *app, const struct job *j, struct msg_job *ret);
void admin_msg_release(const struct store_release *r,
    struct msg_release *ret);
void admin_msg_payloads(const struct store_payload *p, size_t n,
    struct msg_release *ret);
int admin_msg_campaign(struct app *app, const struct store_campaign *c,
    struct msg_campaign *ret) MUST_USE;
void admin_msg_event(const struct store_event *e, struct msg_event *ret);

/* Events of a filter, for three resources. */
int admin_events(struct app *app, const struct req *req, struct resp *resp,
    struct store_event_filter *f) MUST_USE;

/* --- handlers: routes_admin.c --- */
int res_admin_status(struct app *, const struct req *, struct resp *);
int res_admin_closed(struct app *, const struct req *, struct resp *);
int res_admin_events(struct app *, const struct req *, struct resp *);
int res_admin_devices(struct app *, const struct req *, struct resp *);
int res_admin_device(struct app *, const struct req *, struct resp *);
int res_admin_device_events(struct app *, const struct req *,
    struct resp *);
int res_admin_device_psk(struct app *, const struct req *, struct resp *);
int res_admin_device_oscore(struct app *, const struct req *, struct resp *);
/* of res_admin_devices: POST */
int res_admin_import(struct app *, const struct req *, struct resp *);
int res_admin_device_credentials(struct app *, const struct req *,
    struct resp *);
int res_admin_device_credential(struct app *, const struct req *,
    struct resp *);
int res_admin_device_cert(struct app *, const struct req *, struct resp *);
int res_admin_revoked(struct app *, const struct req *, struct resp *);

int res_admin_device_attest(struct app *, const struct req *,
    struct resp *);
int res_admin_device_tags(struct app *, const struct req *, struct resp *);
int res_admin_explain(struct app *, const struct req *, struct resp *);
int res_admin_releases(struct app *, const struct req *, struct resp *);
int res_admin_release(struct app *, const struct req *, struct resp *);
int res_admin_images(struct app *, const struct req *, struct resp *);
int res_admin_image(struct app *, const struct req *, struct resp *);
int res_admin_campaigns(struct app *, const struct req *, struct resp *);
int res_admin_campaign(struct app *, const struct req *, struct resp *);
int res_admin_campaign_action(struct app *, const struct req *,
    struct resp *);
int res_admin_plan(struct app *, const struct req *, struct resp *);
int res_admin_diff(struct app *, const struct req *, struct resp *);
int res_admin_device_revoke(struct app *, const struct req *, struct resp *);
int res_admin_release_offer(struct app *, const struct req *, struct resp *);
int res_admin_jobs(struct app *, const struct req *, struct resp *);
int res_admin_job(struct app *, const struct req *, struct resp *);
int res_admin_job_retry(struct app *, const struct req *, struct resp *);
int res_admin_backups(struct app *, const struct req *, struct resp *);
int res_admin_backup(struct app *, const struct req *, struct resp *);
int res_admin_backup_part(struct app *, const struct req *, struct resp *);
int res_admin_image_data(struct app *, const struct req *, struct resp *);
int res_admin_principals(struct app *, const struct req *, struct resp *);
int res_admin_principal(struct app *, const struct req *, struct resp *);
int res_admin_principal_key(struct app *, const struct req *,
    struct resp *);
int res_admin_requests(struct app *, const struct req *, struct resp *);
int res_admin_request(struct app *, const struct req *, struct resp *);
int res_admin_request_approve(struct app *, const struct req *,
    struct resp *);
int res_admin_keys(struct app *, const struct req *, struct resp *);
int res_admin_key(struct app *, const struct req *, struct resp *);
int res_admin_trust(struct app *, const struct req *, struct resp *);
int res_admin_audit(struct app *, const struct req *, struct resp *);
int res_admin_audit_head(struct app *, const struct req *, struct resp *);

#endif
