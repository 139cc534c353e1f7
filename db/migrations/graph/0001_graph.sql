CREATE TABLE proxies (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  role TEXT NOT NULL,
  epoch INTEGER NOT NULL,          -- its latest
  sequence INTEGER NOT NULL,       -- the highest counted of that epoch
  reports INTEGER NOT NULL,
  duplicates INTEGER NOT NULL,
  first_report INTEGER NOT NULL,   -- unix seconds
  last_report INTEGER NOT NULL
);

-- What each run of a proxy lost, as totals since it began.
CREATE TABLE epochs (
  proxy_id INTEGER NOT NULL REFERENCES proxies(id),
  epoch INTEGER NOT NULL,
  records INTEGER NOT NULL,
  reports INTEGER NOT NULL,
  decoders INTEGER NOT NULL,
  other_edges INTEGER NOT NULL,
  PRIMARY KEY (proxy_id, epoch)
) WITHOUT ROWID;

-- Sequence numbers that were counted, as closed intervals.
CREATE TABLE sequences (
  proxy_id INTEGER NOT NULL REFERENCES proxies(id),
  epoch INTEGER NOT NULL,
  low INTEGER NOT NULL,
  high INTEGER NOT NULL,
  PRIMARY KEY (proxy_id, epoch, low)
) WITHOUT ROWID;

-- Time that reports covered, as half-open intervals of unix milliseconds.
CREATE TABLE coverage (
  proxy_id INTEGER NOT NULL REFERENCES proxies(id),
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  PRIMARY KEY (proxy_id, from_ms)
) WITHOUT ROWID;

-- Who talks to whom, whoever saw it.
CREATE TABLE edges (
  id INTEGER PRIMARY KEY,
  scope TEXT NOT NULL,             -- the proxy's name for addresses that each host has for itself
  client TEXT NOT NULL,
  prefix INTEGER NOT NULL,         -- below 128: a network of unknown peers
  server TEXT NOT NULL,
  port INTEGER NOT NULL,
  protocol TEXT NOT NULL,
  UNIQUE (scope, client, prefix, server, port, protocol)
);

-- An edge as one observer sees it.
CREATE TABLE flows (
  id INTEGER PRIMARY KEY,
  edge_id INTEGER NOT NULL REFERENCES edges(id),
  proxy_id INTEGER NOT NULL REFERENCES proxies(id),
  vantage TEXT NOT NULL,
  unit TEXT NOT NULL,
  exe TEXT NOT NULL,
  uid INTEGER NOT NULL,            -- -1: owner unknown
  tls TEXT NOT NULL,
  captured INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  UNIQUE (edge_id, proxy_id, vantage, unit, exe, uid, tls, captured)
);

CREATE TABLE routes (
  id INTEGER PRIMARY KEY,
  route TEXT NOT NULL UNIQUE
);

CREATE TABLE flow_routes (
  flow_id INTEGER NOT NULL REFERENCES flows(id),
  route_id INTEGER NOT NULL REFERENCES routes(id),
  PRIMARY KEY (flow_id, route_id)
) WITHOUT ROWID;

-- Young buckets of 10 s, as they come.
CREATE TABLE tens (
  t INTEGER NOT NULL,
  flow_id INTEGER NOT NULL,
  counts BLOB NOT NULL,
  routes BLOB NOT NULL,
  PRIMARY KEY (t, flow_id)
) WITHOUT ROWID;

-- Older ones: every level holds all that left `tens`, from its horizon on.
CREATE TABLE buckets (
  res INTEGER NOT NULL,
  t INTEGER NOT NULL,
  flow_id INTEGER NOT NULL,
  counts BLOB NOT NULL,
  routes BLOB NOT NULL,
  PRIMARY KEY (res, t, flow_id)
) WITHOUT ROWID;

CREATE TABLE horizons (
  res INTEGER PRIMARY KEY,         -- 10: what lies before `t` has moved on; else: complete from `t` on
  t INTEGER NOT NULL
);
INSERT INTO horizons (res, t) VALUES (10, 0), (60, 0), (300, 0), (3600, 0), (86400, 0);

CREATE TABLE claims (
  scope TEXT NOT NULL,
  address TEXT NOT NULL,
  port INTEGER NOT NULL,
  source TEXT NOT NULL,
  name TEXT NOT NULL,
  seen INTEGER NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  PRIMARY KEY (scope, address, port, source, name)
) WITHOUT ROWID;

CREATE TABLE aliases (
  node TEXT PRIMARY KEY,
  name TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE counters (
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters (name, value) VALUES
  ('revision', 0), ('folded_edges', 0), ('folded_peers', 0), ('folded_routes', 0), ('dropped_claims', 0);

-- Minutes in which some proxy began or ceased to report: there the merge of two observers needs buckets of 10 s.
CREATE VIEW seams AS
  SELECT from_ms / 60000 * 60 AS t FROM coverage UNION SELECT to_ms / 60000 * 60 FROM coverage;

-- What may leave `tens`: all that is old, but at seams not yet what two observers saw.
CREATE VIEW movable AS
  SELECT t, flow_id, counts, routes FROM tens
  WHERE t < (SELECT t FROM horizons WHERE res = 10)
    AND (t < (SELECT t FROM horizons WHERE res = 60)
         OR t / 60 * 60 NOT IN (SELECT t FROM seams)
         OR flow_id NOT IN (SELECT id FROM flows WHERE edge_id IN (
              SELECT edge_id FROM flows WHERE captured GROUP BY edge_id HAVING count(DISTINCT vantage) > 1)));
