/*
 * admit_slot: what the files of admit.h share: slots by job, network groups,
 * bookings. Nobody else includes it.
 */
#ifndef SUITD_DAEMON_ADMIT_SLOT_H
#define SUITD_DAEMON_ADMIT_SLOT_H

#include "daemon/admit.h"

#define ADMIT_SLOTS (1u << 17) /* places for jobs that hold a slot */
#define ADMIT_GROUPS 4096
#define ADMIT_BOOKINGS 65536
#define ADMIT_WAYS 4 /* places that one device's booking may take */

/* Costs differ by cell here, which struct pace alone cannot tell from a
 * clock that was set back: the last one goes along. */
struct meter {
	struct pace pace;
	int64_t last;
};

/* A network group: an address prefix, or a tag's value. */
struct group {
	char name[LIMIT_ADDRESS]; /* "": free */
	uint32_t slots;
	struct meter bytes;
	struct pace retries, book;
	int64_t used;
};

struct booking {
	uint64_t device; /* 0: free */
	int64_t until;
};

struct admit {
	struct {
		uint64_t job; /* 0: free, UINT64_MAX: was taken */
		int64_t since; /* 0: not known */
		uint32_t group; /* its index plus one; 0: none */
	} *slot; /* open addressing */
	size_t dead; /* places that were taken */
	uint32_t slots;
	bool doubt; /* to be counted anew */
	uint64_t moves; /* so far */
	struct group *group;
	struct booking *booking; /* by device, in sets of ADMIT_WAYS */
	struct meter bytes;
	struct pace book, retries, push;
	int64_t mean;
	/* a campaign that runs.h does not have in memory now */
	struct {
		uint64_t campaign;
		bool announces;
	} memo;
};

#define ADMIT_BURST_MS 1000 /* rates may run ahead by this much */

/* One question each, answered in *a if it holds; nothing is changed. */
void admit_put(struct admission *a, enum hold h, int64_t until);
/* Its state, its time, its window. */
bool admit_held_closed(struct app *app, const struct run *r,
    struct admission *a);
bool admit_held_server(struct app *app, struct admission *a);
bool admit_held_room(struct app *app, const struct run *r,
    const struct store_counts *n, struct admission *a);
bool admit_held_rate(struct app *app, const struct run *r,
    const struct store_counts *n, struct admission *a);
/* ms between two starts, at the rate that the successes so far allow. */
int64_t admit_interval(const struct run *r, const struct store_counts *n);

/* The device's group; NULL: none (no address, loopback, no such tag), or no
 * room for another one. */
struct group *slot_group(struct app *app, const struct store_device *d);
/* Can its driver tell it a spread? */
bool admit_is_told(const struct store_device *d);
/* "192.0.2.0/24", "2001:db8:0:1::/64"; false: none. */
bool slot_prefix(const char *addr, char *dst, size_t cap);

#endif
