/*
 * The generic cell rate algorithm for all, with a burst for each rank: who
 * may not run as far ahead as others finds the state beyond its reach, while
 * these go on. So nothing need be counted by rank.
 */
#include "lib/share.h"

#define SECOND INT64_C(1000000)
#define QUARTERS 4

/* How much of a second's worth it may leave taken. */
static const uint32_t quarters[SHARE_RANKS] = {
	[SHARE_STRANGER] = 2,
	[SHARE_SHOWN] = 3,
	[SHARE_KNOWN] = 4,
};

static uint64_t
key_of(const struct share *s, const struct share_asker *who)
{
	struct slice id = who->rank == SHARE_KNOWN ? slice_of(who->id,
	    sizeof(who->id)) : bucket_prefix(who->id);
	uint8_t text[1 + sizeof(who->id)] = {(uint8_t)who->rank};

	memcpy(text + 1, id.p, id.n);
	return echo_mac(&s->key, slice_of(text, 1 + id.n));
}

static struct bucket_table
table_of(struct share *s)
{
	return (struct bucket_table){s->bucket,
	    LIMIT_SHARE_ASKERS / BUCKET_WAYS};
}

static struct bucket_rate
rate_of(const struct share_rule *r, const struct share_asker *who)
{
	const uint32_t n = r->each[who->rank];

	return (struct bucket_rate){n, n};
}

static bool
take_of_all(struct share *s, const struct share_rule *r,
    enum share_rank rank, int64_t now)
{
	const int64_t cell = SECOND / r->per_s;
	const int64_t burst = r->per_s * quarters[rank] / QUARTERS;
	const int64_t next = s->next > now ? s->next : now;

	if (next - now > cell * (burst - 1))
		return false;
	s->next = next + cell;
	return true;
}

bool
share_take(struct share *s, const struct share_rule *r,
    const struct share_asker *who, int64_t now)
{
	struct bucket_table t = table_of(s);
	const uint64_t key = key_of(s, who);

	if (!bucket_take(&t, key, rate_of(r, who), now))
		return false;
	if (take_of_all(s, r, who->rank, now))
		return true;
	bucket_give(&t, key, rate_of(r, who), now);
	return false;
}

void
share_give(struct share *s, const struct share_rule *r,
    const struct share_asker *who, int64_t now)
{
	struct bucket_table t = table_of(s);

	bucket_give(&t, key_of(s, who), rate_of(r, who), now);
	if (s->next > now)
		s->next -= SECOND / r->per_s;
}
