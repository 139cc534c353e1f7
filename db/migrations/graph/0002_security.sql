-- A flow is also of one kind of security and one identity. Its unique key grows, so the table is made anew, and with it
-- the one that points to it; old rows are of the time when nobody asked.
DROP VIEW movable;

CREATE TABLE kept_routes AS SELECT flow_id, route_id FROM flow_routes;
DROP TABLE flow_routes;

CREATE TABLE secured_flows (
  id INTEGER PRIMARY KEY,
  edge_id INTEGER NOT NULL REFERENCES edges(id),
  proxy_id INTEGER NOT NULL REFERENCES proxies(id),
  vantage TEXT NOT NULL,
  unit TEXT NOT NULL,
  exe TEXT NOT NULL,
  uid INTEGER NOT NULL,            -- -1: owner unknown
  tls TEXT NOT NULL,
  captured INTEGER NOT NULL,
  security TEXT NOT NULL,          -- empty: nobody asked
  identity TEXT NOT NULL,          -- of the proxy at the other end; empty: none
  first_seen INTEGER NOT NULL,
  last_seen INTEGER NOT NULL,
  UNIQUE (edge_id, proxy_id, vantage, unit, exe, uid, tls, captured, security, identity)
);
INSERT INTO secured_flows
  SELECT id, edge_id, proxy_id, vantage, unit, exe, uid, tls, captured, '', '', first_seen, last_seen FROM flows;
DROP TABLE flows;
ALTER TABLE secured_flows RENAME TO flows;

CREATE TABLE flow_routes (
  flow_id INTEGER NOT NULL REFERENCES flows(id),
  route_id INTEGER NOT NULL REFERENCES routes(id),
  PRIMARY KEY (flow_id, route_id)
) WITHOUT ROWID;
INSERT INTO flow_routes (flow_id, route_id) SELECT flow_id, route_id FROM kept_routes;
DROP TABLE kept_routes;

INSERT INTO counters (name, value) VALUES ('folded_identities', 0);

-- What may leave `tens`, as before.
CREATE VIEW movable AS
  SELECT t, flow_id, counts, routes FROM tens
  WHERE t < (SELECT t FROM horizons WHERE res = 10)
    AND (t < (SELECT t FROM horizons WHERE res = 60)
         OR t / 60 * 60 NOT IN (SELECT t FROM seams)
         OR flow_id NOT IN (SELECT id FROM flows WHERE edge_id IN (
              SELECT edge_id FROM flows WHERE captured GROUP BY edge_id HAVING count(DISTINCT vantage) > 1)));
