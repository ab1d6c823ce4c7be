-- credentials
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

INSERT INTO credential (device, kind, identity, secret, label, created, used,
	counter) SELECT device, 1, identity, key, '', 0, 0, 0 FROM psk;
DROP TABLE psk;

-- certificates
-- Of clients, that an operator revoked: "SERIAL@ISSUER", "SERIAL@" of any
-- issuer, or a fingerprint. The authorities' own lists are files.

CREATE TABLE cert_revoked (
	name TEXT PRIMARY KEY,
	at INTEGER NOT NULL,
	reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
