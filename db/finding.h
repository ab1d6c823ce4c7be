/*
 * finding: something that a check of a state directory came upon, in words
 * for a person, with a stable name for scripts and tests.
 */
#ifndef SUITD_DB_FINDING_H
#define SUITD_DB_FINDING_H

enum finding_state {
	FOUND_NOTE, /* nothing is wrong */
	FOUND_REPAIRED,
	FOUND_SAFE, /* can be repaired without losing anything */
	FOUND_UNSAFE, /* a person has to decide */
	FOUND_STATES
};

struct finding {
	const char *name; /* "image-missing", static */
	enum finding_state state;
	char what[320]; /* where and what */
	const char *todo; /* what to do about it, static; NULL: nothing */
};

/* Told of each. */
struct finder {
	void (*found)(void *arg, const struct finding *f);
	/* now and then, of what takes long: done of all, in bytes or rows;
	 * all 0: it is not known */
	void (*progress)(void *arg, const char *what, unsigned long long done,
	    unsigned long long all);
	void *arg;
};

#endif
