#include "lib/msg_records.h"

#define OFF(m) offsetof(struct REC, m)
#define SIZE(m) sizeof(((struct REC *)NULL)->m)
#define U64(m, f) {#m, MSG_U64, f, OFF(m), 0, 0, 0, NULL}
#define U32(m, f) {#m, MSG_U32, f, OFF(m), 0, 0, 0, NULL}
#define TIME(m, f) {#m, MSG_I64, f, OFF(m), 0, 0, 0, NULL}
#define BOOL(m, f) {#m, MSG_BOOL, f, OFF(m), 0, 0, 0, NULL}
#define TEXT(m, f) {#m, MSG_TEXT, f, OFF(m), SIZE(m), 0, 0, NULL}
#define TEXT_AS(n, m, f) {n, MSG_TEXT, f, OFF(m), SIZE(m), 0, 0, NULL}
#define FIXED(m, f) {#m, MSG_FIXED, f, OFF(m), SIZE(m), 0, 0, NULL}
#define BYTES(m, c, f) {#m, MSG_BYTES, f, OFF(m), SIZE(m), OFF(c), 0, NULL}
#define UUIDS(n, m, c) \
	{n, MSG_UUIDS, MSG_OPT, OFF(m), SIZE(m) / 16, OFF(c), 0, NULL}
#define TEXTS(n, m, c) \
	{n, MSG_TEXTS, MSG_OPT, OFF(m), SIZE(m) / SIZE(m[0]), OFF(c), \
	    SIZE(m[0]), NULL}
#define TAGS {"tags", MSG_TAGS, MSG_OPT, OFF(tag), LIMIT_TAGS, \
	OFF(tag_count), 0, NULL}
#define IF(n, t, m, c, r) {n, t, MSG_IF, OFF(m), 0, OFF(c), 0, r}
#define PLAN(c) \
	{"plan", MSG_FIXED, MSG_IF, OFF(plan), SIZE(plan), OFF(c), 0, NULL}
#define RECORDS(n, m, c, r) \
	{n, MSG_RECORDS, MSG_OPT, OFF(m), SIZE(m) / SIZE(m[0]), OFF(c), 0, &r}
