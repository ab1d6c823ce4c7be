/* The sentences that speak with a daemon. */
#include <stddef.h>

#include "cli/online.h"

const struct cli_cmd cli_online[] = {
	{"status", "", "what the daemon is and does", cmd_status},
	{"ping", "", "is the daemon there, and how fast", cmd_ping},
	{"events", "[--follow] [--after N] [--device EP] [--campaign ID]",
	    "the event log, newest at the end", cmd_events},

	{"author add", "NAME KEYFILE [--class C]...",
	    "trusts a public key, for every class or for some",
	    cmd_author_add},
	{"author list", "[--limit N] [--after NAME]", "whose signatures count", cmd_author_list},
	{"author remove", "NAME", "trusts a key no longer",
	    cmd_author_remove},

	{"publish", "ENVELOPE [--payload FILE]... [--force] [--dry-run]",
	    "uploads images, then the signed manifest", cmd_publish},
	{"release list", "[--limit N] [--after ID]", "what was published", cmd_release_list},
	{"release show", "ID|DIGEST", "a release and its payloads",
	    cmd_release_show},
	{"release withdraw", "ID|DIGEST", "offers a release no longer",
	    cmd_release_withdraw},
	{"image list", "[--limit N] [--after DIGEST]", "the images in the store", cmd_image_list},
	{"image clean", "", "drops the images that nothing needs",
	    cmd_image_clean},

	{"device list", "[--class C] [--tag NAME[=VALUE]] [--prefix P] "
	    "[--limit N] [--after EP]",
	    "devices, what they run and what happens to them",
	    cmd_device_list},
	{"device show", "EP", "everything about a device", cmd_device_show},
	{"device explain", "EP", "why is it not updating?",
	    cmd_device_explain},
	{"device events", "EP", "all that happened to it", cmd_device_events},
	{"device add", "EP [--class C] [--address URI] [--driver NAME] "
	    "[--psk-new|--psk HEX] [--nul-trigger]",
	    "makes a device known, or changes it", cmd_device_add},
	{"device remove", "EP", "forgets a device, its key and its jobs",
	    cmd_device_remove},
	{"device tag", "EP NAME=VALUE...", "tags a device; NAME= removes",
	    cmd_device_tag},

	{"campaign start", "RELEASE [--class C|--tag NAME=VALUE|--device EP"
	    "...] [--concurrency N] [--name NAME] [--dry-run]",
	    "brings devices to a release", cmd_campaign_start},
	{"campaign list", "[--limit N] [--after ID]", "campaigns, newest first", cmd_campaign_list},
	{"campaign show", "ID [--jobs]", "a campaign and its open jobs",
	    cmd_campaign_show},
	{"campaign pause", "ID", "starts nothing new", cmd_campaign_pause},
	{"campaign resume", "ID", "goes on", cmd_campaign_resume},
	{"campaign abort", "ID", "cancels its jobs", cmd_campaign_abort},
	{"campaign watch", "ID", "shows progress until it is over",
	    cmd_campaign_watch},
	{"job retry", "ID", "tries a failed or cancelled job again",
	    cmd_job_retry},
	{.words = NULL},
};
