/*
 * eyes: four eyes. A change of a kind that the configuration names
 * (four_eyes) is not made when it is asked for. It is kept as a request with
 * a number, and made when another principal who could have asked for it, too,
 * has approved, in the name of who asked, with the rights that this one has
 * then. Another key of the same principal is the same person. A request that
 * nobody approved ends after four_eyes_expires.
 */
#ifndef SUITD_DAEMON_EYES_H
#define SUITD_DAEMON_EYES_H

/* Kinds of changes; a route has at most one. Stored numbers. */
enum eyes {
	EYES_NONE = 0,
	EYES_PUBLISH = 1, /* a release is published, or offered */
	EYES_AUTHOR = 2, /* an author's key comes or goes */
	EYES_PRINCIPAL = 3, /* a principal, or a key of it */
	EYES_TRUST = 4, /* a trust list */
	EYES_KINDS,
};

#endif
