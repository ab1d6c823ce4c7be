-- How the kinds of jobs that change are counted is the store's own work now
-- (store_sqlite_tally.c): once in a transaction, not with each of them.
DROP TRIGGER job_tally_update;
DROP TRIGGER job_tally_live;
