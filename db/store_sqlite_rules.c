/* What can be wrong with the rows, as statements that find it and mend it. */
#include "db/store_sqlite_rules.h"

#include <stddef.h>

#define TALLY(name, want) \
	"SELECT '" name " is ' || coalesce((SELECT n FROM tally" \
	" WHERE name = '" name "'), 'missing') || ', not ' || want.n" \
	" FROM (" want ") AS want WHERE want.n IS NOT (SELECT n FROM tally" \
	" WHERE name = '" name "')"
#define TALLY_FIX(name, want) \
	"INSERT INTO tally SELECT '" name "', n FROM (" want ") WHERE true" \
	" ON CONFLICT DO UPDATE SET n = excluded.n"
#define DEVICES "SELECT count(*) AS n FROM device"
#define CAMPAIGNS "SELECT count(*) AS n FROM campaign"
#define AHEAD "SELECT count(*) AS n FROM device WHERE ahead = 1"
#define JOBS "SELECT count(*) AS n FROM job"
#define LIVE "SELECT count(*) AS n FROM job WHERE state < 5"
/* Numbers of campaigns that are gone count, too: never less than it was. */
#define LAST_CAMPAIGN "SELECT max(coalesce((SELECT max(id) FROM campaign), 0)," \
	" coalesce((SELECT n FROM tally WHERE name = 'campaign_id'), 0)) AS n"
#define JOB_KINDS \
	"SELECT coalesce(campaign, 0) AS campaign, wave, state," \
	" state = 0 AND started <> 0 AS begun, state = 0 AND due = 0 AS" \
	" waiting, last_fail AS fail, reason, CASE WHEN state >= 5 OR" \
	" (state = 0 AND started = 0 AND last_fail <> 0) THEN grade ELSE 0" \
	" END AS grade, count(*) AS n, sum(attempt) AS attempts FROM job" \
	" GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"
#define LISTS "SELECT list_seq, count(*) AS n FROM attest WHERE list_seq IS" \
	" NOT NULL GROUP BY 1"
#define FORGET_DEVICE "; suitctl device remove EP takes the job with its device"
#define EVENT_LOST_MAX "10000"
#define EVENTS_LOST "(SELECT max(id) - min(id) + 1 - count(*) FROM event)"
#define EVENT_GAPS \
	"(SELECT id, at, lead(id) OVER (ORDER BY id) AS next FROM event)" \
	" WHERE next > id + 1"

/* Until then, a device with a key had one in psk. */
const struct rule rules_of_psk[] = {
	{"device-credential", 1, "devices whose credential is gone",
	    "SELECT ep FROM device AS d WHERE have_psk <> 0 AND NOT EXISTS"
	    " (SELECT 1 FROM psk WHERE device = d.id)",
	    NULL, "give each a new one: suitctl device add EP --psk-new; "
	    "until then it is refused"},
	{"credential-unused", 1, "credentials that their device does not ask "
	    "for",
	    "SELECT d.ep FROM psk AS p JOIN device AS d ON d.id = p.device"
	    " WHERE d.have_psk = 0",
	    NULL, "anybody may speak for these devices: set it anew with "
	    "suitctl device add EP --psk-new"},
	{.name = NULL},
};

