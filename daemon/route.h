/*
 * route: which row of a table a path is, and who may call it.
 */
#ifndef SUITD_DAEMON_ROUTE_H
#define SUITD_DAEMON_ROUTE_H

#include "daemon/front.h"

struct route_match {
	const struct route *route;
	char arg[2][LIMIT_PATH + 1];
};

int route_find(const struct route *table, const char *path, enum method m,
    struct route_match *ret) MUST_USE;
/*
 * May `who` call this row of a table of the plane? ERR_UNAUTHORIZED who is
 * nobody and would have to be somebody, ERR_FORBIDDEN whose roles do not
 * allow it, or who has a scope where the row is not for scopes.
 */
int route_allows(const struct route *r, enum method m, enum transport plane,
    const struct principal *who) MUST_USE;
/* Says why that was ERR_FORBIDDEN: the role that it takes, or the scope. */
void route_refuse(const struct route *r, enum method m,
    const struct principal *who, struct why *why);

#endif
