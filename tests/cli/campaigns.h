/* A campaign as a daemon would tell of it, for tests. */
#ifndef SUITD_TESTS_CLI_CAMPAIGNS_H
#define SUITD_TESTS_CLI_CAMPAIGNS_H

#include "cli/campaign.h"

#define NOW 1764000000000 /* 2025-11-24 16:00:00 UTC */

/* 1000 devices looked at, 900 of them in three waves. */
static inline struct msg_campaign
a_plan(void)
{
	struct msg_campaign m = {
		.id = 7, .release = 3, .target = 12, .name = "spring",
		.state = "draft", .select = "class == \"lamp\"",
		.policy = "waves=1%,50%,100% window=\"22:00-05:00\"",
		.planned = true, .by = "alice", .created = NOW - 3600000,
		.verdict_count = 4, .wave_count = 3, .verdict = {
			{.name = "update", .text = "will be updated",
			    .n = 900},
			{.name = "there", .text = "run it already", .n = 60},
			{.name = "revoked", .n = 40},
			{.name = "newer", .text = "run newer", .n = 0},
		}, .waves = {
			{.wave = 1, .size = 10, .state = "closed"},
			{.wave = 2, .size = 440, .state = "closed"},
			{.wave = 3, .size = 450, .state = "closed"},
		},
	};

	for (size_t i = 0; i < sizeof(m.plan); i++)
		m.plan[i] = (uint8_t)(0x10 + i);
	return m;
}

/* It, in its second wave, with names that a stranger has chosen. */
static inline struct msg_campaign
a_run(void)
{
	struct msg_campaign m = a_plan();

	strcpy(m.name, "\033[2Jx");
	strcpy(m.state, "running");
	strcpy(m.approved, "bob");
	strcpy(m.gate, "35 of 44 attempted");
	strcpy(m.hold, "the window is closed");
	m.hold_until = NOW + 600000;
	m.started = NOW - 1800000;
	m.wave = 2;
	m.waves[0] = (struct msg_wave){.wave = 1, .size = 10,
	    .state = "passed", .done = 9, .broke = 1};
	m.waves[1] = (struct msg_wave){.wave = 2, .size = 440,
	    .state = "open", .fresh = 396, .asleep = 2, .active = 4,
	    .retrying = 3, .done = 33, .unreachable = 2};
	m.counts = (struct msg_counts){.queued = 851, .fetching = 4,
	    .active = 4, .done = 42, .failed = 3, .done_l1 = 12,
	    .done_l2 = 30, .failed_l0 = 3};
	strcpy(m.gate_grade, "L0");
	strcpy(m.waves[0].grade, "L1");
	strcpy(m.waves[1].grade, "L2");
	m.attempts = 61;
	m.failure_count = 2;
	m.failure[0] = (struct msg_reason){.name = "boot",
	    .text = "did not boot", .failure = "execution", .n = 1,
	    .over = true};
	m.failure[1] = (struct msg_reason){.name = "silent",
	    .failure = "transport", .n = 5};
	m.per_hour = 120;
	m.eta = NOW + 7 * 3600000;
	strcpy(m.eta_basis, "the last hour");
	return m;
}

static inline struct msg_job
a_job(const char *ep, const char *state)
{
	struct msg_job j = {.id = 41, .campaign = 7, .release = 3,
	    .target = 12, .wave = 2, .attempt = 2, .grade = 1,
	    .created = NOW - 900000, .updated = NOW - 300000};

	strcpy(j.ep, ep);
	strcpy(j.state, state);
	return j;
}

#endif
