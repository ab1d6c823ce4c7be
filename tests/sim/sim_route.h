/*
 * sim_route: the daemon's own search in its table of routes, without the
 * rest of its front (whose struct front is another one than ours).
 */
#ifndef SUITD_TESTS_SIM_ROUTE_H
#define SUITD_TESTS_SIM_ROUTE_H

#include "daemon/front.h"

struct sim_route {
	const struct route *route;
	char arg[2][LIMIT_PATH + 1];
};
/* Among routes_device. ERR_NOT_FOUND, ERR_METHOD. */
int sim_route_find(const char *path, enum method m, struct sim_route *ret)
    MUST_USE;

#endif
