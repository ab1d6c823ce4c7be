/*
 * Bootloaders with keys, and somebody on the way who has heard their reports
 * and sends them again, and says in devices' names that they failed.
 */
#include "tests/sim/sim.h"

#include <stdio.h>

#include "daemon/res.h"
#include "lib/report.h"

#define FORGE_MS 1000
#define HEARD 20000 /* reports that are kept */

struct sim_heard {
	size_t n;
	uint8_t b[LIMIT_BOOTREPORT];
};

static int
sign(void *arg, const struct bootreport *r, struct buf *out)
{
	const struct sim_dev *d = arg;
	struct sim *s = d->s;
	const size_t at = out->n;
	int rc = bootreport_sign(r, d->boot_key, out);

	if (rc != 0 || s->heard_n == HEARD)
		return rc;
	if (s->heard == NULL)
		s->heard = sim_alloc(NULL, HEARD, sizeof(*s->heard));
	s->heard[s->heard_n].n = out->n - at;
	memcpy(s->heard[s->heard_n++].b, out->p + at, out->n - at);
	return 0;
}

/* Keys are luck that changes nothing that happens. */
int
sim_boot_init(struct sim_dev *d)
{
	d->attest = (struct suitdev_attest){.sign = sign, .sign_arg = d};
	return cose_key_generate(COSE_KEY_ED25519, &d->boot_key);
}

int
sim_boot_put(const struct sim_dev *d, uint64_t device)
{
	struct store *st = d->s->app.store;
	struct store_attest a = {.device = device, .created = d->s->now};
	struct buf b = buf_of(a.key, sizeof(a.key));
	int rc = cose_key_id(d->boot_key, a.kid);

	if (rc == 0)
		rc = cose_key_put_cose(d->boot_key, &b);
	a.key_len = b.n;
	return rc != 0 ? rc : st->ops->attest_put(st, &a);
}

/* A stranger's datagram; nobody waits for its answer. */
static void
post(struct sim *s, const struct req *what)
{
	static uint8_t out[1024];
	struct resp resp = {.cf = CF_NONE, .out = buf_of(out, sizeof(out))};
	struct req req = *what;

	req.method = M_POST;
	req.transport = T_UDP;
	req.have_cf = true;
	req.arg[0] = req.arg[1] = "";
	strcpy(req.addr, "203.0.113.7");
	strcpy(req.peer, "203.0.113.7:4711");
	s->touched = true;
	if (res_report(&s->app, &req, &resp) != 0)
		s->count.forged++;
}

static void
forge(struct sim *s, void *arg, int64_t n)
{
	const struct sim_dev *d = &s->dev[sim_below(&s->net_rnd, s->dev_n)];
	const struct report_status status = {.phase = PHASE_FAILED,
	    .reason = REASON_RECOVERY};
	uint8_t map[64];
	struct buf b = buf_of(map, sizeof(map));
	char query[64];
	struct req req = {.cf = CF_CBOR, .query_n = 1};

	if (s->over || s->now > s->forge_until)
		return;
	sim_at(s, s->now + FORGE_MS, forge, arg, n);
	if (!s->up)
		return;
	report_put_status(&status, &b);
	snprintf(query, sizeof(query), "ep=%s", d->ep);
	req.query[0] = slice_str(query);
	req.body = buf_slice(&b);
	post(s, &req);
	if (s->heard_n == 0)
		return;
	n = sim_below(&s->net_rnd, (int64_t)s->heard_n);
	req = (struct req){.cf = CF_COSE_SIGN1,
	    .body = slice_of(s->heard[n].b, s->heard[n].n)};
	post(s, &req);
}

void
sim_forge(struct sim *s, int64_t ms)
{
	s->forge_until = s->now + ms;
	sim_at(s, s->now, forge, NULL, 0);
}
