/* The sentences that speak with a daemon. */
#include <stddef.h>

#include "cli/online.h"
#include "cli/want.h"

#define WHOM "[--where EXPR] [--class C] [--tag NAME=VALUE]... " \
	"[--device EP]... [--of CAMPAIGN] "

const struct cli_cmd cli_online[] = {
	{"status", "", "what the daemon is and does", cmd_status},
	{"closed", "", "what is closed to whom, and what is open", cmd_closed},
	{"backup", "[--verify] [--prune] DIR", "fetches the database and all "
	    "images, goes on where it was interrupted; --verify: only looks at "
	    "DIR; --prune: then drops images of earlier ones from it",
	    cmd_backup},
	{"ping", "[--wait SECONDS]", "is the daemon there, and how fast", cmd_ping},
	{"events", "[--follow] [--after N] [--device EP] [--campaign ID] [--kind K,...]",
	    "the event log, newest at the end", cmd_events},

	{"trust publish", "LIST",
	    "brings the next trust list, which is in force at once",
	    cmd_trust_publish},
	{"trust current", "", "the trust list that is in force",
	    cmd_trust_current},

	{"audit list", "[--who NAME] [--kind K] [--subject S] [--since WHEN] "
	    "[--from N] [--all] [--limit N] [--after N]",
	    "who did what, newest first",
	    cmd_audit_list},
	{"audit export", "[--after N] [FILE]",
	    "the audit log as JSON lines that can be verified without the "
	    "server", cmd_audit_export},
	{"audit verify", "[FILE] [--head N:HASH]",
	    "proves the daemon's log, or an export, and that it reaches a "
	    "head that was kept", cmd_audit_verify},
	{"audit head", "", "number and hash of the last entry, to be kept "
	    "elsewhere", cmd_audit_head},

	{"author add", "NAME KEYFILE [--class C]...",
	    "trusts a public key, for every class or for some",
	    cmd_author_add},
	{"author list", "[--limit N] [--after NAME]", "whose signatures count", cmd_author_list},
	{"author remove", "NAME", "trusts a key no longer",
	    cmd_author_remove},

	{"publish", "ENVELOPE [--payload FILE]... [--staged] [--force] "
	    "[--dry-run]",
	    "uploads images, then the signed manifest", cmd_publish},
	{"release list", "[--limit N] [--after ID]", "what was published", cmd_release_list},
	{"release show", "ID|DIGEST", "a release and its payloads",
	    cmd_release_show},
	{"release offer", "ID|DIGEST", "offers a staged release to everybody",
	    cmd_release_offer},
	{"release withdraw", "ID|DIGEST", "offers a release no longer",
	    cmd_release_withdraw},
	{"image list", "[--limit N] [--after DIGEST]", "the images in the store", cmd_image_list},
	{"image clean", "", "drops the images that nothing needs",
	    cmd_image_clean},

	{"device list", "[--where EXPR] [--class C] [--tag NAME[=VALUE]] [--prefix P] "
	    "[--limit N] [--after EP]",
	    "devices, what they run and what happens to them",
	    cmd_device_list},
	{"device show", "EP", "everything about a device", cmd_device_show},
	{"device explain", "EP", "why is it not updating?",
	    cmd_device_explain},
	{"device events", "EP", "all that happened to it", cmd_device_events},
	{"device add", "EP [--class C] [--address URI] [--driver NAME] "
	    "[--unset class|driver|address] [--psk-new|--psk HEX] "
	    "[--nul-trigger]",
	    "makes a device known, or changes it", cmd_device_add},
	{"device remove", "EP", "forgets a device, its key and its jobs",
	    cmd_device_remove},
	{"device tag", "EP NAME=VALUE...", "tags a device; NAME= removes",
	    cmd_device_tag},
	{"device import", "FILE.csv [--keys FILE] [--psk-new] [--dry-run]",
	    "adds and changes devices of a CSV file", cmd_device_import},
	{"device export", "", "all devices as CSV, without secrets",
	    cmd_device_export},
	{"device psk", "EP --new|--psk HEX [--overlap TIME]",
	    "another key for a device, at once or beside the old one",
	    cmd_device_psk},
	{"device oscore", "EP --new [--overlap TIME] [--context HEX]",
	    "another OSCORE context for a device, at once or beside the old "
	    "one", cmd_device_oscore},
	{"device credentials", "EP", "what it may prove itself with, without "
	    "secrets", cmd_device_credentials},
	{"device attest", "EP [KEYFILE|--epoch HEX|--remove]",
	    "the public key of its bootloader, whose reports are grade L2; "
	    "--epoch: its counters may begin anew", cmd_device_attest},
	{"device revoke", "EP [--credential ID]",
	    "neither serves nor updates a device, or takes one credential",
	    cmd_device_revoke},
	{"device cert", "EP FILE", "enters a certificate as one of a "
	    "device's credentials", cmd_device_cert},
	{"device revoke-cert", "--cert FILE|--serial HEX [--issuer NAME] "
	    "[--reason TEXT] [--undo]", "lets a certificate in no more",
	    cmd_device_revoke_cert},
	{"device revoked-certs", "[--limit N] [--after NAME]",
	    "certificates that operators revoked", cmd_device_revoked_certs},
	{"device restore", "EP", "takes a revoked device back",
	    cmd_device_restore},

	{"campaign plan", "RELEASE " WHOM "[--name NAME] " WANT_RULES
	    " [--list]", "who would be updated when, who not and why, and a "
	    "digest to start it by", cmd_campaign_plan},
	{"campaign start", "--plan DIGEST [--list] | RELEASE " WHOM
	    "[--name NAME] " WANT_RULES " [--list]",
	    "starts what was planned, or plans and starts",
	    cmd_campaign_start},
	{"campaign approve", "--plan DIGEST",
	    "a second operator's word for a plan", cmd_campaign_approve},
	{"campaign list", "[--limit N] [--after ID]",
	    "campaigns, newest first", cmd_campaign_list},
	{"campaign show", "ID [--jobs] [--plan]",
	    "a campaign: waves, failures, the slowest and the stuck",
	    cmd_campaign_show},
	{"campaign watch", "ID", "shows progress until it is over",
	    cmd_campaign_watch},
	{"campaign report", "ID [--text]",
	    "all that there is to say about it, for an audit",
	    cmd_campaign_report},
	{"campaign next", "ID", "opens the next wave now", cmd_campaign_next},
	{"campaign pause", "ID", "starts nothing new", cmd_campaign_pause},
	{"campaign resume", "ID", "goes on", cmd_campaign_resume},
	{"campaign abort", "ID [--hard [--yes]]",
	    "cancels what waits; --hard: running installs, too, and "
	    "withdraws the release", cmd_campaign_abort},
	{"campaign rollback", "ID RELEASE",
	    "brings those that it has updated to another release",
	    cmd_campaign_rollback},
	{"job retry", "ID|EP", "tries a failed or cancelled job again",
	    cmd_job_retry},

	{"principal add", "NAME --role R... [--class C]... "
	    "[--tag NAME:VALUE]... [--campaign GLOB]... [--psk-new]",
	    "who may do what; --psk-new: and a key, shown this once",
	    cmd_principal_add},
	{"principal list", "[--limit N] [--after NAME]",
	    "who may do what, but for the lines of admin.psk",
	    cmd_principal_list},
	{"principal show", "NAME", "what one may do, and its keys",
	    cmd_principal_show},
	{"principal rotate", "NAME [--overlap TIME]",
	    "a new key, shown this once; the old one ends, after TIME",
	    cmd_principal_rotate},
	{"principal remove", "NAME", "makes it nobody",
	    cmd_principal_remove},
	{"request list", "", "changes that wait for a second person",
	    cmd_request_list},
	{"request show", "ID", "what one of them means, in words",
	    cmd_request_show},
	{"request deny", "ID", "ends one; who asked takes it back",
	    cmd_request_deny},
	{"approve", "ID", "a second person's word; who asked says it again",
	    cmd_approve},
	{.words = NULL},
};
