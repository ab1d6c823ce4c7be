-- rights
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
	approved TEXT NOT NULL -- by whom; '' nobody yet
) STRICT;
