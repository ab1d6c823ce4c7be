-- The first schema. Text and blobs are as in store.h; 0 and "" that mean
-- "none" are NULL where an index or a reference is on the column. Unsigned
-- 64-bit numbers are stored by their bits (negative: above 2^63 - 1).

CREATE TABLE meta (
	name TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Row counts that no count(*) can give cheaply; kept by triggers.
CREATE TABLE tally (
	name TEXT PRIMARY KEY,
	n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO tally VALUES ('device', 0);

CREATE TABLE device (
	id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: events stay
	ep TEXT NOT NULL UNIQUE,
	class_id BLOB,
	vendor BLOB,
	driver INTEGER NOT NULL,
	driver_set INTEGER NOT NULL,
	nul_trigger INTEGER NOT NULL,
	uri TEXT NOT NULL,
	uri_set INTEGER NOT NULL,
	addr TEXT,
	have_psk INTEGER NOT NULL,
	seq INTEGER,
	seq_grade INTEGER NOT NULL,
	version TEXT NOT NULL,
	registered INTEGER NOT NULL,
	reg INTEGER UNIQUE,
	reg_expires INTEGER NOT NULL,
	reg_lt INTEGER NOT NULL,
	reg_base INTEGER NOT NULL,
	created INTEGER NOT NULL,
	seen INTEGER NOT NULL,
	tags BLOB -- name NUL value NUL ...; device_tag is its index
) STRICT;
CREATE INDEX device_addr ON device (addr) WHERE addr IS NOT NULL;
CREATE INDEX device_class ON device (class_id, ep)
	WHERE class_id IS NOT NULL;

CREATE TABLE device_tag (
	name TEXT NOT NULL,
	ep TEXT NOT NULL,
	value TEXT NOT NULL,
	device INTEGER NOT NULL,
	PRIMARY KEY (name, ep)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_tag_value ON device_tag (name, value, ep, device);

CREATE TRIGGER device_tally_insert AFTER INSERT ON device BEGIN
	UPDATE tally SET n = n + 1 WHERE name = 'device';
END;
CREATE TRIGGER device_tally_delete AFTER DELETE ON device BEGIN
	UPDATE tally SET n = n - 1 WHERE name = 'device';
END;

CREATE TABLE psk (
	identity TEXT PRIMARY KEY,
	device INTEGER REFERENCES device (id),
	key BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX psk_device ON psk (device) WHERE device IS NOT NULL;

CREATE TABLE author (
	name TEXT PRIMARY KEY,
	kid BLOB NOT NULL,
	key BLOB NOT NULL,
	classes BLOB NOT NULL, -- 16 bytes each
	created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE release (
	id INTEGER PRIMARY KEY,
	digest BLOB NOT NULL UNIQUE,
	seq INTEGER NOT NULL,
	dialect INTEGER NOT NULL,
	state INTEGER NOT NULL,
	author TEXT NOT NULL,
	classes BLOB NOT NULL, -- release_class is its index
	vendor BLOB,
	image_bytes INTEGER NOT NULL,
	warning TEXT NOT NULL,
	label TEXT NOT NULL,
	created INTEGER NOT NULL,
	envelope_len INTEGER NOT NULL,
	envelope BLOB NOT NULL -- last: its pages are read only when asked for
) STRICT;

CREATE TABLE release_class (
	class_id BLOB NOT NULL,
	release INTEGER NOT NULL REFERENCES release (id),
	PRIMARY KEY (class_id, release)
) STRICT, WITHOUT ROWID;

CREATE TABLE payload (
	release INTEGER NOT NULL REFERENCES release (id),
	ord INTEGER NOT NULL,
	digest BLOB NOT NULL,
	size INTEGER NOT NULL,
	path TEXT, -- never changes its bytes, also after withdrawal
	uri TEXT NOT NULL,
	external INTEGER NOT NULL,
	PRIMARY KEY (release, ord)
) STRICT, WITHOUT ROWID;
CREATE INDEX payload_digest ON payload (digest);
CREATE INDEX payload_path ON payload (path, digest) WHERE path IS NOT NULL;

CREATE TABLE campaign (
	id INTEGER PRIMARY KEY,
	release INTEGER NOT NULL REFERENCES release (id),
	name TEXT NOT NULL,
	state INTEGER NOT NULL,
	concurrency INTEGER NOT NULL,
	selected TEXT NOT NULL,
	created INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	version INTEGER NOT NULL
) STRICT;
CREATE INDEX campaign_running ON campaign (id) WHERE state = 1;

-- State: 0 queued, 1 .. 4 in an attempt, 5 and above final (lib/track.h). A
-- queued job with `started` is in an attempt, too: its trigger is under way.
CREATE TABLE job (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	campaign INTEGER REFERENCES campaign (id),
	device INTEGER NOT NULL REFERENCES device (id),
	release INTEGER NOT NULL REFERENCES release (id),
	target_seq INTEGER NOT NULL,
	state INTEGER NOT NULL,
	grade INTEGER NOT NULL,
	attempt INTEGER NOT NULL,
	fails_0 INTEGER NOT NULL,
	fails_1 INTEGER NOT NULL,
	fails_2 INTEGER NOT NULL,
	fails_3 INTEGER NOT NULL,
	fails_4 INTEGER NOT NULL,
	fails_5 INTEGER NOT NULL,
	last_fail INTEGER NOT NULL,
	reason INTEGER NOT NULL,
	created INTEGER NOT NULL,
	updated INTEGER NOT NULL,
	due INTEGER NOT NULL,
	started INTEGER NOT NULL,
	done INTEGER NOT NULL,
	total INTEGER NOT NULL,
	version INTEGER NOT NULL
) STRICT;
CREATE INDEX job_device ON job (device);
CREATE INDEX job_campaign ON job (campaign);
CREATE UNIQUE INDEX job_live ON job (device) WHERE state < 5;
CREATE INDEX job_live_release ON job (release) WHERE state < 5;
-- What the clock asks for: deadlines of attempts, and the queue by campaign.
CREATE INDEX job_deadline ON job (due)
	WHERE state < 5 AND (state > 0 OR started <> 0) AND due > 0;
CREATE INDEX job_queued ON job (campaign, due)
	WHERE state = 0 AND started = 0 AND due > 0;

-- Jobs per campaign (0: none) and state. `kind` tells failed ones by their
-- failure class, and queued ones by whether an attempt has begun.
CREATE TABLE job_count (
	campaign INTEGER NOT NULL,
	state INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY (campaign, state, kind)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER job_count_insert AFTER INSERT ON job BEGIN
	INSERT INTO job_count VALUES (coalesce(new.campaign, 0), new.state,
		CASE new.state WHEN 6 THEN new.last_fail
		WHEN 0 THEN new.started <> 0 ELSE 0 END, 1)
		ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER job_count_update AFTER UPDATE OF state, last_fail, started
ON job WHEN old.state <> new.state OR old.last_fail <> new.last_fail
	OR (old.started <> 0) <> (new.started <> 0) BEGIN
	UPDATE job_count SET n = n - 1
		WHERE campaign = coalesce(old.campaign, 0)
		AND state = old.state
		AND kind = CASE old.state WHEN 6 THEN old.last_fail
		WHEN 0 THEN old.started <> 0 ELSE 0 END;
	INSERT INTO job_count VALUES (coalesce(new.campaign, 0), new.state,
		CASE new.state WHEN 6 THEN new.last_fail
		WHEN 0 THEN new.started <> 0 ELSE 0 END, 1)
		ON CONFLICT DO UPDATE SET n = n + 1;
END;
CREATE TRIGGER job_count_delete AFTER DELETE ON job BEGIN
	UPDATE job_count SET n = n - 1
		WHERE campaign = coalesce(old.campaign, 0)
		AND state = old.state
		AND kind = CASE old.state WHEN 6 THEN old.last_fail
		WHEN 0 THEN old.started <> 0 ELSE 0 END;
END;

-- Ids have no gaps (pruned from the front only), so they also count.
CREATE TABLE event (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL,
	device INTEGER,
	job INTEGER,
	campaign INTEGER,
	release INTEGER,
	ep TEXT NOT NULL,
	kind TEXT NOT NULL,
	what TEXT NOT NULL,
	grade INTEGER NOT NULL,
	detail TEXT NOT NULL
) STRICT;
CREATE INDEX event_device ON event (device) WHERE device IS NOT NULL;
CREATE INDEX event_job ON event (job) WHERE job IS NOT NULL;
CREATE INDEX event_campaign ON event (campaign) WHERE campaign IS NOT NULL;
CREATE INDEX event_release ON event (release) WHERE release IS NOT NULL;
