-- trust list

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

-- audit
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
