-- What PostgreSQL understands too.

-- What the controller knows for good.
CREATE TABLE documents (
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  revision BIGINT NOT NULL,        -- of the commit that wrote it last
  body TEXT NOT NULL,              -- canonical JSON
  digest TEXT NOT NULL,            -- SHA-256 of the other columns
  PRIMARY KEY (kind, key)
);

-- The audit log: only ever added to.
CREATE TABLE events (
  sequence BIGINT NOT NULL PRIMARY KEY,
  at BIGINT NOT NULL,              -- unix milliseconds
  who TEXT NOT NULL,
  via TEXT NOT NULL,
  from_address TEXT NOT NULL,
  verb TEXT NOT NULL,
  reason TEXT NOT NULL,
  ticket TEXT NOT NULL,
  correlation TEXT NOT NULL,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  from_revision BIGINT NOT NULL,   -- 0: there was no document
  to_revision BIGINT NOT NULL,     -- 0: there is none any more
  patch TEXT NOT NULL,             -- canonical JSON
  previous TEXT NOT NULL,          -- hash of the event before
  hash TEXT NOT NULL
);
CREATE INDEX events_by_document ON events (kind, key, sequence);
CREATE INDEX events_by_time ON events (at, sequence);

-- Where the ledger stands; one row. It tells a log whose end was cut off from a shorter one.
CREATE TABLE heads (
  name TEXT NOT NULL PRIMARY KEY,
  revision BIGINT NOT NULL,        -- the last one given
  sequence BIGINT NOT NULL,        -- of the last event
  hash TEXT NOT NULL               -- of the last event
);
INSERT INTO heads (name, revision, sequence, hash) VALUES
  ('ledger', 0, 0, '0000000000000000000000000000000000000000000000000000000000000000');
