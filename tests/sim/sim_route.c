#include "tests/sim/sim_route.h"

#include "daemon/front_int.h"

int
sim_route_find(const char *path, enum method m, struct sim_route *ret)
{
	struct route_match found;
	int rc = route_find(routes_device, path, m, &found);

	if (rc != 0)
		return rc;
	ret->route = found.route;
	memcpy(ret->arg, found.arg, sizeof(ret->arg));
	return 0;
}
