/*
 * core: what the files of the state machine share.
 *   suitdev.c         the loop: what is due, what came back
 *   suitdev_ask.c     register, ask for a manifest, judge it, report
 *   suitdev_fetch.c   fetch the parts, check, store, start
 *   suitdev_trigger.c being told to come
 *   suitdev_trust.c   the trust list, freshness
 *   suitdev_nv.c      the state in the storage
 *   suitdev_attest.c  signed boot reports
 */
#ifndef SUITD_DEVICE_CORE_H
#define SUITD_DEVICE_CORE_H

#include "device/suitdev.h"

/* suitdev_nv.c */
int core_load(struct suitdev *d) MUST_USE;
int core_save(struct suitdev *d) MUST_USE;

/* suitdev.c */
/* No answer, or one that says "later": nothing is sent for a while. */
void core_unreachable(struct suitdev *d, int64_t now);
void core_steered(struct suitdev *d, int64_t now,
    const struct suitdev_response *r);
int core_send(struct suitdev *d, enum suitdev_phase phase,
    const struct suitdev_request *rq) MUST_USE;
/* Max-Age as a delay, clamped; `def` seconds when there is none. */
int64_t core_age(struct suitdev *d, const struct suitdev_response *r,
    uint32_t def);
/* now + base + jitter of a tenth, of an hour at most. */
int64_t core_later(struct suitdev *d, int64_t now, int64_t base);

/* suitdev_trigger.c */
/* U(0, seconds), in ms. */
int64_t core_spread(struct suitdev *d, uint32_t seconds);
/* The request that a trigger caused has an outcome; has none. */
void core_trigger_end(struct suitdev *d);
void core_trigger_lost(struct suitdev *d);

/* suitdev_ask.c */
int core_register(struct suitdev *d);
void core_registered(struct suitdev *d, int64_t now,
    const struct suitdev_response *r);
int core_ask(struct suitdev *d, int64_t now);
void core_manifest(struct suitdev *d, int64_t now,
    const struct suitdev_response *r);
int core_report(struct suitdev *d);
void core_reported(struct suitdev *d);
bool core_wants_ask(const struct suitdev *d);
/* What is to be done is not to be done: into the reject ring with it. */
void core_refuse(struct suitdev *d, int64_t now, enum track_reason reason);
/* By the list that is in force now. */
void core_rejudge(struct suitdev *d, int64_t now);

/* suitdev_trust.c; without cfg.trust the first five do nothing */
int core_list_load(struct suitdev *d) MUST_USE;
void core_list_heard(struct suitdev *d, uint64_t seq); /* 0: of none */
void core_list_lost(struct suitdev *d);
/* What a manifest's sequence must be above. */
uint64_t core_base(const struct suitdev *d);
/* Is the list at least number `seq`? Else a newer one is asked for. */
bool core_list_at_least(struct suitdev *d, uint64_t seq);
bool core_fresh_wanted(const struct suitdev *d);
int core_list_ask(struct suitdev *d);
void core_list_answer(struct suitdev *d, int64_t now,
    const struct suitdev_response *r);
/* Signature, rights, digest, floors: of d->m, of which this is the plan. */
enum track_reason core_list_judge(struct suitdev *d,
    const struct manifest_plan *plan);
int core_fresh_ask(struct suitdev *d);
void core_fresh_answer(struct suitdev *d, int64_t now,
    const struct suitdev_response *r);

/* suitdev_attest.c; without cfg.attest nothing is ever due */
/* A start, before the state is saved: without that nothing is signed. */
void core_attest_start(struct suitdev *d);
/* Another trust list is in force: that is reported, too. */
void core_attest_list(struct suitdev *d);
int64_t core_attest_due(const struct suitdev *d);
int core_attest(struct suitdev *d);
void core_attested(struct suitdev *d, int64_t now,
    const struct suitdev_response *r);

/* suitdev_fetch.c */
#define CORE_JOURNAL 8192 /* bytes between two writes of the state */
int core_fetch(struct suitdev *d, int64_t now);
void core_block(struct suitdev *d, int64_t now,
    const struct suitdev_response *r);
void core_install(struct suitdev *d, int64_t now);
/* The end of an attempt; classes I and X are reported. */
void core_failed(struct suitdev *d, int64_t now, enum fail_class c,
    enum track_reason reason);
/* When the next attempt may begin, after the last failure's class. */
int64_t core_retry_at(struct suitdev *d, int64_t now);
/* A new target: what the budget is measured by. */
void core_budget(struct suitdev *d);

#endif
