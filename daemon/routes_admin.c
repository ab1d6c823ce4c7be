/* The operators' surface: what suitctl speaks with. */
#include "daemon/res_admin.h"

#define OP ROLE_OPERATOR
#define OBS ROUTE_OBSERVE

const struct route routes_admin[] = {
	{"a/status", M_GET, OP, OBS, res_admin_status, "rt=\"suitd.status\""},
	{"a/events", M_GET, OP, OBS, res_admin_events, "rt=\"suitd.events\""},

	{"a/devices", M_GET | M_POST, OP, 0, res_admin_devices,
	    "rt=\"suitd.list\""},
	{"a/devices/{ep}", M_GET | M_PUT | M_DELETE, OP, 0, res_admin_device,
	    NULL},
	{"a/devices/{ep}/explain", M_GET, OP, 0, res_admin_explain, NULL},
	{"a/devices/{ep}/events", M_GET, OP, 0, res_admin_device_events,
	    NULL},
	{"a/devices/{ep}/psk", M_PUT | M_POST, OP, 0, res_admin_device_psk,
	    NULL},
	{"a/devices/{ep}/oscore", M_POST, OP, 0, res_admin_device_oscore,
	    NULL},
	{"a/devices/{ep}/credentials", M_GET, OP, 0,
	    res_admin_device_credentials, NULL},
	{"a/devices/{ep}/credentials/{id}", M_DELETE, OP, 0,
	    res_admin_device_credential, NULL},
	{"a/devices/{ep}/cert", M_PUT, OP, 0, res_admin_device_cert, NULL},
	{"a/revoked", M_GET | M_POST, OP, 0, res_admin_revoked,
	    "rt=\"suitd.list\""},
	{"a/devices/{ep}/tags", M_PUT, OP, 0, res_admin_device_tags, NULL},
	{"a/devices/{ep}/{action}", M_POST, OP, 0, res_admin_device_revoke,
	    NULL},

	{"a/releases", M_GET | M_POST, OP, 0, res_admin_releases,
	    "rt=\"suitd.list\""},
	{"a/releases/{id}", M_GET | M_DELETE, OP, 0, res_admin_release, NULL},
	{"a/releases/{id}/offer", M_POST, OP, 0, res_admin_release_offer,
	    NULL},

	{"a/images", M_GET | M_POST, OP, 0, res_admin_images,
	    "rt=\"suitd.list\""},
	{"a/images/{d}", M_GET | M_PUT, OP, ROUTE_BODY_FILE, res_admin_image,
	    NULL},

	{"a/images/{d}/data", M_GET, OP, 0, res_admin_image_data, NULL},

	{"a/backup", M_POST, OP, 0, res_admin_backups, NULL},
	{"a/backup/{id}", M_GET | M_DELETE, OP, 0, res_admin_backup, NULL},
	{"a/backup/{id}/{part}", M_GET | M_POST, OP, 0,
	    res_admin_backup_part, NULL},

	{"a/campaigns", M_GET | M_POST, OP, 0, res_admin_campaigns,
	    "rt=\"suitd.list\""},
	{"a/campaigns/{id}", M_GET, OP, OBS, res_admin_campaign, NULL},
	{"a/campaigns/{id}/jobs", M_GET, OP, 0, res_admin_jobs, NULL},
	{"a/campaigns/{id}/plan", M_GET, OP, 0, res_admin_plan, NULL},
	{"a/campaigns/{id}/diff", M_GET, OP, 0, res_admin_diff, NULL},
	{"a/campaigns/{id}/{action}", M_POST, OP, 0,
	    res_admin_campaign_action, NULL},
	{"a/jobs/{id}", M_GET, OP, 0, res_admin_job, NULL},
	{"a/jobs/{id}/retry", M_POST, OP, 0, res_admin_job_retry, NULL},

	{"a/keys", M_GET, OP, 0, res_admin_keys, "rt=\"suitd.list\""},
	{"a/keys/{name}", M_PUT | M_DELETE, OP, 0, res_admin_key, NULL},
	{.path = NULL},
};
