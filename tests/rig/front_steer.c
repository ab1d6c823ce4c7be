#include "tests/rig/front_steer.h"

#include <stdio.h>

#include "daemon/blocks_impl.h"

int
steer_front(struct front *f, unsigned n)
{
	struct steer_group g = {.beside = front_socket(f, T_UDP)};
	static const struct steer none;
	struct why why = {0};
	int rc = front_follow_open(f, g.follow, &g.follow_n);

	if (rc == 0) {
		g.follow_n = n;
		rc = steer_open(&g, &none, &why);
	}
	if (rc == 0)
		rc = front_follow_start(f);
	if (rc != 0)
		fprintf(stderr, "steer: %d %s\n", rc, why.text);
	return rc;
}
