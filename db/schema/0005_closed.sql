-- Closed by default: what devices prove themselves with, who may do what, what
-- was done, whom to trust, and what bootloaders say.

-- --- devices ---

-- Whose word a device's class is. Of the classes that are there nobody knows.
ALTER TABLE device ADD COLUMN class_set INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN class_said BLOB; -- NULL: no other than class_id

-- --- credentials ---

-- What a device proves itself with, of all kinds in one table; a device may
-- have two of a kind, so that they can be changed one after the other. Those
-- that were in psk go on.

CREATE TABLE credential (
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: the log stays
	device INTEGER REFERENCES device (id), -- NULL: of none
	kind INTEGER NOT NULL, -- 1 PSK, 2 certificate, 3 OSCORE
	identity TEXT NOT NULL,
	secret BLOB, -- NULL: nothing that must be kept secret
	label TEXT NOT NULL,
	created INTEGER NOT NULL, -- 0: not known
	used INTEGER NOT NULL, -- 0: never
	ends INTEGER, -- NULL: never
	counter INTEGER NOT NULL,
	UNIQUE (kind, identity)
) STRICT;
CREATE INDEX credential_device ON credential (device, kind)
	WHERE device IS NOT NULL;
CREATE INDEX credential_ends ON credential (ends) WHERE ends IS NOT NULL;
-- By the key itself: whose it is, too. The device is in it, so that one look is
-- one read even when a thousand have the same.
CREATE INDEX credential_secret ON credential (secret, device)
	WHERE kind = 1 AND device IS NOT NULL;

INSERT INTO credential (device, kind, identity, secret, label, created, used,
	counter) SELECT device, 1, identity, key, '', 0, 0, 0 FROM psk;
DROP TABLE psk;

-- --- certificates ---

-- Of clients, that an operator revoked: "SERIAL@ISSUER", "SERIAL@" of any
-- issuer, or a fingerprint. The authorities' own lists are files.

CREATE TABLE cert_revoked (
	name TEXT PRIMARY KEY,
	at INTEGER NOT NULL,
	reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- --- rights ---

-- Who may do what, but for the lines of admin.psk, and what waits for a
-- second person.

CREATE TABLE principal (
	name TEXT PRIMARY KEY,
	rights TEXT NOT NULL, -- rights.h's line
	by TEXT NOT NULL,
	created INTEGER NOT NULL,
	last_key INTEGER NOT NULL -- the number of the newest one
) STRICT, WITHOUT ROWID;

-- Not in a backup: store_copy empties it.
CREATE TABLE principal_key (
	identity TEXT PRIMARY KEY,
	principal TEXT NOT NULL REFERENCES principal (name),
	key BLOB NOT NULL,
	created INTEGER NOT NULL,
	ends INTEGER NOT NULL -- 0: never
) STRICT, WITHOUT ROWID;
CREATE INDEX principal_key_of ON principal_key (principal, identity);

CREATE TABLE request (
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again
	kind INTEGER NOT NULL, -- eyes.h's
	by TEXT NOT NULL,
	what TEXT NOT NULL,
	created INTEGER NOT NULL,
	expires INTEGER NOT NULL,
	digest BLOB NOT NULL, -- SHA-256 of all that was asked for
	approved TEXT NOT NULL, -- by whom; '' nobody yet
	facts TEXT NOT NULL -- what it means, a line each
) STRICT;

-- --- audit ---

-- The log of lib/audit.h: numbers have no gaps, and what was written stays as
-- it is. Triggers refuse whatever else this program, or a tool that asks
-- SQLite nicely, would do; who goes around them meets the chain.
CREATE TABLE audit (
	n INTEGER PRIMARY KEY AUTOINCREMENT, -- and so the last one is known
	at INTEGER NOT NULL,
	who TEXT NOT NULL,
	kind TEXT NOT NULL,
	subject TEXT NOT NULL,
	detail TEXT NOT NULL,
	prev BLOB NOT NULL,
	hash BLOB NOT NULL
) STRICT;
CREATE INDEX audit_who ON audit (who);
CREATE INDEX audit_kind ON audit (kind);
CREATE INDEX audit_subject ON audit (subject);

-- The head of what was pruned; only rows up to it may go.
CREATE TABLE audit_base (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	n INTEGER NOT NULL,
	hash BLOB NOT NULL
) STRICT;
INSERT INTO audit_base VALUES (1, 0, zeroblob(32));

CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN
	SELECT raise(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
WHEN old.n > (SELECT n FROM audit_base WHERE id = 1) BEGIN
	SELECT raise(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_no_gap BEFORE INSERT ON audit
WHEN new.n <> 1 + coalesce((SELECT max(n) FROM audit),
	(SELECT n FROM audit_base WHERE id = 1)) BEGIN
	SELECT raise(ABORT, 'the audit log has no gaps');
END;
CREATE TRIGGER audit_base_forward BEFORE UPDATE ON audit_base
WHEN new.n < old.n OR NOT EXISTS (SELECT 1 FROM audit
	WHERE n = new.n AND hash = new.hash) BEGIN
	SELECT raise(ABORT, 'the audit log is pruned from its beginning');
END;
CREATE TRIGGER audit_base_one BEFORE INSERT ON audit_base BEGIN
	SELECT raise(ABORT, 'the audit log is append-only');
END;
CREATE TRIGGER audit_base_stays BEFORE DELETE ON audit_base BEGIN
	SELECT raise(ABORT, 'the audit log is append-only');
END;

-- --- trust list ---

-- Every list that was ever in force, as it was signed: a device walks them
-- one by one, so none is changed and none goes.
CREATE TABLE trust (
	seq INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	by TEXT NOT NULL,
	list BLOB NOT NULL
) STRICT;
CREATE TRIGGER trust_no_update BEFORE UPDATE ON trust BEGIN
	SELECT raise(ABORT, 'a trust list is never changed');
END;
CREATE TRIGGER trust_no_delete BEFORE DELETE ON trust BEGIN
	SELECT raise(ABORT, 'a trust list is never dropped');
END;

-- --- boot reports ---

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

-- How many devices have told which trust list they have: so that nobody walks
-- attest to know.
CREATE TABLE list_tally (
	list_seq INTEGER PRIMARY KEY,
	n INTEGER NOT NULL
) STRICT;
CREATE TRIGGER list_tally_insert AFTER INSERT ON attest
WHEN new.list_seq IS NOT NULL BEGIN
	INSERT INTO list_tally VALUES (new.list_seq, 1)
		ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER list_tally_update AFTER UPDATE OF list_seq ON attest
WHEN old.list_seq IS NOT new.list_seq BEGIN
	UPDATE list_tally SET n = n - 1 WHERE list_seq = old.list_seq;
	INSERT INTO list_tally SELECT new.list_seq, 1
		WHERE new.list_seq IS NOT NULL
		ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER list_tally_delete AFTER DELETE ON attest
WHEN old.list_seq IS NOT NULL BEGIN
	UPDATE list_tally SET n = n - 1 WHERE list_seq = old.list_seq;
END;
CREATE TRIGGER list_tally_none AFTER UPDATE OF n ON list_tally
WHEN new.n = 0 BEGIN
	DELETE FROM list_tally WHERE list_seq = new.list_seq;
END;
