/*
 * The operators' surface: what suitctl speaks with. Who may do what stands
 * here and nowhere else: a row has the roles that may read and those that may
 * change, ROUTE_SCOPED if its handler minds a scope, and ROUTE_EYES if a
 * second person may have to say yes. tests/daemon/test_rights.c walks the
 * whole table, path by method by role, against docs/RIGHTS.txt.
 */
#include "lib/eyes.h"
#include "daemon/res_admin.h"

#define OP ROLE_OPERATOR
#define AUTHOR ROLE_AUTHOR
#define GRANT ROLE_GRANT
/* who operates and who audits sees the fleet; authors see releases, too */
#define LOOK (ROLE_OPERATOR | ROLE_AUDITOR)
#define ANY ROLES_ADMIN
#define OBS ROUTE_OBSERVE
#define SC ROUTE_SCOPED

const struct route routes_admin[] = {
	{"a/status", M_GET, ANY, OBS | SC, res_admin_status,
	    "rt=\"suitd.status\""},
	{"a/events", M_GET, LOOK, OBS | SC, res_admin_events,
	    "rt=\"suitd.events\""},

	{"a/devices", M_GET, LOOK, SC, res_admin_devices,
	    "rt=\"suitd.list\""},
	{"a/devices", M_POST, OP, 0, res_admin_devices, NULL}, /* import */
	{"a/devices/{ep}", M_GET | M_PUT | M_DELETE, RW(LOOK, OP), SC,
	    res_admin_device, NULL},
	{"a/devices/{ep}/explain", M_GET, LOOK, SC, res_admin_explain, NULL},
	{"a/devices/{ep}/events", M_GET, LOOK, SC, res_admin_device_events,
	    NULL},
	{"a/devices/{ep}/psk", M_PUT | M_POST, OP, SC, res_admin_device_psk,
	    NULL},
	{"a/devices/{ep}/oscore", M_POST, OP, SC, res_admin_device_oscore,
	    NULL},
	{"a/devices/{ep}/credentials", M_GET, LOOK, SC,
	    res_admin_device_credentials, NULL},
	{"a/devices/{ep}/credentials/{id}", M_DELETE, OP, SC,
	    res_admin_device_credential, NULL},
	{"a/devices/{ep}/cert", M_PUT, OP, SC, res_admin_device_cert, NULL},
	{"a/devices/{ep}/attest", M_GET | M_PUT | M_DELETE, RW(LOOK, OP), SC,
	    res_admin_device_attest, NULL},
	{"a/revoked", M_GET | M_POST, RW(LOOK, OP), 0, res_admin_revoked,
	    "rt=\"suitd.list\""},
	{"a/devices/{ep}/tags", M_PUT, OP, SC, res_admin_device_tags, NULL},
	{"a/devices/{ep}/{action}", M_POST, OP, SC, res_admin_device_revoke,
	    NULL},

	{"a/releases", M_GET | M_POST, RW(LOOK | AUTHOR, AUTHOR),
	    SC | ROUTE_DRY | ROUTE_EYES(EYES_PUBLISH), res_admin_releases,
	    "rt=\"suitd.list\""},
	{"a/releases/{id}", M_GET | M_DELETE, RW(LOOK | AUTHOR, OP | AUTHOR),
	    SC, res_admin_release, NULL},
	{"a/releases/{id}/offer", M_POST, OP | AUTHOR,
	    SC | ROUTE_EYES(EYES_PUBLISH), res_admin_release_offer, NULL},

	{"a/images", M_GET | M_POST, RW(LOOK | AUTHOR, OP), 0,
	    res_admin_images, "rt=\"suitd.list\""},
	{"a/images/{d}", M_GET | M_PUT, RW(LOOK | AUTHOR, AUTHOR),
	    SC | ROUTE_BODY_FILE, res_admin_image, NULL},

	{"a/images/{d}/data", M_GET, OP, 0, res_admin_image_data, NULL},

	{"a/backup", M_POST, OP, 0, res_admin_backups, NULL},
	{"a/backup/{id}", M_GET | M_DELETE, OP, 0, res_admin_backup, NULL},
	{"a/backup/{id}/{part}", M_GET | M_POST, OP, 0,
	    res_admin_backup_part, NULL},

	{"a/campaigns", M_GET | M_POST, RW(LOOK, OP), SC,
	    res_admin_campaigns, "rt=\"suitd.list\""},
	{"a/campaigns/{id}", M_GET, LOOK, OBS | SC, res_admin_campaign, NULL},
	{"a/campaigns/{id}/jobs", M_GET, LOOK, SC, res_admin_jobs, NULL},
	{"a/campaigns/{id}/plan", M_GET, LOOK, SC, res_admin_plan, NULL},
	{"a/campaigns/{id}/diff", M_GET, LOOK, SC, res_admin_diff, NULL},
	{"a/campaigns/{id}/{action}", M_POST, OP, SC,
	    res_admin_campaign_action, NULL},
	{"a/jobs/{id}", M_GET, LOOK, SC, res_admin_job, NULL},
	{"a/jobs/{id}/retry", M_POST, OP, SC, res_admin_job_retry, NULL},

	{"a/audit", M_GET, LOOK, 0, res_admin_audit, "rt=\"suitd.list\""},
	{"a/audit/head", M_GET, LOOK, 0, res_admin_audit_head, NULL},

	{"a/keys", M_GET, LOOK | AUTHOR, SC, res_admin_keys,
	    "rt=\"suitd.list\""},
	{"a/keys/{name}", M_PUT | M_DELETE, OP, ROUTE_EYES(EYES_AUTHOR),
	    res_admin_key, NULL},

	{"a/principals", M_GET, GRANT | ROLE_AUDITOR, 0,
	    res_admin_principals, "rt=\"suitd.list\""},
	{"a/principals/{name}", M_GET | M_PUT | M_DELETE,
	    RW(GRANT | ROLE_AUDITOR, GRANT), ROUTE_EYES(EYES_PRINCIPAL),
	    res_admin_principal, NULL},
	{"a/principals/{name}/key", M_POST, ANY,
	    SC | ROUTE_EYES(EYES_PRINCIPAL), res_admin_principal_key, NULL},
	{"a/requests", M_GET, ANY, SC, res_admin_requests,
	    "rt=\"suitd.list\""},
	{"a/requests/{id}", M_GET | M_DELETE, ANY, SC, res_admin_request,
	    NULL},
	{"a/requests/{id}/approve", M_POST, AUTHOR | OP | GRANT, 0,
	    res_admin_request_approve, NULL},

	{"a/trust", M_GET | M_PUT, RW(LOOK | AUTHOR, OP),
	    ROUTE_EYES(EYES_TRUST), res_admin_trust, "rt=\"suitd.trust\""},
	{.path = NULL},
};