#define END {NULL, MSG_U64, 0, 0, 0, 0, 0, NULL}
#define RECORD(n, closed) \
	const struct msg_record n = {#n, sizeof(struct n), closed, n##_fields}

#define REC msg_grades
static const struct msg_field msg_grades_fields[] = {
	U64(l0, 0), U64(l1, 0), U64(l2, 0), END,
};
static RECORD(msg_grades, false);
#undef REC

#define REC msg_status
static const struct msg_field msg_status_fields[] = {
	TEXT(version, 0), TIME(now, 0), TIME(started, 0), U64(devices, 0),
	U64(releases, 0), U64(campaigns, 0), U64(campaigns_running, 0),
	U64(campaigns_paused, 0), U64(jobs, 0), U64(jobs_live, 0),
	U64(jobs_failed, 0), U64(due, 0), TIME(oldest_due, 0),
	U64(backoff, 0),
	{"done", MSG_RECORD, 0, OFF(done), 0, 0, 0, &msg_grades},
	U64(events, 0), U64(database_bytes, 0),
	U64(images, 0), U64(image_bytes, 0), U64(image_bytes_limit, 0),
	U64(disk_free, 0), U64(disk_size, 0), U64(requests, 0),
	U64(blocks, 0), U64(sessions, 0), U64(observers, 0),
	U64(notifications, 0), U64(errors, 0), U64(pushes, 0),
	U64(downloads, 0), U64(slots, 0), U64(slots_limit, 0),
	U64(commits, 0), U64(commits_failed, 0), U64(lag_p50_us, 0),
	U64(lag_p99_us, 0), U64(lag_max_us, 0), U64(lag_recent_us, 0),
	U64(lag_turns, 0), U64(lag_over, 0), U64(image_workers, 0), U64(image_slow, 0),
	U64(image_dropped, 0), U64(image_peers, 0), U64(image_evicted, 0),
	U64(images_mapped, 0), BOOL(degraded, 0), TEXT(why, 0), U64(ahead, 0),
	U64(twins, 0),
	TIME(backup, 0), TIME(restored_from, 0), TIME(restored, 0),
	TEXT(coap, 0), TEXT(coaps, 0), TEXT(tcp, 0), TEXT(coaps_tcp, 0),
	TEXT(oscore, 0),
	TEXT(features, 0),
	TEXT(admin, 0),
	TEXT(http, 0), TEXT(state, 0), TIME(reloaded, 0),
	BOOL(reload_failed, 0), TEXT(reload, 0), TIME(tls_until, 0),
	U64(trust, 0), U64(trust_refused, 0),
	TEXT(clients, 0), BOOL(clients_late, 0), END,
};
RECORD(msg_status, false);
#undef REC

#define REC msg_closed
static const struct msg_field msg_closed_fields[] = {
	U64(principals, 0), TEXT(rights, 0), TEXT(authors, 0),
	TEXT(strangers, 0), U64(trust, 0), U64(trust_told, 0),
	U64(trust_have, 0), TEXT(audit, 0), BOOL(audit_broken, 0), END,
};
RECORD(msg_closed, false);
#undef REC

#define REC msg_job
static const struct msg_field msg_job_fields[] = {
	U64(id, 0), U64(campaign, MSG_OPT), U64(release, 0), U64(target, 0),
	U32(wave, MSG_OPT), TEXT(ep, MSG_OPT), TEXT(state, 0), U32(grade, 0),
	U32(attempt, 0),
	U32(fails, MSG_OPT), TEXT(failure, MSG_OPT), TEXT(reason, MSG_OPT),
	TEXT(text, MSG_OPT), TIME(created, 0), TIME(updated, 0),
	TIME(due, MSG_OPT), U64(done, MSG_OPT), U64(total, MSG_OPT), END,
};
RECORD(msg_job, false);
#undef REC

#define BOOT_EPOCH(n, m, c) \
	{n, MSG_FIXED, MSG_IF, OFF(m), SIZE(m), OFF(c), 0, NULL}
#define REC msg_attest
static const struct msg_field msg_attest_fields[] = {
	FIXED(kid, MSG_REQ), TIME(created, 0),
	BOOT_EPOCH("epoch", epoch, reported), U64(boot_ctr, 0),
	U64(report_seq, 0), TEXT(result, MSG_OPT), U64(sequence, MSG_OPT),
	IF("list_seq", MSG_U64, list_seq, have_list, NULL),
	TIME(at, MSG_OPT), TIME(fresh_at, MSG_OPT),
	BOOT_EPOCH("pending", pending_epoch, pending), U32(gone, MSG_OPT),
	U64(refused, MSG_OPT), TIME(refused_at, MSG_OPT), END,
};
RECORD(msg_attest, false);
#undef REC

#define REC msg_attest_put
static const struct msg_field msg_attest_put_fields[] = {
	BYTES(key, key_len, MSG_OPT),
	BOOT_EPOCH("epoch", epoch, have_epoch), END,
};
RECORD(msg_attest_put, true);
#undef REC

#define REC msg_device
static const struct msg_field msg_device_fields[] = {
	U64(id, 0), TEXT(ep, MSG_REQ),
	IF("class", MSG_UUID, class_id, have_class, NULL),
	BOOL(class_set, MSG_OPT),
	IF("class_said", MSG_UUID, class_said, have_class_said, NULL),
	IF("vendor", MSG_UUID, vendor, have_vendor, NULL), TEXT(driver, 0),
	BOOL(nul_trigger, MSG_OPT), BOOL(psk, 0), BOOL(oscore, MSG_OPT),
	BOOL(twin, MSG_OPT),
	TEXT(wrong_key, MSG_OPT), TEXT(identity, MSG_OPT),
	BOOL(registered, 0),
	BOOL(revoked, MSG_OPT), BOOL(ahead, MSG_OPT), U32(gap, MSG_OPT),
	TEXT(uri, MSG_OPT), TEXT(addr, MSG_OPT),
	IF("seq", MSG_U64, seq, have_seq, NULL), U32(grade, 0),
	TEXT(version, MSG_OPT), TIME(expires, MSG_OPT), TIME(created, 0),
	TIME(seen, MSG_OPT), TAGS,
	IF("job", MSG_RECORD, job, have_job, &msg_job),
	IF("attest", MSG_RECORD, attest, have_attest, &msg_attest), END,
};
RECORD(msg_device, false);
#undef REC

#define REC msg_device_put
static const struct msg_field msg_device_put_fields[] = {
	TEXT_AS("class", class_name, MSG_OPT), TEXT(driver, MSG_OPT),
	TEXT(uri, MSG_OPT), TEXT(unset, MSG_OPT),
	IF("nul_trigger", MSG_BOOL, nul_trigger, have_nul_trigger, NULL),
	TAGS, END,
};
RECORD(msg_device_put, true);
#undef REC

#define REC msg_tags
static const struct msg_field msg_tags_fields[] = {
	{"tags", MSG_TAGS, MSG_REQ, OFF(tag), LIMIT_TAGS, OFF(tag_count), 0,
	    NULL},
	END,
};
RECORD(msg_tags, true);
#undef REC

#define REC msg_psk
static const struct msg_field msg_psk_fields[] = {
	TEXT(identity, MSG_OPT), BYTES(key, key_len, MSG_REQ), END,
};
RECORD(msg_psk, true);
#undef REC

#define REC msg_psk_set
static const struct msg_field msg_psk_set_fields[] = {
	TEXT(identity, MSG_REQ), TEXT(shares, MSG_OPT), END,
};
RECORD(msg_psk_set, false);
#undef REC

#define REC msg_oscore
static const struct msg_field msg_oscore_fields[] = {
	TEXT(identity, MSG_REQ), BYTES(secret, secret_len, MSG_REQ),
	BYTES(salt, salt_len, MSG_OPT), BYTES(sender, sender_len, MSG_REQ),
	BYTES(recipient, recipient_len, MSG_REQ),
	BYTES(context, context_len, MSG_OPT), END,
};
RECORD(msg_oscore, false);
#undef REC

#define REC msg_cert
static const struct msg_field msg_cert_fields[] = {
	FIXED(fingerprint, MSG_REQ), TEXT(label, MSG_OPT), END,
};
RECORD(msg_cert, true);
#undef REC

#define REC msg_revoked
static const struct msg_field msg_revoked_fields[] = {
	TEXT(name, MSG_REQ), TIME(at, MSG_OPT), TEXT(reason, MSG_OPT),
	BOOL(undo, MSG_OPT), END,
};
RECORD(msg_revoked, true);
#undef REC

#define REC msg_import_row
static const struct msg_field msg_import_row_fields[] = {
	TEXT(ep, MSG_REQ), TEXT_AS("class", class_name, MSG_OPT),
	TEXT(class_by, MSG_OPT), TAGS,
	TEXT(identity, MSG_OPT), BYTES(key, key_len, MSG_OPT),
	BOOL(if_none, MSG_OPT), END,
};
RECORD(msg_import_row, true);
#undef REC

#define REC msg_import
static const struct msg_field msg_import_fields[] = {
	BOOL(dry, MSG_OPT), RECORDS("rows", row, row_count, msg_import_row),
	END,
};
RECORD(msg_import, true);
#undef REC

#define REC msg_import_error
static const struct msg_field msg_import_error_fields[] = {
	U32(row, 0), TEXT(text, 0), END,
};
RECORD(msg_import_error, false);
#undef REC

#define REC msg_imported
static const struct msg_field msg_imported_fields[] = {
	BOOL(done, 0), U32(added, 0), U32(changed, 0), U32(same, 0),
	RECORDS("errors", error, error_count, msg_import_error),
	BYTES(kept, kept_len, MSG_OPT), U32(shared, MSG_OPT),
	BYTES(shares, shares_len, MSG_OPT), END,
};
RECORD(msg_imported, false);
#undef REC

#define REC msg_credential
static const struct msg_field msg_credential_fields[] = {
	U64(id, 0), TEXT(kind, 0), TEXT(identity, MSG_REQ),
	TEXT(label, MSG_OPT), TIME(created, MSG_OPT), TIME(used, MSG_OPT),
	TIME(ends, MSG_OPT), TIME(revoked, MSG_OPT), END,
};
RECORD(msg_credential, false);
#undef REC

#define REC msg_payload
static const struct msg_field msg_payload_fields[] = {
	FIXED(digest, MSG_REQ), U64(size, 0), TEXT(path, MSG_OPT),
	TEXT(uri, MSG_OPT), BOOL(external, MSG_OPT), END,
};
RECORD(msg_payload, false);
#undef REC

#define REC msg_release
static const struct msg_field msg_release_fields[] = {
	U64(id, 0), FIXED(digest, MSG_REQ), U64(seq, 0), TEXT(dialect, 0),
	TEXT(state, 0), TEXT(author, MSG_OPT),
	UUIDS("classes", class_id, class_count),
	{"vendor", MSG_UUID, MSG_OPT, OFF(vendor), 16, 0, 0, NULL},
	U64(image_bytes, 0), U64(envelope_len, 0), TEXT(warning, MSG_OPT),
	TEXT(label, MSG_OPT), TIME(created, 0),
	RECORDS("payloads", payload, payload_count, msg_payload),
	TEXTS("notes", note, note_count), BOOL(exists, MSG_OPT),
	TEXT(refused, MSG_OPT), END,
};
RECORD(msg_release, false);
#undef REC

#define REC msg_author
static const struct msg_field msg_author_fields[] = {
	TEXT(name, MSG_REQ), FIXED(kid, 0), TEXT(kind, 0),
	UUIDS("classes", class_id, class_count), TIME(created, 0), END,
};
RECORD(msg_author, false);
#undef REC

#define REC msg_author_put
static const struct msg_field msg_author_put_fields[] = {
	BYTES(key, key_len, MSG_REQ),
	TEXTS("classes", class_name, class_count), END,
};
RECORD(msg_author_put, true);
#undef REC

#define REC msg_image
static const struct msg_field msg_image_fields[] = {
	FIXED(digest, MSG_REQ), U64(size, 0), BOOL(needed, 0), END,
};
RECORD(msg_image, false);
#undef REC

#define REC msg_counts
static const struct msg_field msg_counts_fields[] = {
	U64(queued, 0), U64(notified, 0), U64(fetching, 0), U64(fetched, 0),
	U64(installing, 0), U64(done, 0), U64(failed, 0), U64(cancelled, 0),
	U64(superseded, 0), U64(active, 0), U64(transport, MSG_OPT),
	U64(overload, MSG_OPT), U64(integrity, MSG_OPT), U64(policy, MSG_OPT),
	U64(execution, MSG_OPT), U64(done_l0, MSG_OPT), U64(done_l1, MSG_OPT),
	U64(done_l2, MSG_OPT), U64(failed_l0, MSG_OPT),
	U64(failed_l1, MSG_OPT), U64(failed_l2, MSG_OPT), END,
};
static RECORD(msg_counts, false);
#undef REC

#define REC msg_wave
static const struct msg_field msg_wave_fields[] = {
	U32(wave, MSG_REQ), U64(size, 0), TEXT(state, 0), U64(fresh, 0),
	U64(asleep, 0), U64(active, 0), U64(retrying, 0), U64(done, 0),
	U64(broke, 0), U64(unreachable, 0), U64(other, 0), U64(weak, MSG_OPT),
	TEXT(grade, MSG_OPT), END,
};
static RECORD(msg_wave, false);
#undef REC

#define REC msg_reason
static const struct msg_field msg_reason_fields[] = {
	TEXT(name, MSG_REQ), TEXT(text, MSG_OPT), TEXT(failure, MSG_OPT),
	U64(n, 0), BOOL(over, MSG_OPT), END,
};
static RECORD(msg_reason, false);
#undef REC

#define REC msg_campaign
static const struct msg_field msg_campaign_fields[] = {
	U64(id, 0), U64(release, 0), U64(target, 0), TEXT(name, 0),
	TEXT(state, 0), TEXT(work, MSG_OPT), U64(work_done, MSG_OPT),
	U64(work_total, MSG_OPT), TEXT(cause, MSG_OPT), TEXT(hold, MSG_OPT),
	TIME(hold_until, MSG_OPT), TEXT(select, 0), TEXT(policy, 0),
	U32(concurrency, 0), PLAN(planned),
	RECORDS("verdicts", verdict, verdict_count, msg_reason),
	U32(wave, 0), RECORDS("waves", waves, wave_count, msg_wave),
	TEXT(gate, MSG_OPT), TIME(gate_until, MSG_OPT),
	TEXT(gate_grade, MSG_OPT), TEXT(by, MSG_OPT),
	TEXT(approved, MSG_OPT), BOOL(needs_approval, MSG_OPT),
	U64(follower, MSG_OPT), BOOL(offered, MSG_OPT), TIME(created, 0),
	TIME(updated, 0),
	TIME(started, MSG_OPT), TIME(ended, MSG_OPT),
	{"counts", MSG_RECORD, 0, OFF(counts), 0, 0, 0, &msg_counts},
	U64(attempts, 0),
	RECORDS("failures", failure, failure_count, msg_reason),
	U64(downloads, MSG_OPT), U64(bytes_done, MSG_OPT),
	U64(bytes_total, MSG_OPT), U64(bytes_rate, MSG_OPT),
	U64(per_hour, MSG_OPT), TIME(eta, MSG_OPT), TEXT(eta_basis, MSG_OPT),
	END,
};
RECORD(msg_campaign, false);
#undef REC

#define REC msg_campaign_start
static const struct msg_field msg_campaign_start_fields[] = {
	TEXT(release, MSG_REQ), TEXT(name, MSG_OPT), TEXT(select, MSG_OPT),
	TEXTS("devices", ep, ep_count), U64(of, MSG_OPT),
	TEXT(policy, MSG_OPT), BOOL(start, MSG_OPT), END,
};
RECORD(msg_campaign_start, true);
#undef REC

#define REC msg_campaign_action
static const struct msg_field msg_campaign_action_fields[] = {
	PLAN(have_plan), BOOL(hard, MSG_OPT),
	TEXT(release, MSG_OPT),
	IF("wave", MSG_U32, wave, expect_wave, NULL), END,
};
RECORD(msg_campaign_action, true);
#undef REC

#define REC msg_plan
static const struct msg_field msg_plan_fields[] = {
	TEXT(ep, MSG_REQ), TEXT(verdict, MSG_OPT), TEXT(text, MSG_OPT),
	U32(wave, MSG_OPT), TEXT(before, MSG_OPT),
	U32(wave_before, MSG_OPT), END,
};
RECORD(msg_plan, false);
#undef REC

#define REC msg_event
static const struct msg_field msg_event_fields[] = {
	U64(id, 0), TIME(at, 0), U64(device, MSG_OPT), U64(job, MSG_OPT),
	U64(campaign, MSG_OPT), U64(release, MSG_OPT), TEXT(ep, MSG_OPT),
	TEXT(kind, 0), TEXT(what, 0), U32(grade, 0), TEXT(detail, MSG_OPT),
	END,
};
RECORD(msg_event, false);
#undef REC

#define REC msg_backup
static const struct msg_field msg_backup_fields[] = {
	TEXT(id, 0), TEXT(state, 0), TEXT(by, 0), TIME(created, 0),
	TIME(expires, 0), U64(done, MSG_OPT), U64(total, MSG_OPT),
	U64(size, MSG_OPT), U64(part, 0),
	{"digest", MSG_FIXED, MSG_IF, OFF(digest), SIZE(digest), OFF(ready),
	    0, NULL},
	U32(schema, 0), TEXT(version, 0), TEXT(why, MSG_OPT),
	U64(lost, MSG_OPT), TEXT(audit, MSG_OPT), END,
};
RECORD(msg_backup, false);
#undef REC

#define REC audit_entry
static const struct msg_field msg_audit_fields[] = {
	U64(n, MSG_REQ), TIME(at, MSG_REQ), TEXT(who, MSG_REQ),
	TEXT(kind, MSG_REQ), TEXT(subject, MSG_REQ), TEXT(detail, MSG_REQ),
	FIXED(prev, MSG_REQ), FIXED(hash, MSG_REQ), END,
};
const struct msg_record msg_audit = {"msg_audit", sizeof(struct REC), false,
	msg_audit_fields};
#undef REC

#define REC msg_audit_head
static const struct msg_field msg_audit_head_fields[] = {
	U64(n, MSG_REQ), FIXED(hash, MSG_REQ), END,
};
RECORD(msg_audit_head, false);
#undef REC

#define REC msg_explain
static const struct msg_field msg_explain_fields[] = {
	TEXT(ep, 0), TEXT(runs, MSG_OPT), TEXT(offered, MSG_OPT),
	TEXT(hold, MSG_OPT), TEXT(cause, 0), TEXT(next, MSG_OPT),
	TEXT(advice, MSG_OPT), TEXT(note, MSG_OPT), TIME(until, MSG_OPT),
	IF("job", MSG_RECORD, job, have_job, &msg_job), END,
};
RECORD(msg_explain, false);
#undef REC

#define REC msg_principal_key
static const struct msg_field msg_principal_key_fields[] = {
	TEXT(identity, MSG_REQ), TIME(created, 0), TIME(ends, MSG_OPT), END,
};
static RECORD(msg_principal_key, false);
#undef REC

#define REC msg_principal
static const struct msg_field msg_principal_fields[] = {
	TEXT(name, MSG_REQ), TEXT(rights, MSG_REQ), TEXT(by, MSG_OPT),
	TIME(created, MSG_OPT), BOOL(file, MSG_OPT),
	RECORDS("keys", key, key_count, msg_principal_key), END,
};
RECORD(msg_principal, false);
#undef REC

#define REC msg_principal_put
static const struct msg_field msg_principal_put_fields[] = {
	TEXT(rights, MSG_REQ), END,
};
RECORD(msg_principal_put, true);
#undef REC

#define REC msg_request
static const struct msg_field msg_request_fields[] = {
	U64(id, 0), TEXT(kind, 0), TEXT(what, 0), TEXT(by, 0),
	TEXT(approved, MSG_OPT), TEXT(facts, MSG_OPT), TIME(created, 0),
	TIME(expires, 0), FIXED(digest, 0), END,
};
RECORD(msg_request, false);
#undef REC

#define REC msg_trust
static const struct msg_field msg_trust_fields[] = {
	U64(seq, 0), TIME(since, 0), U32(need, 0), U32(roots, 0),
	U32(keys, 0), U32(denied, 0), U64(refused, 0), FIXED(hash, 0), END,
};
RECORD(msg_trust, false);
#undef REC
