#include "daemon/reach.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/random.h>

#define MINUTE INT64_C(60000000) /* us */
#define MINUTE_BITS 24 /* 31 years of uptime */
#define MINUTE_MASK ((UINT64_C(1) << MINUTE_BITS) - 1)
#define DAY_MINUTES (REACH_DAY_S / 60)

int
reach_new(const struct conf *c, struct reach **ret)
{
	struct reach *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return ERR_NOMEM;
	r->mode = c->echo;
	r->stranger_rate = c->stranger_rate;
	r->handshake_rate = c->handshake_rate;
	r->sets = LIMIT_PROVEN / REACH_WAYS;
	r->table = aligned_alloc(REACH_WAYS * sizeof(*r->table),
	    LIMIT_PROVEN * sizeof(*r->table));
	if (r->table == NULL || net_list_parse(c->trusted_networks,
	    &r->trusted, NULL) != 0) {
		reach_free(r);
		return ERR_NOMEM;
	}
	for (size_t i = 0; i < LIMIT_PROVEN; i++)
		atomic_init(&r->table[i], 0);
	if (getrandom(r->key.b, sizeof(r->key.b), 0) != sizeof(r->key.b)) {
		reach_free(r);
		return ERR_CRYPTO;
	}
	*ret = r;
	return 0;
}

void
reach_free(struct reach *r)
{
	if (r == NULL)
		return;
	free((void *)r->table);
	free(r);
}

void
reach_peer(const struct sockaddr *sa, struct echo_peer *ret)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	memset(ret, 0, sizeof(*ret));
	if (sa->sa_family == AF_INET) {
		ret->host[10] = ret->host[11] = 0xff;
		memcpy(ret->host + 12, &v4->sin_addr, 4);
		ret->port = v4->sin_port;
		return;
	}
	memcpy(ret->host, &v6->sin6_addr, 16);
	ret->port = v6->sin6_port;
	if (IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr))
		ret->scope = v6->sin6_scope_id;
}

/* --- who has shown it --- */

/* Minutes since the machine's start, 0 only for a free place. */
static uint64_t
minute(int64_t now_us)
{
	return ((uint64_t)(now_us / MINUTE) + 1) & MINUTE_MASK;
}

static uint64_t
host_mac(const struct reach *r, const struct echo_peer *p)
{
	uint8_t text[16 + 4];

	memcpy(text, p->host, 16);
	memcpy(text + 16, &p->scope, 4);
	return echo_mac(&r->key, slice_of(text, sizeof(text)));
}

static _Atomic(uint64_t) *
set_of(const struct reach *r, uint64_t mac)
{
	return &r->table[(mac & (r->sets - 1)) * REACH_WAYS];
}

static bool
is_valid(uint64_t word, uint64_t now)
{
	return (word & MINUTE_MASK) != 0 &&
	    ((now - word) & MINUTE_MASK) < DAY_MINUTES;
}

bool
reach_proven(const struct reach *r, const struct echo_peer *p, int64_t now_us)
{
	uint64_t mac = host_mac(r, p), now = minute(now_us), w;
	_Atomic(uint64_t) *at = set_of(r, mac);

	for (unsigned i = 0; i < REACH_WAYS; i++) {
		w = atomic_load_explicit(&at[i], memory_order_relaxed);
		if (((w ^ mac) & ~MINUTE_MASK) == 0 && is_valid(w, now))
			return true;
	}
	return false;
}

bool
reach_known(const struct reach *r, const struct echo_peer *p, int64_t now_us)
{
	return net_list_has(&r->trusted, p->host) ||
	    reach_proven(r, p, now_us);
}

/* The place of this one, a free one, or that of who showed it first. */
static unsigned
place(_Atomic(uint64_t) *at, uint64_t mac, uint64_t now, bool *ret_taken)
{
	uint64_t age, oldest = 0, w;
	unsigned best = 0;

	*ret_taken = false;
	for (unsigned i = 0; i < REACH_WAYS; i++) {
		w = atomic_load_explicit(&at[i], memory_order_relaxed);
		if (((w ^ mac) & ~MINUTE_MASK) == 0 && w != 0)
			return i;
	}
	for (unsigned i = 0; i < REACH_WAYS; i++) {
		w = atomic_load_explicit(&at[i], memory_order_relaxed);
		if (!is_valid(w, now))
			return i;
		age = (now - w) & MINUTE_MASK;
		if (age >= oldest) {
			oldest = age;
			best = i;
		}
	}
	*ret_taken = true;
	return best;
}

void
reach_enter(struct reach *r, const struct echo_peer *p, int64_t now_us)
{
	uint64_t mac, now = minute(now_us), word;
	_Atomic(uint64_t) *at;
	bool taken;
	unsigned i;

	if (r == NULL)
		return;
	mac = host_mac(r, p);
	at = set_of(r, mac);
	word = (mac & ~MINUTE_MASK) | now;
	i = place(at, mac, now, &taken);
	if (taken)
		reach_count(&r->evicted);
	if (atomic_load_explicit(&at[i], memory_order_relaxed) != word)
		atomic_store_explicit(&at[i], word, memory_order_relaxed);
}

bool
reach_show(struct reach *r, const struct echo_peer *p, struct slice value,
    int64_t now_us)
{
	bool ok = echo_fresh(&r->key, p, (uint64_t)(now_us / 1000000), value);

	reach_count(ok ? &r->shown : &r->stale);
	if (ok)
		reach_enter(r, p, now_us);
	return ok;
}

void
reach_echo(const struct reach *r, const struct echo_peer *p, int64_t now_us,
    uint8_t ret[ECHO_VALUE])
{
	echo_make(&r->key, p, (uint64_t)(now_us / 1000000), ret);
}

/* --- how much the others may ask --- */

uint64_t
reach_network(const struct reach *r, const struct echo_peer *p)
{
	return echo_mac(&r->key, bucket_prefix(p->host));
}

uint64_t
reach_flow(const struct reach *r, const struct echo_peer *p)
{
	uint8_t text[16 + 4 + 2];

	memcpy(text, p->host, 16);
	memcpy(text + 16, &p->scope, 4);
	memcpy(text + 20, &p->port, 2);
	return echo_mac(&r->key, slice_of(text, sizeof(text)));
}

int
reach_buckets_new(struct bucket_table *ret, size_t networks)
{
	ret->sets = networks / BUCKET_WAYS;
	ret->at = calloc(networks, sizeof(*ret->at));
	return ret->at != NULL ? 0 : ERR_NOMEM;
}

void
reach_buckets_free(struct bucket_table *t)
{
	free(t->at);
	t->at = NULL;
}

bool
reach_hears(struct reach *r, struct bucket_table *t,
    const struct echo_peer *p, int64_t now_us)
{
	struct bucket_rate rate = {r->stranger_rate, r->stranger_rate};

	if (rate.per_s == 0 ||
	    bucket_take(t, reach_network(r, p), rate, now_us))
		return true;
	reach_count(&r->unheard);
	return false;
}
