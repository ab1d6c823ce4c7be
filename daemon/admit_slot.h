/*
 * admit_slot: what admit.c and admit_slot.c share: slots by job, network
 * groups, bookings. Nobody else includes it.
 */
#ifndef SUITD_DAEMON_ADMIT_SLOT_H
#define SUITD_DAEMON_ADMIT_SLOT_H

#include "daemon/admit.h"

#define ADMIT_SLOTS (1u << 17) /* places for jobs that hold a slot */
#define ADMIT_GROUPS 4096
#define ADMIT_BOOKINGS 65536

/* A network group: an address prefix, or a tag's value. */
struct group {
	char name[LIMIT_ADDRESS]; /* "": free */
	uint32_t slots;
	struct pace bytes, retries;
	int64_t used;
};

struct booking {
	uint64_t device; /* 0: free */
	int64_t until;
};

struct admit {
	struct {
		uint64_t job; /* 0: free, UINT64_MAX: was taken */
		uint32_t group; /* its index plus one; 0: none */
	} *slot; /* open addressing */
	size_t dead; /* places that were taken */
	uint32_t slots;
	bool doubt; /* to be counted anew */
	struct group *group;
	struct booking *booking; /* direct-mapped by device */
	struct pace book, bytes, retries;
	int64_t mean;
};

/* The device's group; NULL: none (no address, loopback, no such tag), or no
 * room for another one. */
struct group *slot_group(struct app *app, const struct store_device *d);
/* "192.0.2.0/24", "2001:db8:0:1::/64"; false: none. */
bool slot_prefix(const char *addr, char *dst, size_t cap);

#endif
