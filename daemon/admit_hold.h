/*
 * admit_hold: what can hold a start (admit.h), in the order of the questions.
 */
#ifndef SUITD_DAEMON_ADMIT_HOLD_H
#define SUITD_DAEMON_ADMIT_HOLD_H

/* H(id, name): the name is what explain and the API say. */
#define HOLD_LIST(H) \
	H(NONE, "none") \
	H(DRAFT, "draft") \
	H(APPROVAL, "approval") \
	H(PAUSED, "paused") \
	H(OVER, "over") \
	H(START, "start-time") \
	H(WINDOW, "window") \
	H(TRUST, "trust-list") \
	H(WAVE, "wave") \
	H(RELEASE, "release") \
	H(REVOKED, "revoked") \
	H(CONTACT, "contact") \
	H(BACKOFF, "back-off") \
	H(CONCURRENCY, "concurrency") \
	H(SERVER, "server-slots") \
	H(GROUP, "group-slots") \
	H(RATE, "rate") \
	H(BYTES, "bytes") \
	H(BUDGET, "retry-budget") \
	H(PUSHES, "push-pace")

enum hold {
#define H(id, name) HOLD_##id,
	HOLD_LIST(H)
#undef H
	HOLDS
};
const char *hold_name(enum hold h);

#endif
