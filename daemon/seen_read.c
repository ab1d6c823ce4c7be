/* The reader's half of the table; seen.c says how both go together. */
#include "daemon/seen_impl.h"

static void
peer_of(const uint64_t key[KEY], struct seen_slot *ret)
{
	memcpy(&ret->peer, key, sizeof(ret->peer));
	memcpy(ret->digest, key + KEY - 1, sizeof(ret->digest));
}

/* One try; false: it was being written. */
static bool
copy(const struct place *t, struct seen_slot *ret)
{
	uint32_t seq = ACQUIRE(t->seq);
	uint64_t key[KEY];
	uint8_t ended;

	for (size_t i = 0; i < KEY; i++)
		key[i] = ACQUIRE(t->key[i]);
	ret->id = ACQUIRE(t->id);
	ret->born = ACQUIRE(t->born);
	ret->at = ACQUIRE(t->at);
	ended = ACQUIRE(t->ended);
	ret->span = (struct span){ACQUIRE(t->lo), ACQUIRE(t->hi),
	    ACQUIRE(t->total), ACQUIRE(t->blocks),
	    ended == (uint8_t)ret->born};
	if (seq % 2 != 0 || GET(t->seq) != seq)
		return false;
	peer_of(key, ret);
	return true;
}

/* The writer is never long between open and close, unless it was put to
 * sleep there: then the news come again when it goes on. */
#define COPY_TRIES 1000

bool
seen_at(const struct seen *s, uint32_t index, struct seen_slot *ret)
{
	struct seen_slot t;

	t.index = index;
	for (unsigned i = 0; i < COPY_TRIES; i++) {
		if (!copy(&s->place[index], &t))
			continue;
		if (t.born == 0)
			return false;
		*ret = t;
		return true;
	}
	return false;
}

bool
seen_next(struct seen *s, struct seen_slot *ret)
{
	uint32_t tail = GET(s->tail);

	while (tail != ACQUIRE(s->head)) {
		uint32_t index = GET(s->ring[tail % s->ring_n]);

		RELEASE(s->tail, ++tail);
		atomic_exchange(&s->place[index].queued, 0);
		if (seen_at(s, index, ret))
			return true;
	}
	return false;
}

size_t
seen_used(const struct seen *s)
{
	return (size_t)ACQUIRE(s->sets_used) * SEEN_SET;
}

/* Not found where the directory said while it said so: it is not there. */
bool
seen_find(const struct seen *s, const struct seen_peer *p,
    const uint8_t digest[8], struct seen_slot *ret)
{
	uint64_t key[KEY], hash;
	const struct place *t = NULL;
	uint32_t set, again;
	struct seen_slot got;

	seen_key_of(p, digest, key);
	hash = seen_hash_key(key);
	again = ACQUIRE(*seen_dir_of(s, hash));
	do {
		set = again;
		t = seen_find_place(s, set, key, hash);
		if (t != NULL && seen_at(s, (uint32_t)(t - s->place), &got) &&
		    memcmp(&got.peer, p, sizeof(*p)) == 0 &&
		    memcmp(got.digest, digest, 8) == 0) {
			*ret = got;
			return true;
		}
		again = ACQUIRE(*seen_dir_of(s, hash));
	} while (again != set);
	return false;
}

int64_t
seen_age(const struct seen_slot *t, int64_t now_ms)
{
	int32_t d = (int32_t)((uint32_t)((uint64_t)now_ms >> AT_SHIFT) -
	    t->at);

	return d < 0 ? 0 : (int64_t)d << AT_SHIFT;
}

void
seen_ended(struct seen *s, const struct seen_slot *t)
{
	PUT(s->place[t->index].ended, (uint8_t)t->born);
}

void
seen_drop(struct seen *s, const struct seen_slot *t)
{
	PUT(s->place[t->index].dropped, (uint8_t)t->born);
}

size_t
seen_cap(const struct seen *s)
{
	return s->sets * SEEN_SET;
}

void
seen_stats(const struct seen *s, struct seen_stats *ret)
{
	ret->slots = GET(s->ids_used);
	ret->evicted = GET(s->evicted);
	ret->overflows = GET(s->overflows);
}
