-- boot reports

-- Outcomes are counted by the grade of their evidence, too: of done and of
-- failed jobs, and of those that failed and are tried again. Any other job
-- has grade 0 here. Nothing is lost: it is what the jobs say.
DROP TRIGGER job_tally_insert;
DROP TRIGGER job_tally_delete;
DROP TRIGGER job_tally_none;
DROP TABLE job_tally;
CREATE TABLE job_tally (
	campaign INTEGER NOT NULL,
	wave INTEGER NOT NULL,
	state INTEGER NOT NULL,
	begun INTEGER NOT NULL,
	waiting INTEGER NOT NULL,
	fail INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	grade INTEGER NOT NULL,
	n INTEGER NOT NULL,
	attempts INTEGER NOT NULL,
	PRIMARY KEY (campaign, wave, state, begun, waiting, fail, reason, grade)
) STRICT, WITHOUT ROWID;
INSERT INTO job_tally SELECT coalesce(campaign, 0), wave, state,
	state = 0 AND started <> 0, state = 0 AND due = 0, last_fail, reason,
	CASE WHEN state >= 5 OR (state = 0 AND started = 0
		AND last_fail <> 0) THEN grade ELSE 0 END,
	count(*), sum(attempt) FROM job GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

CREATE TRIGGER job_tally_insert AFTER INSERT ON job BEGIN
	INSERT INTO job_tally VALUES (coalesce(new.campaign, 0), new.wave,
		new.state, new.state = 0 AND new.started <> 0,
		new.state = 0 AND new.due = 0, new.last_fail, new.reason,
		CASE WHEN new.state >= 5 OR (new.state = 0 AND new.started = 0
			AND new.last_fail <> 0) THEN new.grade ELSE 0 END,
		1, new.attempt)
		ON CONFLICT DO UPDATE SET n = n + 1,
		attempts = attempts + new.attempt;
	UPDATE tally SET n = n + 1 WHERE name = 'job';
	UPDATE tally SET n = n + (new.state < 5) WHERE name = 'job_live';
END;
CREATE TRIGGER job_tally_delete AFTER DELETE ON job BEGIN
	UPDATE job_tally SET n = n - 1, attempts = attempts - old.attempt
		WHERE campaign = coalesce(old.campaign, 0)
		AND wave = old.wave AND state = old.state
		AND begun = (old.state = 0 AND old.started <> 0)
		AND waiting = (old.state = 0 AND old.due = 0)
		AND fail = old.last_fail AND reason = old.reason
		AND grade = CASE WHEN old.state >= 5 OR (old.state = 0
			AND old.started = 0 AND old.last_fail <> 0)
			THEN old.grade ELSE 0 END;
	UPDATE tally SET n = n - 1 WHERE name = 'job';
	UPDATE tally SET n = n - (old.state < 5) WHERE name = 'job_live';
END;
CREATE TRIGGER job_tally_none AFTER UPDATE OF n ON job_tally
WHEN new.n = 0 BEGIN
	DELETE FROM job_tally WHERE campaign = new.campaign
		AND wave = new.wave AND state = new.state
		AND begun = new.begun AND waiting = new.waiting
		AND fail = new.fail AND reason = new.reason
		AND grade = new.grade;
END;

-- The key of a device's bootloader, and what was taken of it last: no report
-- of this epoch counts that is not above (boot_ctr, report_seq).
CREATE TABLE attest (
	device INTEGER PRIMARY KEY REFERENCES device (id),
	kid BLOB NOT NULL UNIQUE,
	key BLOB NOT NULL,
	created INTEGER NOT NULL,
	epoch BLOB, -- NULL: no report yet
	boot_ctr INTEGER NOT NULL,
	report_seq INTEGER NOT NULL,
	result INTEGER NOT NULL,
	sequence INTEGER NOT NULL,
	list_seq INTEGER, -- NULL: it has no trust list
	at INTEGER NOT NULL,
	fresh_at INTEGER NOT NULL, -- with a nonce of ours; 0: never
	pending BLOB, -- an epoch that waits for an operator
	gone BLOB NOT NULL, -- epochs before, 8 bytes each
	refused INTEGER NOT NULL,
	refused_at INTEGER NOT NULL
) STRICT;
