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
