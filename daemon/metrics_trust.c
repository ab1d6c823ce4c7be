/* Metrics of the trust list: which one, who has it, what it takes away. */
#include "daemon/catalog.h"
#include "daemon/metrics_impl.h"
#include "daemon/trusted.h"

void
metrics_trust_list(struct metrics *m)
{
	metrics_one(m, trusted_seq(m->app));
}

void
metrics_trust_since(struct metrics *m)
{
	metric_real(&m->out, NULL, NULL,
	    (double)trusted_since(m->app) / 1000);
}

void
metrics_trust_lists(struct metrics *m)
{
	metrics_of(m, "taken", m->app->counts.lists_taken);
	metrics_of(m, "refused", m->app->counts.lists_refused);
}

void
metrics_trust_releases(struct metrics *m)
{
	metrics_one(m, catalog_refusals(m->app->catalog));
}

void
metrics_trust_devices(struct metrics *m)
{
	struct store *s = m->app->store;
	struct store_lists l;

	if (trusted_list(m->app) == NULL ||
	    s->ops->attest_lists(s, trusted_seq(m->app), &l) != 0)
		return;
	metrics_of(m, "current", l.have);
	metrics_of(m, "older", l.told - l.have);
}

void
metrics_trust_fresh(struct metrics *m)
{
	metrics_of(m, "signed", m->app->counts.fresh_signed);
	metrics_of(m, "refused", m->app->counts.fresh_refused);
}
