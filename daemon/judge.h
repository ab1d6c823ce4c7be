/*
 * judge: what the trust list says of each release of the catalog. What a
 * release claims, and whose signatures it has, is remembered beside it, so
 * that a new list is a matter of tables for as many releases as there are; a
 * key that is new to a release is tried on it in slices (catalog.h). Until
 * then the release is not allowed.
 */
#ifndef SUITD_DAEMON_JUDGE_H
#define SUITD_DAEMON_JUDGE_H

#include "lib/trust.h"

/* Keys that are remembered: those of the list, and as many of lists before. */
#define JUDGE_KEYS (2 * LIMIT_TRUST_KEYS)
_Static_assert(JUDGE_KEYS <= 32, "a bit of a word for each");

/* Of all releases. All 0 in the beginning: there is no list. */
struct judge {
	struct trust_keys keys; /* .list NULL: none */
	size_t slot[LIMIT_TRUST_KEYS]; /* of the list's keys in: */
	bool used[JUDGE_KEYS];
	uint8_t key[JUDGE_KEYS][TRUST_HASH]; /* SHA-256 of a COSE_Key */
};

/* Of one release. */
struct verdict {
	struct why why; /* err 0: it is allowed */
	uint64_t asked_by; /* the last list whose keys were all tried on it */
	uint32_t asked, signers; /* as struct trust_memo, by slot */
	size_t blocks; /* signatures that there are */
	struct digest digest;
	struct trust_claim claim; /* borrows from here, and: */
	uint8_t (*class_id)[TRUST_CLASS];
	struct slice *component; /* these from the envelope */
};

/* Keeps what a release claims, for as long as its envelope stays where it is.
 * ERR_NOMEM. The caller ends it with verdict_fini. */
int verdict_init(struct verdict *v, const struct manifest *m,
    const struct manifest_plan *plan) MUST_USE;
void verdict_fini(struct verdict *v);

/*
 * This is the list from now on, borrowed; NULL: none. What it returns is to be
 * given to judge_forget for every release there is: keys that made room.
 */
uint32_t judge_obey(struct judge *j, const struct trust *list) MUST_USE;
void judge_forget(struct verdict *v, uint32_t keys);
void judge_fini(struct judge *j);

/* The verdict by tables alone; v->why.err is ERR_BUSY where they do not do. */
void judge_look(const struct judge *j, struct verdict *v);
/* The same after its signatures were looked at, with every key of the list
 * that is new to it. ERR_NOMEM, ERR_CRYPTO: the verdict is as it was. */
int judge_ask(struct judge *j, struct verdict *v, struct slice envelope)
    MUST_USE;
/* What judge_ask would cost: checks of a signature, at most; 0: nothing is
 * left to be asked. */
unsigned judge_cost(const struct judge *j, const struct verdict *v);

/* Who reads the code of a refusal must see that it is about rights: a code
 * that is not 4.03 becomes ERR_POLICY, in *why, too. */
int judge_forbids(int rc, struct why *why);

#endif
