-- Of the last time: who decided so, under which snapshot, and in which bucket.
ALTER TABLE verdicts ADD COLUMN proxy TEXT NOT NULL DEFAULT '';
ALTER TABLE verdicts ADD COLUMN generation INTEGER NOT NULL DEFAULT 0;  -- 0: not known
ALTER TABLE verdicts ADD COLUMN last INTEGER NOT NULL DEFAULT 0;
UPDATE verdicts SET last = coalesce((SELECT max(t) FROM verdict_counts WHERE verdict_id = verdicts.id), 0);