const struct rule rules_of_rows[] = {
	{"tally-devices", 1, "the count of devices",
	    TALLY("device", DEVICES), TALLY_FIX("device", DEVICES), NULL},
	{"tally-campaigns", 2, "the count of campaigns",
	    TALLY("campaign", CAMPAIGNS), TALLY_FIX("campaign", CAMPAIGNS),
	    NULL},
	{"tally-campaign-id", 2, "the last campaign's number",
	    TALLY("campaign_id", LAST_CAMPAIGN),
	    TALLY_FIX("campaign_id", LAST_CAMPAIGN), NULL},
	{"tally-ahead", 4, "the count of devices that are ahead",
	    TALLY("ahead", AHEAD), TALLY_FIX("ahead", AHEAD), NULL},
	{"tally-jobs", 2, "the count of jobs",
	    TALLY("job", JOBS), TALLY_FIX("job", JOBS), NULL},
	{"tally-live-jobs", 2, "the count of live jobs",
	    TALLY("job_live", LIVE), TALLY_FIX("job_live", LIVE), NULL},
	{"campaign-sums", 5, "the sums of jobs by kind",
	    "SELECT 'campaign ' || campaign || ' state ' || state FROM ("
	    JOB_KINDS " EXCEPT SELECT * FROM job_tally) UNION "
	    "SELECT 'campaign ' || campaign || ' state ' || state FROM ("
	    "SELECT * FROM job_tally EXCEPT SELECT * FROM (" JOB_KINDS "))",
	    "DELETE FROM job_tally; INSERT INTO job_tally " JOB_KINDS, NULL},
	{"tag-index", 1, "tags that no device has",
	    "SELECT name || ' of ' || ep FROM device_tag AS t WHERE NOT EXISTS"
	    " (SELECT 1 FROM device AS d WHERE d.id = t.device"
	    " AND d.ep = t.ep)",
	    "DELETE FROM device_tag AS t WHERE NOT EXISTS (SELECT 1"
	    " FROM device AS d WHERE d.id = t.device AND d.ep = t.ep)", NULL},
	{"device-class", 5, "devices with impossible classes",
	    "SELECT ep FROM device WHERE length(class_id) <> 16"
	    " OR class_set NOT BETWEEN 0 AND 1 OR (class_set = 1 AND class_id"
	    " IS NULL) OR length(class_said) <> 16 OR (class_set = 0 AND"
	    " class_said IS NOT NULL) OR class_said = class_id",
	    NULL, RESTORE ", or name each one's class: suitctl device add EP "
	    "--class CLASS"},
	{"credential-unused", CREDENTIAL_SCHEMA, "credentials that their "
	    "device does not ask for",
	    "SELECT d.ep FROM credential AS c JOIN device AS d"
	    " ON d.id = c.device WHERE d.have_psk = 0",
	    NULL, "anybody may speak for these devices: set it anew with "
	    "suitctl device add EP --psk-new"},
	{"credential-state", CREDENTIAL_SCHEMA, "impossible credentials",
	    "SELECT identity FROM credential WHERE kind NOT BETWEEN 1 AND 3"
	    " OR identity = '' OR (kind = 2) <> (secret IS NULL)"
	    " OR length(secret) = 0 OR (kind = 1 AND length(secret) > 64)"
	    " OR length(secret) > 256 OR ends = 0",
	    NULL, RESTORE ", or give the device a new one: suitctl device "
	    "add EP --psk-new"},
	{"cert-revoked", CREDENTIAL_SCHEMA, "impossible revocations of "
	    "certificates",
	    "SELECT name FROM cert_revoked WHERE name = '' OR"
	    " length(name) > 241 OR length(reason) > 128",
	    NULL, RESTORE ", or revoke the certificate anew: suitctl device "
	    "revoke-cert"},
	{"attest-key", 5, "keys of bootloaders that cannot be read",
	    "SELECT 'device ' || device FROM attest WHERE length(kid) <> 8"
	    " OR length(key) NOT BETWEEN 1 AND 512 OR length(epoch) <> 8"
	    " OR length(pending) <> 8 OR length(gone) % 8 <> 0"
	    " OR length(gone) > 8 * 16 OR result NOT BETWEEN 0 AND 3",
	    NULL, "set each anew: suitctl device attest EP KEY; until then "
	    "its reports are refused"},
	{"tally-lists", 5, "the counts of devices by their trust list",
	    "SELECT 'list ' || list_seq FROM (" LISTS " EXCEPT SELECT * FROM"
	    " list_tally) UNION SELECT 'list ' || list_seq FROM (SELECT * FROM"
	    " list_tally EXCEPT " LISTS ")",
	    "DELETE FROM list_tally; INSERT INTO list_tally " LISTS, NULL},
	{"release-classes", 1, "releases whose classes are not as signed",
	    "SELECT 'release ' || id FROM release AS r WHERE"
	    " length(classes) / 16 <> (SELECT count(*) FROM release_class"
	    " WHERE release = r.id)",
	    NULL, RESTORE},
	{"release-state", 1, "releases in impossible states",
	    "SELECT 'release ' || id FROM release WHERE state NOT BETWEEN 0"
	    " AND 2 OR length(digest) <> 32 OR length(envelope) <>"
	    " envelope_len", NULL, RESTORE},
	{"job-state", 1, "jobs in impossible states",
	    "SELECT 'job ' || id FROM job WHERE state NOT BETWEEN 0 AND 8"
	    " OR grade NOT BETWEEN 0 AND 2 OR due < 0 OR last_fail < 0"
	    " OR reason < 0 OR (state >= 5 AND due <> 0)"
	    " OR (attempt = 0 AND started <> 0 AND state < 5)",
	    NULL, RESTORE FORGET_DEVICE},
	{"job-stuck", 1, "jobs in an attempt that no deadline ends",
	    "SELECT 'job ' || id FROM job WHERE due = 0 AND (state BETWEEN 1"
	    " AND 4 OR (state = 0 AND started <> 0))",
	    NULL, RESTORE FORGET_DEVICE},
	{"job-campaign", 2, "jobs that do not fit their campaign",
	    "SELECT 'job ' || j.id || ' of campaign ' || c.id FROM job AS j"
	    " JOIN campaign AS c ON c.id = j.campaign WHERE j.release <>"
	    " c.release OR j.wave NOT BETWEEN 0 AND c.wave_count UNION ALL "
	    "SELECT 'job ' || id FROM job WHERE campaign IS NULL AND wave <> 0",
	    NULL, RESTORE FORGET_DEVICE},
	{"campaign-state", 2, "campaigns in impossible states",
	    "SELECT 'campaign ' || id FROM campaign WHERE state NOT BETWEEN 0"
	    " AND 4 OR work NOT BETWEEN 0 AND 3 OR source NOT BETWEEN 0 AND 2"
	    " OR concurrency < 1 OR wave NOT BETWEEN 0 AND wave_count"
	    " OR wave_count NOT BETWEEN 0 AND 8 OR (plan IS NOT NULL AND"
	    " length(plan) <> 32)",
	    NULL, RESTORE ", or abort it: suitctl campaign abort ID"},
	{"campaign-over", 2, "campaigns that are finished, with jobs that are "
	    "not",
	    "SELECT 'campaign ' || id FROM campaign AS c WHERE state = 3"
	    " AND work = 0 AND EXISTS (SELECT 1 FROM job WHERE campaign = c.id"
	    " AND state < 5)", NULL, RESTORE FORGET_DEVICE},
	{"event-gaps", 1, "events that are missing", /* said where */
	    "SELECT (id + 1) || ' to ' || (next - 1) FROM " EVENT_GAPS
	    " AND " EVENTS_LOST " <= " EVENT_LOST_MAX,
	    "WITH RECURSIVE gap (i, last, at) AS (SELECT id + 1, next - 1, at"
	    " FROM " EVENT_GAPS " UNION ALL SELECT i + 1, last, at FROM gap"
	    " WHERE i < last) INSERT INTO event SELECT i, at, NULL, NULL,"
	    " NULL, NULL, '', 'admin', 'lost', 0, 'this event is missing:"
	    " suitd --fsck' FROM gap", NULL},
	{"event-gaps", 1, "more than " EVENT_LOST_MAX " events are missing",
	    "SELECT (id + 1) || ' to ' || (next - 1) FROM " EVENT_GAPS
	    " AND " EVENTS_LOST " > " EVENT_LOST_MAX, NULL, RESTORE},
	{"principal-rights", 5, "principals without rights",
	    "SELECT name FROM principal WHERE length(name) NOT BETWEEN 1 AND"
	    " 64 OR instr(rights, 'role=') <> 1", NULL,
	    "suitctl principal remove NAME, and add it again"},
	{"principal-key", 5, "keys of principals that cannot be used",
	    "SELECT identity FROM principal_key WHERE length(key) NOT BETWEEN"
	    " 16 AND 64 OR instr(identity, principal || ':') <> 1 OR ends < 0",
	    "DELETE FROM principal_key WHERE length(key) NOT BETWEEN 16 AND 64"
	    " OR instr(identity, principal || ':') <> 1 OR ends < 0", NULL},
	{"request-state", 5, "requests for approval that cannot be carried out",
	    "SELECT 'request ' || id FROM request WHERE kind < 1 OR"
	    " length(digest) <> 32 OR by = ''",
	    "DELETE FROM request WHERE kind < 1 OR length(digest) <> 32 OR"
	    " by = ''", NULL},
	{"meta", 1, "settings that are too large",
	    "SELECT name FROM meta WHERE length(name) NOT BETWEEN 1 AND 64"
	    " OR length(value) > 4096", NULL, RESTORE},
	{"trust-list", 5, "trust lists that cannot be",
	    "SELECT 'list ' || seq FROM trust WHERE seq < 1 OR length(list)"
	    " NOT BETWEEN 1 AND 16384", NULL, RESTORE},
	{.name = NULL},
};

const struct rule rules_of_notes[] = {
	{"credential-shared", CREDENTIAL_SCHEMA, "devices that have the same "
	    "key",
	    "SELECT count(DISTINCT d.id) || ', e.g. ' || min(d.ep) || ' and '"
	    " || max(d.ep) FROM credential AS c JOIN device AS d"
	    " ON d.id = c.device WHERE c.kind = 1 GROUP BY c.secret"
	    " HAVING count(DISTINCT d.id) > 1",
	    NULL, "whoever has one of them can speak for the other: give each "
	    "a key of its own, suitctl device psk EP --new"},
	{.name = NULL},
};
