/*
 * Signed boot reports (lib/bootreport.h). The part of a bootloader is played
 * here: on a device it is the bootloader that keeps the counters and the key
 * where the application cannot reach them, and this core only carries what it
 * has signed. What is kept and when is the same.
 *
 * One report for each start, and for each trust list that comes meanwhile, so
 * that the server knows who has it; after a loss another one, with the next number,
 * since nobody knows whether the first was taken. A failure is told until a
 * report about it was taken. What the server refuses is tried again in a day:
 * somebody may set the key, or allow the epoch, meanwhile.
 */
#include <stdio.h>

#include "device/core.h"

#define URI_MAX (LIMIT_EP + 16)

static bool
is_set(const uint8_t epoch[BOOTREPORT_EPOCH])
{
	uint8_t any = 0;

	for (size_t i = 0; i < BOOTREPORT_EPOCH; i++)
		any |= epoch[i];
	return any != 0;
}

void
core_attest_start(struct suitdev *d)
{
	struct suitdev_attest *t = d->cfg.attest;
	struct suitdev_nv *v = &d->nv;

	if (t == NULL)
		return;
	t->at = d->cfg.kind->reports ? 0 : SUITDEV_NEVER;
	t->asked = false;
	t->nonce_n = 0;
	if (!is_set(v->boot.epoch))
		memcpy(v->boot.epoch, t->epoch, sizeof v->boot.epoch);
	while (!is_set(v->boot.epoch)) {
		const uint64_t draw = backoff_rand(&d->rnd);

		memcpy(v->boot.epoch, &draw, sizeof v->boot.epoch);
	}
	bootreport_start(&v->boot);
	if (d->recovery && v->tries.have)
		v->failed = BOOT_RECOVERY;
	else if (d->recovery) /* of nothing that has a name */
		t->at = SUITDEV_NEVER;
}

void
core_attest_list(struct suitdev *d)
{
	struct suitdev_attest *t = d->cfg.attest;

	if (t != NULL && t->at == SUITDEV_NEVER && d->cfg.kind->reports &&
	    !d->recovery)
		t->at = 0;
}

int64_t
core_attest_due(const struct suitdev *d)
{
	return d->cfg.attest == NULL ? SUITDEV_NEVER : d->cfg.attest->at;
}

static int
post(struct suitdev *d, const char *uri)
{
	struct suitdev_attest *t = d->cfg.attest;
	struct suitdev_nv *v = &d->nv;
	struct suitdev_request rq = {.method = 2, .uri = uri,
	    .content_format = 18};
	struct bootreport r = {.have_manifest = v->runs.have && !d->recovery,
	    .sequence = d->recovery ? 0 : v->sequence, .result = v->failed,
	    .have_tried = v->failed != BOOT_OK,
	    .nonce = slice_of(t->nonce, t->nonce_n)};
	uint8_t bytes[LIMIT_BOOTREPORT];
	struct buf b = buf_of(bytes, sizeof bytes);
	int err = 0;

	if (d->cfg.trust != NULL && d->cfg.trust->list.seq > 0) {
		r.have_list = true;
		r.list_seq = d->cfg.trust->list.seq;
	}
	memcpy(r.manifest, v->runs.b, r.have_manifest ? 32 : 0);
	memcpy(r.tried, v->tries.b, r.have_tried ? 32 : 0);
	if (bootreport_next(&v->boot, &r))
		err = core_save(d); /* or the number would be used again */
	if (err == 0)
		err = t->sign(t->sign_arg, &r, &b);
	if (err != 0) {
		t->at = SUITDEV_NEVER; /* until the next start */
		(void)why_set(&d->why, err, "no boot report");
		return 0; /* the network has no part in it */
	}
	rq.payload = buf_slice(&b);
	return core_send(d, SUITDEV_ATTEST, &rq);
}

int
core_attest(struct suitdev *d)
{
	struct suitdev_attest *t = d->cfg.attest;
	struct suitdev_request rq = {.method = 1, .content_format = -1};
	char uri[URI_MAX];

	snprintf(uri, sizeof uri, "/r?ep=%s", d->cfg.ep);
	rq.uri = d->cfg.authenticated ? "/r" : uri;
	t->asking = t->nonce_wanted && !t->asked;
	if (t->asking)
		return core_send(d, SUITDEV_ATTEST, &rq);
	return post(d, "/r");
}

/* A server that has none may still take a report without. */
static void
take_nonce(struct suitdev_attest *t, const struct suitdev_response *r)
{
	t->asked = true;
	t->nonce_n = 0;
	if (r->code != 205 || r->payload.n < BOOTREPORT_NONCE_LEAST ||
	    r->payload.n > sizeof t->nonce)
		return;
	memcpy(t->nonce, r->payload.p, r->payload.n);
	t->nonce_n = r->payload.n;
}

void
core_attested(struct suitdev *d, int64_t now,
    const struct suitdev_response *r)
{
	struct suitdev_attest *t = d->cfg.attest;

	if (t->asking) {
		take_nonce(t, r);
		return;
	}
	t->asked = false;
	t->code = r->code;
	if (r->code / 100 != 2) {
		t->at = core_later(d, now, SUITDEV_DAY_MS);
		return;
	}
	t->taken++;
	t->at = SUITDEV_NEVER;
	if (d->nv.failed != BOOT_OK) {
		d->nv.failed = BOOT_OK;
		if (core_save(d) != 0)
			d->fail = FAIL_EXECUTION; /* told twice */
	}
}
