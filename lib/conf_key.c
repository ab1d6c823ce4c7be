#include "lib/conf_key.h"

#include "lib/near.h"

#define OFF(m) offsetof(struct conf, m)
#define RULE(c, m) OFF(track.backoff.rule[c].m)
#define DAY 86400u
/* Does a reload apply it? What is read from the configuration at each use
 * can be; sizes of what is made at the start, and sockets, cannot. */
#define LIVE true
#define START false

#define RETRY(name, c, what, head) \
	{"retry_" name "_base", CONF_MS, NULL, LIVE, \
	    RULE(c, base_ms), NULL, 1, 30 * DAY, \
	    NULL, head, "The least time before another try after " what "."}, \
	{"retry_" name "_cap", CONF_MS, NULL, LIVE, \
	    RULE(c, cap_ms), NULL, 1, 90 * DAY, \
	    NULL, NULL, "The most."}, \
	{"retry_" name "_attempts", CONF_NUMBER, "failures", LIVE, \
	    RULE(c, attempts), NULL, 0, 1000, NULL, NULL, \
	    "Failures of this class until suitd gives up; 0: never tried " \
	    "again\nwithout an operator."}

const struct conf_key conf_keys[] = {
	{"state_dir", CONF_TEXT, NULL, START,
	    OFF(state_dir), "/var/lib/suitd", 1, 255,
	    NULL, "Where things are",
	    "The database, the images and the operator's key. Option -d goes "
	    "before it."},
	{"listen_coap", CONF_ADDR, "UDP", START,
	    OFF(listen_coap), "[::]:5683", 0, 0, NULL,
	    "Who can reach us. \"HOST:PORT\", \"[V6]:PORT\"; \"\" is off.",
	    "CoAP over UDP: open to everybody, devices are known by what they "
	    "say."},
	{"listen_coaps", CONF_ADDR, "UDP", START,
	    OFF(listen_coaps), "[::]:5684", 0, 0, NULL,
	    NULL, "CoAP over DTLS with a key per device."},
	{"listen_tcp", CONF_ADDR, "TCP", START,
	    OFF(listen_tcp), "[::]:5683", 0, 0, NULL,
	    NULL, "CoAP over TCP."},
	{"listen_admin", CONF_ADDR, "UDP", START,
	    OFF(listen_admin), "127.0.0.1:5685", 0, 0,
	    NULL, NULL,
	    "The operators' port: DTLS with the key in admin_psk."},
	{"listen_http", CONF_ADDR, "TCP", START,
	    OFF(listen_http), "127.0.0.1:9683", 0, 0,
	    NULL, NULL,
	    "HTTP for monitoring: /metrics, /healthz and /readyz, to anybody "
	    "who reaches\nthe address."},
	{"tls_cert", CONF_PATH, NULL, LIVE, OFF(tls_cert), "", 0, 255, NULL,
	    NULL,
	    "The certificate that listen_coaps shows, beside the keys of "
	    "devices: a file\nin PEM, its issuers behind it. Empty: none."},
	{"tls_key", CONF_SECRET, NULL, LIVE, OFF(tls_key), "", 0, 255, NULL,
	    NULL,
	    "The private key of it: a file in PEM that only suitd may read. "
	    "Empty: the\nsystemd credential tls.key."},
	{"admin_psk", CONF_SECRET, NULL, START, OFF(admin_psk), "", 0, 255,
	    NULL, NULL,
	    "The operators' keys: a file that only suitd may read. Empty: the "
	    "systemd\ncredential admin.psk, or else state_dir/admin.psk, "
	    "which suitd makes."},
	{"listen_coaps_tcp", CONF_ADDR, "TCP", START,
	    OFF(listen_coaps_tcp), "", 0, 0, NULL,
	    NULL,
	    "CoAP over TLS over TCP, with a key or a certificate per device, "
	    "e.g.\n\"[::]:5684\"."},
	{"listen_oscore", CONF_ADDR, "UDP", START, OFF(listen_oscore), "", 0,
	    0, NULL, NULL,
	    "OSCORE (RFC 8613) over UDP, with a security context per device, "
	    "e.g.\n\"[::]:5686\". A port of its own."},
	{"listen_ws", CONF_ADDR, "TCP", START, OFF(listen_ws), "", 0, 0, NULL,
	    NULL,
	    "CoAP over WebSockets (RFC 8323), where libcoap has them, e.g. "
	    "\"[::]:80\"."},
	{"listen_wss", CONF_ADDR, "TCP", START, OFF(listen_wss), "", 0, 0,
	    NULL, NULL,
	    "The same over TLS, with a key or a certificate per device, e.g. "
	    "\"[::]:443\"."},
	{"client_ca", CONF_PATH, NULL, LIVE, OFF(client_ca), "", 0, 255, NULL,
	    NULL,
	    "Authorities whose certificates let devices in, on listen_coaps "
	    "and\nlisten_coaps_tcp: a file in PEM, or a folder of such files. "
	    "Empty: none.\nNeeds tls_cert."},
	{"client_crl", CONF_PATH, NULL, LIVE, OFF(client_crl), "", 0, 255,
	    NULL, NULL,
	    "Lists of the certificates that these revoked: a file in PEM or "
	    "DER, or a\nfolder of such files."},
	{"cert_endpoint", CONF_TEXT, NULL, LIVE, OFF(cert_endpoint), "cn", 0,
	    LIMIT_CERTMAP, NULL, NULL,
	    "Which endpoint a certificate speaks for: rules in order, "
	    "san-uri, san-dns,\ncn and subject-serial, each with a pattern "
	    "or without, e.g.\n\"san-uri:urn:dev:* san-dns:(*).dev.example.org "
	    "cn\"."},
	{"client_grace", CONF_SECONDS, NULL, LIVE, OFF(client_grace), "0s", 0,
	    3650 * DAY, NULL, NULL,
	    "How long after its end, and before its beginning, a certificate "
	    "of a device\nis good."},
	{"client_pinned", CONF_BOOL, NULL, LIVE, OFF(client_pinned), "false",
	    0, 0, NULL, NULL,
	    "Only certificates that an operator has entered (suitctl device "
	    "cert) let a\ndevice in; else each that an authority signed for "
	    "it does."},
	{"public_uri", CONF_TEXT, NULL, LIVE,
	    OFF(public_uri), "", 0, LIMIT_URI, NULL,
	    NULL,
	    "What devices call this server, e.g. \"coap://fw.example.org\". "
	    "Empty: the\naddress that the device is talking to."},

	{"synchronous_full", CONF_BOOL, NULL, START,
	    OFF(synchronous_full), "true", 0, 0,
	    NULL, "Storage",
	    "What was acknowledged survives a power cut. Off is faster and "
	    "survives a\ncrash of suitd only."},
	{"image_max", CONF_BYTES, NULL, START,
	    OFF(image_max), "64M", 1, LIMIT_IMAGE, NULL,
	    NULL, "The largest image."},
	{"images_total", CONF_BYTES, NULL, START,
	    OFF(images_total), "4G", 1,
	    UINT64_C(1) << 50, NULL, NULL, "All images together."},
	{"envelope_max", CONF_BYTES, NULL, LIVE,
	    OFF(envelope_max), "64k", 64,
	    LIMIT_ENVELOPE, NULL, NULL, "The largest signed manifest."},
	{"events_keep", CONF_NUMBER, "events", LIVE,
	    OFF(events_keep), "1000000", 1000,
	    100000000, NULL, NULL,
	    "Events that are kept, the newest; 1000000 take some 200 MiB. Of "
	    "jobs and\ncampaigns the last state always stays."},
	{"audit_keep", CONF_NUMBER, "entries", LIVE,
	    OFF(audit_keep), "0", 0, 100000000, NULL, NULL,
	    "Entries of the audit log that are kept, the newest; a tenth more "
	    "before they\nare pruned, which is an entry itself. 0: all, for "
	    "ever; 1000000 take some\n250 MiB."},

	{"block_size", CONF_BLOCK, "bytes", START,
	    OFF(block_size), "1024", 16, 1024, NULL,
	    "Serving",
	    "Bytes in a block when a request does not say; a device that asks "
	    "for a\nsize gets that size or a smaller one."},
	{"image_workers", CONF_NUMBER, "threads", START,
	    OFF(image_workers), "4", 0,
	    LIMIT_IMAGE_WORKERS, NULL, NULL,
	    "Threads that do nothing but serve image blocks over plain UDP, "
	    "never more\nthan suitd may use cores. 0: the main loop serves "
	    "them, too."},
	{"poll_max_age", CONF_SECONDS, NULL, LIVE,
	    OFF(poll_max_age), "15m", 1, 30 * DAY,
	    NULL, NULL, "When a polling device is told to ask again."},
	{"sessions_max", CONF_NUMBER, "sessions", START,
	    OFF(sessions_max), "10000", 1, 1000000,
	    NULL, NULL, "Idle UDP and DTLS sessions that are kept."},
	{"echo", CONF_CHOICE, NULL, START,
	    OFF(echo), "amplifying", 0, 0,
	    "off|amplifying|always", NULL,
	    "Who asks over plain UDP may have forged its address. amplifying: "
	    "until a peer\nhas shown it (RFC 9175), it gets no more than three "
	    "times what it sent, in\nsmall blocks; always: it has to show it "
	    "first, which old devices cannot; off."},
	{"trusted_networks", CONF_TEXT, NULL, START,
	    OFF(trusted_networks),
	    "127.0.0.0/8 ::1 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 "
	    "169.254.0.0/16 fc00::/7 fe80::/10", 0, LIMIT_NETWORKS_TEXT, NULL,
	    NULL,
	    "Networks from which addresses are believed, because nobody else "
	    "can send from\nthem: at most 16."},
	{"stranger_rate", CONF_NUMBER, "a second", START,
	    OFF(stranger_rate), "2000", 0, 1000000, NULL, NULL,
	    "Requests over plain UDP that a network (/24, /56 of IPv6) may "
	    "send without\nhaving shown its addresses; more are not heard. 0: "
	    "no limit."},
	{"handshake_rate", CONF_NUMBER, "a second", START,
	    OFF(handshake_rate), "10", 0, 100000, NULL, NULL,
	    "DTLS handshakes of a network that come to nothing, ten times as "
	    "many at once;\nof all networks that are not known five times as "
	    "many. 0: no limit."},
	{"notify_rate", CONF_NUMBER, "a second", LIVE,
	    OFF(notify_rate), "50", 0, 100000, NULL,
	    NULL,
	    "Notifications per second when a new release is announced to the "
	    "devices that\nobserve, so that they do not all come at once; a "
	    "tenth of that many leave\nat once. 0: no limit."},
	{"drain_grace", CONF_SECONDS, NULL, LIVE,
	    OFF(drain_grace), "10s", 0, 600, NULL, NULL,
	    "How long a suitd that was told to stop goes on with the downloads "
	    "that run.\nIt stops earlier when no block was asked for 2 "
	    "seconds."},

	{"unknown_devices", CONF_CHOICE, NULL, LIVE,
	    OFF(unknown_devices), "accept", 0, 0,
	    "accept|refuse|certified", "Devices",
	    "What happens when a device registers that no operator added: "
	    "accept (its\nstatus is graded L0, or L1 with a certificate), "
	    "refuse, or certified (only\none with a certificate is "
	    "accepted)."},
	{"devices_max", CONF_NUMBER, "devices", LIVE,
	    OFF(devices_max), "200000", 1,
	    LIMIT_DEVICES, NULL, NULL, "Devices, at most."},
	{"register_tags", CONF_TAGS, NULL, LIVE,
	    OFF(register_tags), "", 0, LIMIT_TAGS,
	    NULL, NULL,
	    "Tags that a device may give itself when it registers, at most "
	    "16 names, e.g.\n\"site room\"; others are passed over, and what "
	    "is set already stays."},
	{"allow_unsigned", CONF_BOOL, NULL, LIVE,
	    OFF(allow_unsigned), "false", 0, 0, NULL,
	    NULL,
	    "Publish manifests without a signature. For a laboratory only."},

	{"concurrency", CONF_NUMBER, "devices", LIVE,
	    OFF(concurrency), "50", 1, 100000, NULL,
	    "Campaigns",
	    "Devices of one campaign that update at the same time, unless the "
	    "campaign\nsays otherwise."},
	{"campaign_policy", CONF_TEXT, NULL, LIVE,
	    OFF(campaign_policy), "", 0,
	    LIMIT_POLICY, NULL, NULL,
	    "Rules of every campaign that does not say otherwise, e.g.\n"
	    "\"soak=24h broke=2%\"; suitd.conf(5) lists them."},
	{"campaign_approval", CONF_BOOL, NULL, LIVE,
	    OFF(campaign_approval), "false", 0,
	    0, NULL, NULL,
	    "A campaign starts only after another operator than the one who "
	    "planned it\nhas approved."},
	{"four_eyes", CONF_TEXT, NULL, LIVE,
	    OFF(four_eyes), "", 0, 95, NULL, NULL,
	    "Changes that need a second person: some of publish, author, "
	    "trust, campaign\nand principal, which is in with any other."},
	{"four_eyes_expires", CONF_SECONDS, NULL, LIVE,
	    OFF(four_eyes_expires), "1d", 60, 30 * DAY, NULL, NULL,
	    "How long such a change waits to be approved, and is approved."},
	{"downloads", CONF_NUMBER, "downloads", LIVE,
	    OFF(downloads), "500", 1, 90000, NULL,
	    "Not to flood the network",
	    "Downloads at a time. A device that asks for its manifest beyond "
	    "that is told\nwhen to come back (4.29 with Max-Age)."},
	{"downloads_group", CONF_NUMBER, "downloads", LIVE,
	    OFF(downloads_group), "16", 0, 90000,
	    NULL, NULL,
	    "Downloads at a time in one network group; 0: no limit. Loopback "
	    "has none."},
	{"group_tag", CONF_TEXT, NULL, LIVE,
	    OFF(group_tag), "", 0, LIMIT_TAG_NAME, NULL,
	    NULL,
	    "The tag whose value is a device's network group, e.g. gateway. "
	    "Empty: the /64\nof its IPv6 address, the /24 of IPv4."},
	{"bytes_per_second", CONF_BYTES, "bytes a second", LIVE,
	    OFF(bytes_per_second), "0", 0,
	    UINT64_C(1) << 40, NULL, NULL,
	    "Image bytes a second that are admitted, by the images' sizes; 0: "
	    "no limit."},
	{"bytes_per_second_group", CONF_BYTES, "bytes a second", LIVE,
	    OFF(bytes_group), "0", 0,
	    UINT64_C(1) << 40, NULL, NULL, "The same for a network group."},
	{"retries", CONF_NUMBER, "a minute", LIVE,
	    OFF(retries), "600", 0, 60000, NULL, NULL,
	    "Second and later attempts a minute; 0: no limit."},
	{"retries_group", CONF_NUMBER, "a minute", LIVE,
	    OFF(retries_group), "60", 0, 60000,
	    NULL, NULL, "The same for a network group."},
	{"deadline_notify", CONF_MS, NULL, LIVE,
	    OFF(track.notify_ms), NULL, 1, 30 * DAY,
	    NULL, NULL,
	    "From an accepted trigger to the device's request for the "
	    "manifest."},
	{"deadline_fetch_idle", CONF_MS, NULL, LIVE,
	    OFF(track.fetch_idle_ms), NULL, 1,
	    30 * DAY, NULL, NULL, "Between two signs of a download."},
	{"deadline_fetch_per_kib", CONF_MS_NUMBER, "milliseconds", LIVE,
	    OFF(track.fetch_per_kib_ms),
	    NULL, 0, 600000, NULL, NULL,
	    "Milliseconds added to it for each KiB that is still missing."},
	{"deadline_install", CONF_MS, NULL, LIVE,
	    OFF(track.install_ms), NULL, 1, 90 * DAY,
	    NULL, NULL,
	    "From the last block to the proof that the new version runs."},

	RETRY("transport", FAIL_TRANSPORT,
	    "a time-out, a reset or a lost\ndevice",
	    "Trying again. Each failure of a class doubles the wait or more, "
	    "with\n# jitter, from base to cap."),
	RETRY("integrity", FAIL_INTEGRITY, "a wrong digest on the\ndevice",
	    NULL),
	RETRY("policy", FAIL_POLICY,
	    "a refused signature, class\nor sequence", NULL),
	RETRY("execution", FAIL_EXECUTION,
	    "a failed write, boot or\nroll-back", NULL),
	{"retry_attempts_total", CONF_NUMBER, "attempts", LIVE,
	    OFF(track.backoff.attempts_total), NULL, 1, 10000, NULL, NULL,
	    "The budget of one device and release, over all classes."},
	{"retry_give_up_push", CONF_NUMBER, "triggers", LIVE,
	    OFF(track.give_up_push), NULL, 1,
	    1000, NULL, NULL,
	    "Unanswered triggers until suitd waits for the device to make "
	    "contact."},

	{"trust_root", CONF_PATH, NULL, START,
	    OFF(trust_root), "", 0, 255, NULL,
	    "Whose signature counts, see suitctl trust",
	    "The first trust list: it is read at the first start and stays "
	    "in force from\nthen on, with those that follow. Empty: authors "
	    "are those of suitctl author."},
	{"freshness_key", CONF_SECRET, NULL, START,
	    OFF(freshness_key), "", 0, 255, NULL, NULL,
	    "The private key that answers nonces, of the role freshness in "
	    "the trust list.\nEmpty: the systemd credential freshness.key, "
	    "or none."},
	{"sequence_step", CONF_NUMBER, "numbers", LIVE,
	    OFF(sequence_step), "1048576", 1, UINT32_MAX, NULL, NULL,
	    "How far a release's sequence may be above the current one, "
	    "which devices never\ngo below again. With a trust list only "
	    "its floors lead further."},

	{"log_level", CONF_WORD, NULL, LIVE,
	    OFF(log_level), "info", 0, 0,
	    "error|warn|info|debug", "Log", "error, warn, info or debug."},
	{.name = NULL},
};
_Static_assert(sizeof(conf_keys) / sizeof(conf_keys[0]) <= CONF_KEYS_MAX + 1,
    "CONF_KEYS_MAX");

const struct conf_key *
conf_key_find(const char *name)
{
	for (const struct conf_key *k = conf_keys; k->name != NULL; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

const struct conf_key *
conf_key_near(const char *name)
{
	const struct conf_key *best = NULL;
	unsigned d, best_d = NEAR_MAX + 1;

	for (const struct conf_key *k = conf_keys; k->name != NULL; k++) {
		d = near_distance(name, k->name);
		if (d < best_d && near_match(name, k->name)) {
			best = k;
			best_d = d;
		}
	}
	return best;
}
