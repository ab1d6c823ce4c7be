-- A database of schema 5 with rows in every table, as sqlite3's .dump wrote
-- it. Never edited: it is what a suitd of that time has left.
PRAGMA application_id = 0x53554954;
PRAGMA user_version = 5;
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
, gap INTEGER NOT NULL DEFAULT 0, revoked INTEGER NOT NULL DEFAULT 0, ahead INTEGER NOT NULL DEFAULT 0, class_set INTEGER NOT NULL DEFAULT 0, class_said BLOB) STRICT;
INSERT INTO device VALUES(1,'d1',X'07000000000000000000000000000000',NULL,1,0,1,'coap://h1',1,'a1',1,1,1,'1.1',1,1,99,60,0,11,13,X'73697465003100',0,0,0,1,X'08000000000000000000000000000000');
INSERT INTO device VALUES(2,'d2',X'07000000000000000000000000000000',NULL,2,0,0,'coap://h2',1,'a2',1,2,2,'1.2',1,2,99,60,0,11,14,NULL,60,0,0,1,NULL);
INSERT INTO device VALUES(3,'d3',X'07000000000000000000000000000000',NULL,3,0,1,'coap://h3',1,'a3',1,3,0,'1.3',1,3,99,60,0,11,15,X'73697465003000',0,0,0,0,NULL);
INSERT INTO device VALUES(4,'d4',X'07000000000000000000000000000000',NULL,0,0,0,'coap://h4',1,'a4',0,4,1,'1.4',1,4,99,60,0,11,16,NULL,0,0,0,0,NULL);
INSERT INTO device VALUES(5,'d5',X'07000000000000000000000000000000',NULL,1,0,1,'coap://h5',1,'a5',0,5,2,'1.5',1,5,99,60,0,11,17,X'73697465003200',0,0,0,0,NULL);
INSERT INTO device VALUES(6,'d6',X'07000000000000000000000000000000',NULL,2,0,0,'coap://h6',1,'a6',0,6,0,'1.6',1,6,99,60,0,11,18,NULL,0,0,0,0,NULL);
INSERT INTO device VALUES(7,'d7',X'07000000000000000000000000000000',NULL,3,0,1,'coap://h7',1,'a7',0,7,1,'1.7',1,7,99,60,0,11,19,X'73697465003100',0,0,0,0,NULL);
INSERT INTO device VALUES(8,'d8',X'07000000000000000000000000000000',NULL,0,0,0,'coap://h8',1,'a8',0,8,2,'1.8',1,8,99,60,0,11,20,NULL,0,0,1,0,NULL);
INSERT INTO device VALUES(9,'d9',NULL,NULL,1,0,1,'coap://h9',1,'a9',0,9,0,'1.9',1,9,99,60,0,11,21,X'73697465003000',0,1,0,0,NULL);
INSERT INTO device VALUES(10,'d10',NULL,NULL,2,0,0,'coap://h10',1,'a10',0,NULL,1,'1.10',0,NULL,99,60,0,11,22,NULL,0,0,0,0,NULL);
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
INSERT INTO credential VALUES(1,3,1,'d3',X'00112233445566778899aabbccddeeff','',0,0,4000000000000,0);
INSERT INTO credential VALUES(2,NULL,1,'gateway',X'ff112233445566778899aabbccddeeff','',0,0,NULL,0);
INSERT INTO credential VALUES(3,3,1,'d3#2',X'000102030405060708090a0b0c0d0e0f','',300,310,NULL,0);
INSERT INTO credential VALUES(4,1,2,'06298432e8066b29e2223bcc23aa9504b56ae508fabf3435508869b9c3190e22',NULL,'2a@CN=devices',301,302,4000000000000,0);
INSERT INTO credential VALUES(5,2,1,'d2',X'0102030405060708090a0b0c0d0e0f10','',303,0,NULL,0);
CREATE TABLE cert_revoked (
	name TEXT PRIMARY KEY,
	at INTEGER NOT NULL,
	reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO cert_revoked VALUES('2B@CN=devices',303,'lost');
CREATE TABLE principal (
	name TEXT PRIMARY KEY,
	rights TEXT NOT NULL, -- rights.h's line
	by TEXT NOT NULL,
	created INTEGER NOT NULL,
	last_key INTEGER NOT NULL -- the number of the newest one
) STRICT, WITHOUT ROWID;
INSERT INTO principal VALUES('olga','role=operator tag=site:a','admin',304,2);
CREATE TABLE principal_key (
	identity TEXT PRIMARY KEY,
	principal TEXT NOT NULL REFERENCES principal (name),
	key BLOB NOT NULL,
	created INTEGER NOT NULL,
	ends INTEGER NOT NULL -- 0: never
) STRICT, WITHOUT ROWID;
INSERT INTO principal_key VALUES('olga:1','olga',X'000102030405060708090a0b0c0d0e0f',304,4000000000000);
INSERT INTO principal_key VALUES('olga:2','olga',X'0f0e0d0c0b0a09080706050403020100',305,0);
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
INSERT INTO request VALUES(1,1,'olga','publish',306,4000000000000,X'454349e422f05297191ead13e21d3db520e5abef52055e4964b82fb213f593a1','','publish sequence 7');
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
INSERT INTO audit VALUES(1,301,'','start','','suitd 0.2.0',X'0000000000000000000000000000000000000000000000000000000000000000',X'823b02167ceebbf6ae904bcf0120936d0877c8087412d136fb0c58a0c03c126f');
INSERT INTO audit VALUES(2,302,'admin','device.add','d1','class=demo',X'823b02167ceebbf6ae904bcf0120936d0877c8087412d136fb0c58a0c03c126f',X'faad0406bbfd765b1226c00fc465b71d921e54d4c641773ae106c8f41677b7fc');
INSERT INTO audit VALUES(3,303,'?','refusal','GET a/status','UNAUTHORIZED: a credential is needed',X'faad0406bbfd765b1226c00fc465b71d921e54d4c641773ae106c8f41677b7fc',X'1c196fcaeab2119f4de55f8c3fdc5d9d0062457ae2f833425c8095910f749bdc');
CREATE TABLE audit_base (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	n INTEGER NOT NULL,
	hash BLOB NOT NULL
) STRICT;
INSERT INTO audit_base VALUES(1,0,X'0000000000000000000000000000000000000000000000000000000000000000');
CREATE TABLE trust (
	seq INTEGER PRIMARY KEY,
	at INTEGER NOT NULL,
	by TEXT NOT NULL,
	list BLOB NOT NULL
) STRICT;
INSERT INTO trust VALUES(1,307,'admin',X'd862845820a110781c6170706c69636174696f6e2f73756974642d74727573742b63626f72a058dca601010258200000000000000000000000000000000000000000000000000000000000000000038201a401022001215820d0af7bffabf603ca452210be894bad983ce4a1b91d290c32fe016d0dbddf72a3225820ff2e33725eafd23f954e27a7aa3cac73b0000701f9feb0773d3234ff4a4f55230481a50148d4e48ce0cb800bc502a401022001215820921759143a892f98b9ac67d6bde4c77f8a8f296ea6915491f763311b53e68c482258203c3ff13faf15892c28072c59139e19c80b80642639ae25cfb119da5c979c9bd7030104f50765616c696365058006a081834da2012804488fb51ca265b9c65da05840815fee9aaf459e920b4ed9389535ce8760a80df116517e3512e051608e718fca49f4bb6a6aa2061ee6800338a38f277cbc581d83f39543ce0aad1ed5f5381edc');
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
INSERT INTO job_tally VALUES(0,0,0,0,0,0,0,0,1,0);
INSERT INTO job_tally VALUES(1,0,0,0,0,0,0,0,1,0);
INSERT INTO job_tally VALUES(1,1,0,0,0,0,0,0,1,0);
INSERT INTO job_tally VALUES(1,1,0,0,0,1,1,0,1,1);
INSERT INTO job_tally VALUES(1,1,2,0,0,0,0,0,1,2);
INSERT INTO job_tally VALUES(1,2,0,0,1,1,1,0,1,3);
INSERT INTO job_tally VALUES(1,2,0,1,0,0,0,0,1,1);
INSERT INTO job_tally VALUES(1,2,5,0,0,0,0,0,1,1);
INSERT INTO job_tally VALUES(2,0,0,0,0,0,0,0,1,0);
INSERT INTO job_tally VALUES(3,0,6,0,0,3,17,0,1,4);
INSERT INTO job_tally VALUES(3,0,7,0,0,0,25,0,1,0);
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
INSERT INTO attest VALUES(1,X'65adfba9bfbff84c',X'a40102200121582026312aca2ab3b4c2448b6384adbd34594d96209884543e63e201889855189eee225820725bbaf983c2e2bb0bc1d8b8f9378d99cb3ce0a927c4be24655f5b8d8af73c75',308,X'0102030405060708',5,70,0,3,1,309,0,NULL,X'0807060504030201',2,310);
CREATE TABLE list_tally (
	list_seq INTEGER PRIMARY KEY,
	n INTEGER NOT NULL
) STRICT;
INSERT INTO list_tally VALUES(1,1);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('device',10);
INSERT INTO sqlite_sequence VALUES('job',11);
INSERT INTO sqlite_sequence VALUES('event',14);
INSERT INTO sqlite_sequence VALUES('credential',5);
INSERT INTO sqlite_sequence VALUES('request',1);
INSERT INTO sqlite_sequence VALUES('audit',3);
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
CREATE INDEX device_ahead ON device (class_id, seq) WHERE ahead = 1;
CREATE TRIGGER device_tally_ahead AFTER UPDATE OF ahead ON device
WHEN new.ahead <> old.ahead BEGIN
	UPDATE tally SET n = n + new.ahead - old.ahead WHERE name = 'ahead';
END;
CREATE TRIGGER device_tally_ahead_delete AFTER DELETE ON device
WHEN old.ahead = 1 BEGIN
	UPDATE tally SET n = n - 1 WHERE name = 'ahead';
END;
CREATE INDEX credential_device ON credential (device, kind)
	WHERE device IS NOT NULL;
CREATE INDEX credential_ends ON credential (ends) WHERE ends IS NOT NULL;
CREATE INDEX credential_secret ON credential (secret, device)
	WHERE kind = 1 AND device IS NOT NULL;
CREATE INDEX principal_key_of ON principal_key (principal, identity);
CREATE INDEX audit_who ON audit (who);
CREATE INDEX audit_kind ON audit (kind);
CREATE INDEX audit_subject ON audit (subject);
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
CREATE TRIGGER trust_no_update BEFORE UPDATE ON trust BEGIN
	SELECT raise(ABORT, 'a trust list is never changed');
END;
CREATE TRIGGER trust_no_delete BEFORE DELETE ON trust BEGIN
	SELECT raise(ABORT, 'a trust list is never dropped');
END;
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
COMMIT;
