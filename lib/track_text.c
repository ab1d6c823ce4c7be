/*
 * track_text: names of the tracker's numbers, and the one sentence that says
 * why a job is where it is. The numbers are stored; these words are shown.
 */
#include "lib/track.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const event_names[TRACK_EVENTS] = {
	[TRACK_DUE] = "due",
	[TRACK_ADMITTED] = "admitted",
	[TRACK_PUSH_OK] = "push-ok",
	[TRACK_PUSH_FAIL] = "push-fail",
	[TRACK_MANIFEST_GET] = "manifest-get",
	[TRACK_BLOCKS] = "blocks",
	[TRACK_IMAGE_END] = "image-end",
	[TRACK_REPORT] = "report",
	[TRACK_SEEN_RUNNING] = "seen-running",
	[TRACK_REBOOT] = "reboot",
	[TRACK_ALIVE] = "alive",
	[TRACK_STEERED] = "steered",
	[TRACK_CANCEL] = "cancel",
	[TRACK_SUPERSEDE] = "supersede",
	[TRACK_RETRY] = "retry",
	[TRACK_RESTART] = "restart",
};

#define R(id, n, name, text) [n] = {name, text},
static const struct {
	const char *name, *text;
} reasons[REASONS] = {TRACK_REASON_LIST(R)};
#undef R

/* What a person can do about it; nothing where time alone helps. */
static const char *const advice[REASONS] = {
	[REASON_NO_ANSWER] = "check that the device is powered and that its "
	    "address is right",
	[REASON_SILENCE_MANIFEST] = "check that the device can reach this "
	    "server under the announced URI",
	[REASON_SILENCE_BLOCKS] = "check the device's link; a smaller "
	    "concurrency may help",
	[REASON_SILENCE_INSTALL] = "check that the new image boots and "
	    "registers, or that the device can be asked",
	[REASON_PUSH_NOT_FOUND] = "check the device's driver and trigger path",
	[REASON_PUSH_METHOD] = "check the device's driver",
	[REASON_PUSH_TOO_LARGE] = "shorten the manifest or its URL, or use "
	    "another driver",
	[REASON_PUSH_REFUSED] = "check what the device expects of a trigger",
	[REASON_PUSH_RESET] = "check that the device listens on this port",
	[REASON_NO_ADDRESS] = "give the device an address, or let it register",
	[REASON_PARSE] = "check that the manifest's dialect fits the device",
	[REASON_SIGNATURE] = "check that the device trusts the author's key",
	[REASON_UNSUPPORTED] = "check that the manifest's dialect and "
	    "commands fit the device",
	[REASON_CONDITION] = "check vendor, class and slot in the manifest",
	[REASON_DIGEST] = "check the image that was published; suspect the "
	    "device's memory if only one device fails",
	[REASON_STORAGE] = "check the device's flash and its free space",
	[REASON_BOOT] = "stop the campaign if other devices fail like this",
	[REASON_ROLLBACK] = "stop the campaign if other devices fail like "
	    "this",
	[REASON_SEQUENCE] = "publish with a higher sequence number if this "
	    "device shall run it",
	[REASON_CLASS] = "check the device's class",
	[REASON_BUDGET] = "see the job's events, then retry it",
	[REASON_TRUST] = "publish what the trust list allows, or a list that "
	    "allows this release",
	[REASON_RECOVERY] = "stop the campaign; publish an image that starts, "
	    "the device still fetches",
};

const char *
track_event_name(enum track_event_type t)
{
	return (unsigned)t < TRACK_EVENTS ? event_names[t] : "unknown";
}

const char *
track_reason_name(enum track_reason r)
{
	return (unsigned)r < REASONS ? reasons[r].name : "unknown";
}

const char *
track_reason_text(enum track_reason r)
{
	return (unsigned)r < REASONS ? reasons[r].text : "unknown";
}

