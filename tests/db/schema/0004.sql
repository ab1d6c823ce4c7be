-- A database of schema 4 with rows in every table, as sqlite3's .dump wrote
-- it. Never edited: it is what a suitd of that time has left.
PRAGMA application_id = 0x53554954;
PRAGMA user_version = 4;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (
	name TEXT PRIMARY KEY,
	value BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('admin',X'61646d696e');
INSERT INTO meta VALUES('note',X'');
CREATE TABLE tally (
	name TEXT PRIMARY KEY,
	n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO tally VALUES('ahead',1);
INSERT INTO tally VALUES('campaign',3);
INSERT INTO tally VALUES('campaign_id',3);
INSERT INTO tally VALUES('device',10);
INSERT INTO tally VALUES('job',11);
INSERT INTO tally VALUES('job_live',8);
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
, gap INTEGER NOT NULL DEFAULT 0, revoked INTEGER NOT NULL DEFAULT 0, ahead INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO device VALUES(1,'d1',X'07000000000000000000000000000000',NULL,1,0,1,'coap://h1',1,'a1',0,1,1,'1.1',1,1,99,60,0,11,13,X'73697465003100',0,0,0);
INSERT INTO device VALUES(2,'d2',X'07000000000000000000000000000000',NULL,2,0,0,'coap://h2',1,'a2',0,2,2,'1.2',1,2,99,60,0,11,14,NULL,60,0,0);
INSERT INTO device VALUES(3,'d3',X'07000000000000000000000000000000',NULL,3,0,1,'coap://h3',1,'a3',1,3,0,'1.3',1,3,99,60,0,11,15,X'73697465003000',0,0,0);
INSERT INTO device VALUES(4,'d4',X'07000000000000000000000000000000',NULL,0,0,0,'coap://h4',1,'a4',0,4,1,'1.4',1,4,99,60,0,11,16,NULL,0,0,0);
INSERT INTO device VALUES(5,'d5',X'07000000000000000000000000000000',NULL,1,0,1,'coap://h5',1,'a5',0,5,2,'1.5',1,5,99,60,0,11,17,X'73697465003200',0,0,0);
INSERT INTO device VALUES(6,'d6',X'07000000000000000000000000000000',NULL,2,0,0,'coap://h6',1,'a6',0,6,0,'1.6',1,6,99,60,0,11,18,NULL,0,0,0);
INSERT INTO device VALUES(7,'d7',X'07000000000000000000000000000000',NULL,3,0,1,'coap://h7',1,'a7',0,7,1,'1.7',1,7,99,60,0,11,19,X'73697465003100',0,0,0);
INSERT INTO device VALUES(8,'d8',X'07000000000000000000000000000000',NULL,0,0,0,'coap://h8',1,'a8',0,8,2,'1.8',1,8,99,60,0,11,20,NULL,0,0,1);
INSERT INTO device VALUES(9,'d9',NULL,NULL,1,0,1,'coap://h9',1,'a9',0,9,0,'1.9',1,9,99,60,0,11,21,X'73697465003000',0,1,0);
INSERT INTO device VALUES(10,'d10',NULL,NULL,2,0,0,'coap://h10',1,'a10',0,NULL,1,'1.10',0,NULL,99,60,0,11,22,NULL,0,0,0);
CREATE TABLE device_tag (
	name TEXT NOT NULL,
	ep TEXT NOT NULL,
	value TEXT NOT NULL,
	device INTEGER NOT NULL,
	PRIMARY KEY (name, ep)
) STRICT, WITHOUT ROWID;
INSERT INTO device_tag VALUES('site','d3','0',3);
INSERT INTO device_tag VALUES('site','d9','0',9);
INSERT INTO device_tag VALUES('site','d1','1',1);
INSERT INTO device_tag VALUES('site','d7','1',7);
INSERT INTO device_tag VALUES('site','d5','2',5);
CREATE TABLE psk (
	identity TEXT PRIMARY KEY,
	device INTEGER REFERENCES device (id),
	key BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO psk VALUES('d3',3,X'00112233445566778899aabbccddeeff');
INSERT INTO psk VALUES('gateway',NULL,X'ff112233445566778899aabbccddeeff');
CREATE TABLE author (
	name TEXT PRIMARY KEY,
	kid BLOB NOT NULL,
	key BLOB NOT NULL,
	classes BLOB NOT NULL, -- 16 bytes each
	created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO author VALUES('alice',X'0102030405060708',X'a101',X'',50);
INSERT INTO author VALUES('bob',X'1112131415161718',X'a102',X'07000000000000000000000000000000',51);
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
INSERT INTO "release" VALUES(1,X'0101010101010101010101010101010101010101010101010101010101010101',5,0,1,'alice',X'07000000000000000000000000000000',X'22000000000000000000000000000000',5000,'','v1',70,3,X'd86b01');
INSERT INTO "release" VALUES(2,X'0202020202020202020202020202020202020202020202020202020202020202',9,0,0,'bob',X'07000000000000000000000000000000',NULL,7000,'a warning','',80,4,X'd86b0202');
CREATE TABLE release_class (
	class_id BLOB NOT NULL,
	release INTEGER NOT NULL REFERENCES release (id),
	PRIMARY KEY (class_id, release)
) STRICT, WITHOUT ROWID;
INSERT INTO release_class VALUES(X'07000000000000000000000000000000',1);
INSERT INTO release_class VALUES(X'07000000000000000000000000000000',2);
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
INSERT INTO payload VALUES(1,0,X'a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1',5000,'fw/a.bin','coap://fw.example/fw/a.bin',0);
INSERT INTO payload VALUES(2,0,X'a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2',6000,'fw/b.bin','coap://fw.example/fw/b.bin',0);
INSERT INTO payload VALUES(2,1,X'a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3a3',1000,NULL,'coap://else.example/c.bin',1);
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
, work INTEGER NOT NULL DEFAULT 0, work_at INTEGER NOT NULL DEFAULT 0, source INTEGER NOT NULL DEFAULT 0, of INTEGER, policy TEXT NOT NULL DEFAULT '', planned INTEGER NOT NULL DEFAULT 0, start INTEGER NOT NULL DEFAULT 0, hard INTEGER NOT NULL DEFAULT 0, plan BLOB, verdict BLOB, wave INTEGER NOT NULL DEFAULT 0, wave_count INTEGER NOT NULL DEFAULT 0, waves BLOB, wave_opened INTEGER NOT NULL DEFAULT 0, wave_met INTEGER NOT NULL DEFAULT 0, by TEXT NOT NULL DEFAULT '', approved TEXT NOT NULL DEFAULT '', cause TEXT NOT NULL DEFAULT '', follower INTEGER, started INTEGER NOT NULL DEFAULT 0, ended INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO campaign VALUES(1,2,'one',1,10,'ep ~ "d*"',100,200,4,0,0,0,NULL,'waves=50%,100%',1,0,0,X'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',X'0000000000000007000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',1,2,X'0000000000000004000000000000000400000000000000030000000000000007000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000',111,0,'admin','boss','',NULL,110,0);
INSERT INTO campaign VALUES(2,2,'',2,1,'',101,201,1,0,0,0,NULL,'',0,0,0,NULL,NULL,0,0,NULL,0,0,'','','',NULL,0,0);
INSERT INTO campaign VALUES(3,1,'old',3,1,'',102,202,9,0,0,0,NULL,'',0,0,0,NULL,NULL,0,0,NULL,0,0,'','','',NULL,0,0);
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
, wave INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO job VALUES(1,1,1,2,9,0,0,0,0,0,0,0,0,0,0,0,60,61,30,0,0,0,1,0);
INSERT INTO job VALUES(2,1,2,2,9,0,0,0,0,0,0,0,0,0,0,0,60,62,20,0,0,0,1,1);
INSERT INTO job VALUES(3,1,3,2,9,0,0,1,0,1,0,0,0,0,1,1,60,63,10,0,0,0,1,1);
INSERT INTO job VALUES(4,1,4,2,9,2,0,2,0,0,0,0,0,0,0,0,60,64,500,40,1000,6000,1,1);
INSERT INTO job VALUES(5,1,5,2,9,0,0,1,0,0,0,0,0,0,0,0,60,65,400,50,0,0,1,2);
INSERT INTO job VALUES(6,1,6,2,9,0,0,3,0,1,0,0,0,0,1,1,60,66,0,0,0,0,1,2);
INSERT INTO job VALUES(7,1,7,2,9,5,0,1,0,0,0,0,0,0,0,0,60,67,0,0,0,0,1,2);
INSERT INTO job VALUES(8,2,8,2,9,0,0,0,0,0,0,0,0,0,0,0,60,68,5,0,0,0,1,0);
INSERT INTO job VALUES(9,3,9,1,5,6,0,4,0,1,0,0,0,0,3,17,60,69,0,0,0,0,1,0);
INSERT INTO job VALUES(10,NULL,10,2,9,0,0,0,0,0,0,0,0,0,0,0,60,70,25,0,0,0,1,0);
INSERT INTO job VALUES(11,3,1,1,5,7,0,0,0,0,0,0,0,0,0,25,60,61,0,0,0,0,1,0);
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
INSERT INTO event VALUES(5,301,1,1,1,2,'d1','job','queued',0,'detail 1');
INSERT INTO event VALUES(6,302,2,2,1,2,'d2','job','queued',0,'detail 2');
INSERT INTO event VALUES(7,303,3,3,1,2,'d3','job','queued',0,'detail 3');
INSERT INTO event VALUES(8,304,4,4,1,2,'d4','job','queued',0,'detail 4');
INSERT INTO event VALUES(9,305,5,5,1,2,'d5','job','queued',0,'detail 5');
INSERT INTO event VALUES(10,306,6,6,1,2,'d6','job','queued',0,'detail 6');
INSERT INTO event VALUES(11,307,7,7,1,2,'d7','job','queued',0,'detail 7');
INSERT INTO event VALUES(12,308,8,8,NULL,2,'d8','job','queued',0,'detail 8');
INSERT INTO event VALUES(13,309,9,9,NULL,2,'d9','job','queued',0,'detail 9');
INSERT INTO event VALUES(14,310,10,10,NULL,2,'d10','job','queued',0,'detail 10');
CREATE TABLE plan (
	campaign INTEGER NOT NULL REFERENCES campaign (id),
	part INTEGER NOT NULL,
	bytes BLOB NOT NULL,
	PRIMARY KEY (campaign, part)
) STRICT;
INSERT INTO "plan" VALUES(1,0,X'0102');
INSERT INTO "plan" VALUES(1,1,X'03');
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
INSERT INTO job_tally VALUES(0,0,0,0,0,0,0,1,0);
INSERT INTO job_tally VALUES(1,0,0,0,0,0,0,1,0);
INSERT INTO job_tally VALUES(1,1,0,0,0,0,0,1,0);
INSERT INTO job_tally VALUES(1,1,0,0,0,1,1,1,1);
INSERT INTO job_tally VALUES(1,1,2,0,0,0,0,1,2);
INSERT INTO job_tally VALUES(1,2,0,0,1,1,1,1,3);
INSERT INTO job_tally VALUES(1,2,0,1,0,0,0,1,1);
INSERT INTO job_tally VALUES(1,2,5,0,0,0,0,1,1);
INSERT INTO job_tally VALUES(2,0,0,0,0,0,0,1,0);
INSERT INTO job_tally VALUES(3,0,6,0,0,3,17,1,4);
INSERT INTO job_tally VALUES(3,0,7,0,0,0,25,1,0);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('device',10);
INSERT INTO sqlite_sequence VALUES('job',11);
INSERT INTO sqlite_sequence VALUES('event',14);
CREATE INDEX device_addr ON device (addr) WHERE addr IS NOT NULL;
CREATE INDEX device_class ON device (class_id, ep)
	WHERE class_id IS NOT NULL;
CREATE INDEX device_tag_value ON device_tag (name, value, ep, device);
CREATE TRIGGER device_tally_insert AFTER INSERT ON device BEGIN
	UPDATE tally SET n = n + 1 WHERE name = 'device';
END;
CREATE TRIGGER device_tally_delete AFTER DELETE ON device BEGIN
	UPDATE tally SET n = n - 1 WHERE name = 'device';
END;
CREATE INDEX psk_device ON psk (device) WHERE device IS NOT NULL;
CREATE INDEX payload_digest ON payload (digest);
CREATE INDEX payload_path ON payload (path, digest) WHERE path IS NOT NULL;
CREATE INDEX job_device ON job (device);
CREATE INDEX job_campaign ON job (campaign);
CREATE UNIQUE INDEX job_live ON job (device) WHERE state < 5;
CREATE INDEX job_live_release ON job (release) WHERE state < 5;
CREATE INDEX event_device ON event (device) WHERE device IS NOT NULL;
CREATE INDEX event_job ON event (job) WHERE job IS NOT NULL;
CREATE INDEX event_campaign ON event (campaign) WHERE campaign IS NOT NULL;
CREATE INDEX event_release ON event (release) WHERE release IS NOT NULL;
CREATE INDEX campaign_live ON campaign (id) WHERE state < 3 OR work <> 0;
CREATE TRIGGER campaign_tally_insert AFTER INSERT ON campaign BEGIN
	UPDATE tally SET n = n + 1 WHERE name = 'campaign';
	UPDATE tally SET n = new.id WHERE name = 'campaign_id';
END;
CREATE TRIGGER campaign_tally_delete AFTER DELETE ON campaign BEGIN
	UPDATE tally SET n = n - 1 WHERE name = 'campaign';
END;
CREATE INDEX job_queued ON job (campaign, wave, last_fail <> 0, due)
	WHERE state = 0 AND started = 0 AND due > 0;
CREATE INDEX job_deadline ON job (due)
	WHERE state < 5 AND (state > 0 OR started <> 0);
CREATE INDEX job_slow ON job (campaign, started)
	WHERE state > 0 AND state < 5;
CREATE INDEX job_stuck ON job (campaign, updated)
	WHERE state = 0 AND last_fail <> 0;
CREATE INDEX job_failed ON job (campaign, updated) WHERE state = 6;
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
CREATE INDEX device_ahead ON device (class_id, seq) WHERE ahead = 1;
CREATE TRIGGER device_tally_ahead AFTER UPDATE OF ahead ON device
WHEN new.ahead <> old.ahead BEGIN
	UPDATE tally SET n = n + new.ahead - old.ahead WHERE name = 'ahead';
END;
CREATE TRIGGER device_tally_ahead_delete AFTER DELETE ON device
WHEN old.ahead = 1 BEGIN
	UPDATE tally SET n = n - 1 WHERE name = 'ahead';
END;
COMMIT;
