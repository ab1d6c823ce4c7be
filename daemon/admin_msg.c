/* Records of the store as messages of the admin API. */
#include <stdio.h>

#include "daemon/engine.h"
#include "daemon/push.h"
#include "daemon/res_admin.h"
#include "daemon/twin.h"
#include "lib/manifest.h"

#define COPY(dst, src) snprintf(dst, sizeof(dst), "%s", src)

void
admin_msg_job(struct app *app, const struct job *j, struct msg_job *ret)
{
	static struct store_device d;

	memset(ret, 0, sizeof(*ret));
	ret->id = j->id;
	ret->campaign = j->campaign;
	ret->release = j->release;
	ret->target = j->target_seq;
	ret->wave = j->wave;
	if (ST(app, device_get, j->device, &d) == 0)
		COPY(ret->ep, d.ep);
	COPY(ret->state, job_state_name(j->state));
	ret->grade = j->grade;
	ret->attempt = j->attempt;
	for (int c = 0; c < FAIL_CLASSES; c++)
		ret->fails += j->fails[c];
	if (j->last_fail != FAIL_NONE)
		COPY(ret->failure, fail_class_name(j->last_fail));
	if (j->reason != REASON_NONE) {
		COPY(ret->reason, track_reason_name(j->reason));
		COPY(ret->text, track_reason_text(j->reason));
	}
	ret->created = j->created;
	ret->updated = j->updated;
	ret->due = j->due;
	ret->done = j->done;
	ret->total = j->total;
}

static void
put_credential(struct app *app, const struct store_device *d,
    struct msg_device *ret)
{
	struct store_credential c[STORE_CREDENTIALS];
	size_t n = 0;

	if (!d->have_psk || ST(app, credential_list, d->id, c,
	    STORE_CREDENTIALS, &n) != 0)
		return;
	for (size_t i = n; i > 0; i--) {
		if (c[i - 1].kind == CREDENTIAL_PSK)
			COPY(ret->identity, c[i - 1].identity);
		ret->oscore |= c[i - 1].kind == CREDENTIAL_OSCORE;
	}
}

void
admin_msg_device(struct app *app, const struct store_device *d,
    struct msg_device *ret)
{
	static const uint8_t no_vendor[16];
	struct job j, live = {.id = 0};

	memset(ret, 0, sizeof(*ret));
	ret->id = d->id;
	COPY(ret->ep, d->ep);
	ret->have_class = d->have_class;
	memcpy(ret->class_id, d->class_id, 16);
	ret->class_set = d->class_set;
	ret->have_class_said = d->have_class_said;
	memcpy(ret->class_said, d->class_said, 16);
	ret->have_vendor = memcmp(d->vendor, no_vendor, 16) != 0;
	memcpy(ret->vendor, d->vendor, 16);
	COPY(ret->driver, push_name(d->driver));
	ret->nul_trigger = d->nul_trigger;
	ret->psk = d->have_psk;
	put_credential(app, d, ret);
	ret->twin = twin_of(app, d->id);
	ret->registered = d->registered;
	ret->revoked = d->revoked;
	ret->ahead = d->ahead;
	ret->gap = d->gap;
	COPY(ret->uri, d->uri);
	COPY(ret->addr, d->addr);
	ret->have_seq = d->have_seq;
	ret->seq = d->seq;
	ret->grade = d->seq_grade;
	COPY(ret->version, d->version);
	ret->expires = d->registered ? d->reg_expires : 0;
	ret->created = d->created;
	ret->seen = d->seen;
	ret->tag_count = d->tag_count;
	memcpy(ret->tag, d->tag, sizeof(ret->tag));
	/* the last one is the live one, if there is one, but for old orders
	 * that outlived newer ones */
	if (ST(app, job_last, d->id, &j) == 0) {
		if (job_state_final(j.state))
			(void)ST(app, job_live, d->id, &live);
		ret->have_job = true;
		if (live.id != 0)
			j = live;
		engine_refresh(app->engine, d, &j);
		admin_msg_job(app, &j, &ret->job);
	}
}

void
admin_msg_release(const struct store_release *r, struct msg_release *ret)
{
	static const char *const states[] = {
		[RELEASE_LIVE] = "live",
		[RELEASE_WITHDRAWN] = "withdrawn",
		[RELEASE_STAGED] = "staged",
	};

	memset(ret, 0, sizeof(*ret));
	ret->id = r->id;
	memcpy(ret->digest, r->digest, 32);
	ret->seq = r->seq;
	COPY(ret->dialect, manifest_dialect_name(r->dialect));
	COPY(ret->state, states[r->state]);
	COPY(ret->author, r->author);
	ret->class_count = r->class_count;
	memcpy(ret->class_id, r->class_id, sizeof(ret->class_id));
	memcpy(ret->vendor, r->vendor, 16);
	ret->image_bytes = r->image_bytes;
	ret->envelope_len = r->envelope_len;
	COPY(ret->warning, r->warning);
	COPY(ret->label, r->label);
	ret->created = r->created;
}

void
admin_msg_payloads(const struct store_payload *p, size_t n,
    struct msg_release *ret)
{
	for (size_t i = 0; i < n && i < LIMIT_DOWNLOADS; i++) {
		struct msg_payload *m = &ret->payload[ret->payload_count++];

		memcpy(m->digest, p[i].digest, 32);
		m->size = p[i].size;
		COPY(m->path, p[i].path);
		COPY(m->uri, p[i].uri);
		m->external = p[i].external;
	}
}

void
admin_msg_event(const struct store_event *e, struct msg_event *ret)
{
	ret->id = e->id;
	ret->at = e->at;
	ret->device = e->device;
	ret->job = e->job;
	ret->campaign = e->campaign;
	ret->release = e->release;
	COPY(ret->ep, e->ep);
	COPY(ret->kind, e->kind);
	COPY(ret->what, e->what);
	ret->grade = e->grade;
	COPY(ret->detail, e->detail);
}
