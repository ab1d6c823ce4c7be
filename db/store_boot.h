/*
 * store_boot: what bootloaders say of their devices, as the store keeps it.
 * The verbs are in store.h.
 */
#ifndef SUITD_DB_STORE_BOOT_H
#define SUITD_DB_STORE_BOOT_H

#include "lib/bootreport.h"
#include "lib/limits.h"

/* Devices whose last boot report names a trust list, and those of them whose
 * list is a certain one or a later one. */
struct store_lists {
	uint64_t told, have;
};

/* The key of a device's bootloader, and what it last said (bootreport.h). */
struct store_attest {
	uint64_t device;
	uint8_t kid[8]; /* no other device's */
	size_t key_len;
	uint8_t key[512]; /* public COSE_Key */
	int64_t created; /* when the key was set */
	struct bootreport_mark mark; /* the highest that was taken */
	enum boot_result result; /* with mark.have, as all that follows */
	uint64_t sequence;
	bool have_list;
	uint64_t list_seq;
	int64_t at; /* when it came */
	int64_t fresh_at; /* the last one with a nonce of ours; 0: none yet */
	bool have_pending; /* an epoch that waits for an operator's word */
	uint8_t pending[BOOTREPORT_EPOCH];
	size_t gone_n; /* epochs that were before this one: never again */
	uint8_t gone[LIMIT_BOOT_EPOCHS][BOOTREPORT_EPOCH];
	uint64_t refused; /* replays, one a minute at most */
	int64_t refused_at;
};

#endif
