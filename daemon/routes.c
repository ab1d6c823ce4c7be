/*
 * What we answer to devices. .well-known/core is printed from this table;
 * the first row that fits path and method wins. Every other path comes to
 * the last row.
 */
#include "daemon/res.h"

#define ANY (M_GET | M_POST | M_PUT | M_DELETE | M_FETCH)

const struct route routes_device[] = {
	{"m/{c}", M_GET, ROLE_NOBODY, ROUTE_OBSERVE | ROUTE_OWN,
	    res_manifest_class, NULL},
	{"m", M_GET, ROLE_NOBODY, ROUTE_OBSERVE | ROUTE_OWN, res_manifest_own,
	    "rt=\"suit.manifest\""},
	{"i/{d}", M_GET, ROLE_NOBODY, ROUTE_BLOCKS, res_image, NULL},
	{"r", M_POST, ROLE_NOBODY, 0, res_report, "rt=\"suit.report\""},
	{"r", M_GET, ROLE_NOBODY, ROUTE_HIDDEN, res_nonce, NULL},
	{"rd", M_POST, ROLE_NOBODY, 0, res_rd, "rt=\"core.rd\";ct=40"},
	{"rd/{id}", M_POST | M_PUT | M_DELETE, ROLE_NOBODY, 0, res_rd_one,
	    NULL},
	{"k", M_GET, ROLE_NOBODY, ROUTE_OBSERVE, res_trust,
	    "rt=\"suit.trust\";ct=98"},
	{"k/now", M_POST, ROLE_NOBODY, 0, res_trust_now, NULL},
	{"k/{n}", M_GET, ROLE_NOBODY, 0, res_trust_one, NULL},
	{"{*}", ANY, ROLE_NOBODY, ROUTE_HIDDEN | ROUTE_BLOCKS, res_rest,
	    NULL},
	{NULL, 0, ROLE_NOBODY, 0, NULL, NULL},
};