/* "now", "in 40 s", "in 3 min 20 s", "in 5 h 10 min", "in 2 d 3 h" */
static const char *
in_words(int64_t ms, char *dst, size_t cap)
{
	int64_t s = (ms + 999) / 1000;

	if (s <= 0)
		snprintf(dst, cap, "now");
	else if (s < 60)
		snprintf(dst, cap, "in %" PRId64 " s", s);
	else if (s < 3600)
		snprintf(dst, cap, "in %" PRId64 " min %" PRId64 " s",
		    s / 60, s % 60);
	else if (s < 86400)
		snprintf(dst, cap, "in %" PRId64 " h %" PRId64 " min",
		    s / 3600, s / 60 % 60);
	else
		snprintf(dst, cap, "in %" PRId64 " d %" PRId64 " h",
		    s / 86400, s / 3600 % 24);
	return dst;
}

static void
cause_queued(const struct job *j, struct track_explain *ret)
{
	const char *why = track_reason_text(j->reason);

	if (j->started != 0)
		snprintf(ret->cause, sizeof(ret->cause),
		    "attempt %" PRIu32 " is under way, no answer yet",
		    j->attempt);
	else if (j->due == 0)
		snprintf(ret->cause, sizeof(ret->cause),
		    "waits for the device to speak: %s", why);
	else if (j->reason == REASON_NONE)
		snprintf(ret->cause, sizeof(ret->cause),
		    "queued for attempt %" PRIu32, j->attempt + 1);
	else
		snprintf(ret->cause, sizeof(ret->cause),
		    "put off after attempt %" PRIu32 ": %s", j->attempt, why);
}

static void
cause(const struct job *j, struct track_explain *ret)
{
	size_t n = sizeof(ret->cause);

	switch (j->state) {
	case JOB_QUEUED:
		cause_queued(j, ret);
		break;
	case JOB_NOTIFIED:
		snprintf(ret->cause, n, "the device took the trigger and has "
		    "not asked for the manifest yet");
		break;
	case JOB_FETCHING:
		if (j->total == 0)
			snprintf(ret->cause, n, "downloading: it has asked for "
			    "the manifest, and for no block yet");
		else
			snprintf(ret->cause, n, "downloading: %" PRIu64 " of %"
			    PRIu64 " bytes seen going out", j->done, j->total);
		break;
	case JOB_FETCHED:
		snprintf(ret->cause, n, "the image was fetched, the new "
		    "version has not been seen yet");
		break;
	case JOB_INSTALLING:
		snprintf(ret->cause, n, "%s", j->reason == REASON_REBOOTED ?
		    "the device restarted, what it runs is not known yet" :
		    "the device installs");
		break;
	case JOB_DONE:
		snprintf(ret->cause, n, "the device runs the release");
		break;
	default:
		snprintf(ret->cause, n, "%s: %s", job_state_name(j->state),
		    track_reason_text(j->reason));
		break;
	}
}

void
track_explain(const struct job *job, int64_t now, struct track_explain *ret)
{
	char when[48];
	bool probe = job->state == JOB_FETCHED ||
	    job->state == JOB_INSTALLING;

	*ret = (struct track_explain){0};
	cause(job, ret);
	in_words(job->due - now, when, sizeof(when));
	if (job_state_final(job->state))
		snprintf(ret->next, sizeof(ret->next), "nothing: it is over");
	else if (job->due == 0)
		snprintf(ret->next, sizeof(ret->next),
		    "the next attempt when the device speaks");
	else if (job->state == JOB_QUEUED && job->started == 0)
		snprintf(ret->next, sizeof(ret->next), "attempt %" PRIu32 " %s",
		    job->attempt + 1, when);
	else
		snprintf(ret->next, sizeof(ret->next), "%s %s", probe ?
		    "the device is asked what it runs, or given up," :
		    "silence counts as a failed attempt", when);
	if ((unsigned)job->reason < REASONS && advice[job->reason] != NULL)
		snprintf(ret->advice, sizeof(ret->advice), "%s",
		    advice[job->reason]);
}
