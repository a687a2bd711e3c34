-- Up Migration
-- The trace that an event was emitted in (W3C Trace Context, version 00), so that its attempts go on in it whatever
-- crashes meanwhile; null where nothing was traced.

ALTER TABLE events ADD COLUMN traceparent text;
