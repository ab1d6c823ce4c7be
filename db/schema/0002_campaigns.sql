-- Campaigns with waves, policies and plans; devices that are revoked. What
-- ran under the first schema goes on: its campaigns are planned and their
-- jobs are of wave 0, which is always open.

ALTER TABLE device ADD COLUMN gap INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0;

ALTER TABLE campaign ADD COLUMN work INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN work_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN source INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN of INTEGER; -- NULL: of none, as follower
ALTER TABLE campaign ADD COLUMN policy TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN planned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN start INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN hard INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN plan BLOB;
-- Numbers of 8 bytes, the highest first: one by verdict; size and place by
-- wave. NULL is all 0.
ALTER TABLE campaign ADD COLUMN verdict BLOB;
ALTER TABLE campaign ADD COLUMN wave INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN wave_count INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN waves BLOB;
ALTER TABLE campaign ADD COLUMN wave_opened INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN wave_met INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN by TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN approved TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN cause TEXT NOT NULL DEFAULT '';
ALTER TABLE campaign ADD COLUMN follower INTEGER;
ALTER TABLE campaign ADD COLUMN started INTEGER NOT NULL DEFAULT 0;
ALTER TABLE campaign ADD COLUMN ended INTEGER NOT NULL DEFAULT 0;

-- They were given a list of devices and began when they were made.
UPDATE campaign SET source = 1, planned = 1, started = created,
	ended = CASE WHEN state >= 3 THEN updated ELSE 0 END;

DROP INDEX campaign_running;
CREATE INDEX campaign_live ON campaign (id) WHERE state < 3 OR work <> 0;

-- Campaigns can be removed, but events stay: no number is used again.
INSERT INTO tally SELECT 'campaign', count(*) FROM campaign;
INSERT INTO tally SELECT 'campaign_id', coalesce(max(id), 0) FROM campaign;
CREATE TRIGGER campaign_tally_insert AFTER INSERT ON campaign BEGIN
	UPDATE tally SET n = n + 1 WHERE name = 'campaign';
	UPDATE tally SET n = new.id WHERE name = 'campaign_id';
END;
CREATE TRIGGER campaign_tally_delete AFTER DELETE ON campaign BEGIN
	UPDATE tally SET n = n - 1 WHERE name = 'campaign';
END;

CREATE TABLE plan (
	campaign INTEGER NOT NULL REFERENCES campaign (id),
	part INTEGER NOT NULL,
	bytes BLOB NOT NULL,
	PRIMARY KEY (campaign, part)
) STRICT;

ALTER TABLE job ADD COLUMN wave INTEGER NOT NULL DEFAULT 0;

-- The wave is before the due time, so that closed waves cost nothing, and so
-- is whether the job has failed: those that never did go first.
DROP INDEX job_queued;
CREATE INDEX job_queued ON job (campaign, wave, last_fail <> 0, due)
	WHERE state = 0 AND started = 0 AND due > 0;
-- Every job in an attempt, by its deadline.
DROP INDEX job_deadline;
CREATE INDEX job_deadline ON job (due)
	WHERE state < 5 AND (state > 0 OR started <> 0);
-- What a person wants to see first.
CREATE INDEX job_slow ON job (campaign, started)
	WHERE state > 0 AND state < 5;
CREATE INDEX job_stuck ON job (campaign, updated)
	WHERE state = 0 AND last_fail <> 0;
CREATE INDEX job_failed ON job (campaign, updated) WHERE state = 6;

-- Jobs by campaign (0: none) and kind (store.h), and the sum of their
-- attempts. A kind that has none left has no row.
DROP TRIGGER job_count_insert;
DROP TRIGGER job_count_update;
DROP TRIGGER job_count_delete;
DROP TABLE job_count;
CREATE TABLE job_tally (
	campaign INTEGER NOT NULL,
	wave INTEGER NOT NULL,
	state INTEGER NOT NULL,
	begun INTEGER NOT NULL,
	waiting INTEGER NOT NULL,
	fail INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	n INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	PRIMARY KEY (campaign, wave, state, begun, waiting, fail, reason)
) STRICT, WITHOUT ROWID;
INSERT INTO job_tally SELECT coalesce(campaign, 0), wave, state,
	state = 0 AND started <> 0, state = 0 AND due = 0, last_fail, reason,
	count(*), sum(attempt) FROM job GROUP BY 1, 2, 3, 4, 5, 6, 7;
INSERT INTO tally SELECT 'job', count(*) FROM job;
INSERT INTO tally SELECT 'job_live', count(*) FROM job WHERE state < 5;

CREATE TRIGGER job_tally_insert AFTER INSERT ON job BEGIN
	INSERT INTO job_tally VALUES (coalesce(new.campaign, 0), new.wave,
		new.state, new.state = 0 AND new.started <> 0,
		new.state = 0 AND new.due = 0, new.last_fail, new.reason,
		1, new.attempt)
		ON CONFLICT DO UPDATE SET n = n + 1,
		attempts = attempts + new.attempt;
	UPDATE tally SET n = n + 1 WHERE name = 'job';
	UPDATE tally SET n = n + (new.state < 5) WHERE name = 'job_live';
END;
CREATE TRIGGER job_tally_update
AFTER UPDATE OF state, started, due, last_fail, reason, attempt ON job
WHEN old.state <> new.state OR old.last_fail <> new.last_fail
	OR old.reason <> new.reason OR old.attempt <> new.attempt
	OR (old.started <> 0) <> (new.started <> 0)
	OR (old.due = 0) <> (new.due = 0) BEGIN
	UPDATE job_tally SET n = n - 1, attempts = attempts - old.attempt
		WHERE campaign = coalesce(old.campaign, 0)
		AND wave = old.wave AND state = old.state
		AND begun = (old.state = 0 AND old.started <> 0)
		AND waiting = (old.state = 0 AND old.due = 0)
		AND fail = old.last_fail AND reason = old.reason;
	INSERT INTO job_tally VALUES (coalesce(new.campaign, 0), new.wave,
		new.state, new.state = 0 AND new.started <> 0,
		new.state = 0 AND new.due = 0, new.last_fail, new.reason,
		1, new.attempt)
		ON CONFLICT DO UPDATE SET n = n + 1,
		attempts = attempts + new.attempt;
END;
CREATE TRIGGER job_tally_live AFTER UPDATE OF state ON job
WHEN (old.state < 5) <> (new.state < 5) BEGIN
	UPDATE tally SET n = n + (new.state < 5) - (old.state < 5)
		WHERE name = 'job_live';
END;
CREATE TRIGGER job_tally_delete AFTER DELETE ON job BEGIN
	UPDATE job_tally SET n = n - 1, attempts = attempts - old.attempt
		WHERE campaign = coalesce(old.campaign, 0)
		AND wave = old.wave AND state = old.state
		AND begun = (old.state = 0 AND old.started <> 0)
		AND waiting = (old.state = 0 AND old.due = 0)
		AND fail = old.last_fail AND reason = old.reason;
	UPDATE tally SET n = n - 1 WHERE name = 'job';
	UPDATE tally SET n = n - (old.state < 5) WHERE name = 'job_live';
END;
CREATE TRIGGER job_tally_none AFTER UPDATE OF n ON job_tally
WHEN new.n = 0 BEGIN
	DELETE FROM job_tally WHERE campaign = new.campaign
		AND wave = new.wave AND state = new.state
		AND begun = new.begun AND waiting = new.waiting
		AND fail = new.fail AND reason = new.reason;
END;
