-- Up Migration
-- What grows with every event is partitioned by time, so that what has been kept for long enough is dropped and not
-- deleted row by row. Ids sort by time, so a range of time is a range of ids: every primary key stays as it is, and a
-- look-up by id goes to one partition. src/store/partitions.ts makes partitions ahead of time and drops them.
--
-- Rows that are there already are not moved: their table becomes the partition of everything before a week to come. That
-- takes one scan of each table whatever its size, needs no second copy on the disk, and keeps the indexes that are built.

-- The lowest id at a time: a TypeID is 10 characters of milliseconds in base32, then version, variant and chance.
CREATE FUNCTION pg_temp.lowest_id(kind text, at timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT kind || '_' || string_agg(
           substr('0123456789abcdefghjkmnpqrstvwxyz', ((floor(extract(epoch FROM at) * 1000)::bigint >> place) & 31)::int + 1, 1),
           '' ORDER BY place DESC
         ) || 'e008000000000000'
  FROM generate_series(0, 45, 5) AS place
$$;

-- What is there steps aside; the names of its indexes are wanted too.
DO $$
DECLARE
  former text;
BEGIN
  FOREACH former IN ARRAY ARRAY['events', 'event_bodies', 'deliveries', 'attempts'] LOOP
    EXECUTE format('ALTER TABLE %I RENAME TO %I', former, former || '_before');
  END LOOP;
  FOR former IN
    SELECT indexrelid::regclass::text FROM pg_index
    WHERE indrelid IN ('events_before'::regclass, 'event_bodies_before'::regclass, 'deliveries_before'::regclass,
                       'attempts_before'::regclass)
  LOOP
    EXECUTE format('ALTER INDEX %s RENAME TO %s', former, former || '_before');
  END LOOP;
END
$$;

CREATE TABLE events (LIKE events_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (id))
  PARTITION BY RANGE (id);
CREATE INDEX events_by_account ON events (account_id, id);

CREATE TABLE event_bodies (
  LIKE event_bodies_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (event_id, variant)
) PARTITION BY RANGE (event_id);

CREATE TABLE deliveries (LIKE deliveries_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (id))
  PARTITION BY RANGE (id);
CREATE INDEX deliveries_by_account ON deliveries (account_id, id DESC);
CREATE INDEX deliveries_by_subscription ON deliveries (subscription_id, id DESC);
CREATE INDEX deliveries_by_event ON deliveries (event_id);
CREATE INDEX deliveries_unowned ON deliveries (updated_at) WHERE NOT owned AND state = 'pending';
CREATE INDEX deliveries_open ON deliveries (subscription_id, id) WHERE state IN ('pending', 'retrying', 'paused');
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE state = 'retrying';
CREATE INDEX deliveries_started ON deliveries (coalesce(next_attempt_at, updated_at)) WHERE owned AND state = 'pending';
CREATE INDEX deliveries_paused ON deliveries (subscription_id, id) WHERE state = 'paused';
-- New ones: what was not accepted is looked for among much that was.
CREATE INDEX deliveries_unaccepted ON deliveries (subscription_id, state, id DESC) WHERE state IN ('failed', 'cancelled');
CREATE INDEX deliveries_unaccepted_by_account ON deliveries (state, account_id, id DESC)
  WHERE state IN ('failed', 'cancelled');

CREATE TABLE attempts (
  LIKE attempts_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS, PRIMARY KEY (delivery_id, number)
) PARTITION BY RANGE (delivery_id);

-- An insert never fails for want of a partition.
CREATE TABLE events_default PARTITION OF events DEFAULT;
CREATE TABLE event_bodies_default PARTITION OF event_bodies DEFAULT;
CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT;
CREATE TABLE attempts_default PARTITION OF attempts DEFAULT;

-- Weeks begin on Monday, UTC. What is there ends before the first week that begins after now and after the newest id,
-- which a process with a clock ahead of this one may have made.
DO $$
DECLARE
  week timestamptz := date_trunc('week', now(), 'UTC') + interval '7 days';
  newest text := greatest((SELECT substr(max(id), 5) FROM events_before),
                          (SELECT substr(max(id), 5) FROM deliveries_before));
  former record;
BEGIN
  WHILE newest >= substr(pg_temp.lowest_id('evt', week), 5) LOOP
    week := week + interval '7 days';
  END LOOP;
  FOR former IN VALUES ('events', 'evt'), ('event_bodies', 'evt'), ('deliveries', 'dlv'), ('attempts', 'dlv') LOOP
    IF newest IS NULL THEN
      EXECUTE format('DROP TABLE %I', former.column1 || '_before');
    ELSE
      EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', former.column1,
                     former.column1 || '_before', pg_temp.lowest_id(former.column2, week));
      -- See src/store/partitions.ts.
      EXECUTE format('ALTER TABLE %I SET (autovacuum_freeze_min_age = 0)', former.column1 || '_before');
    END IF;
  END LOOP;
END
$$;

-- Days that what happened in an account is kept for; 0 for ever, null for what the installation is set to.
ALTER TABLE accounts ADD COLUMN retention_days integer CHECK (retention_days >= 0);
