-- Whom a feature of the destination's service denied, or would have denied.
CREATE TABLE verdicts (
  id INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,             -- the proxy's name for addresses that each host has for itself
  client TEXT NOT NULL,
  server TEXT NOT NULL,
  port INTEGER NOT NULL,
  identity TEXT NOT NULL,          -- SPIFFE id; empty: none was proven
  feature TEXT NOT NULL,
  rule TEXT NOT NULL,
  enforced INTEGER NOT NULL,
  UNIQUE (scope, client, server, port, identity, feature, rule, enforced)
);

-- How often: each connection in one row, which moves to a coarser bucket when it is old.
CREATE TABLE verdict_counts (
  res INTEGER NOT NULL,
  t INTEGER NOT NULL,
  verdict_id INTEGER NOT NULL REFERENCES verdicts(id),
  count INTEGER NOT NULL,
  PRIMARY KEY (res, t, verdict_id)
) WITHOUT ROWID;

INSERT INTO counters (name, value) VALUES ('folded_verdicts', 0);
