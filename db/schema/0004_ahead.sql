-- Devices that run a newer sequence than any release that is known for their
-- class: the store is an old one that was restored, or somebody else updates
-- them. Counted as the others are; the index is of these alone.
ALTER TABLE device ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0;
CREATE INDEX device_ahead ON device (class_id, seq) WHERE ahead = 1;

INSERT INTO tally VALUES ('ahead', 0);
CREATE TRIGGER device_tally_ahead AFTER UPDATE OF ahead ON device
WHEN new.ahead <> old.ahead BEGIN
	UPDATE tally SET n = n + new.ahead - old.ahead WHERE name = 'ahead';
END;
CREATE TRIGGER device_tally_ahead_delete AFTER DELETE ON device
WHEN old.ahead = 1 BEGIN
	UPDATE tally SET n = n - 1 WHERE name = 'ahead';
END;
