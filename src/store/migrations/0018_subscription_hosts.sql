-- Up Migration
-- For finding subscriptions, and with them deliveries, by the host of their URL.

-- The host name of a URL in lower case, without credentials and port; null for a text that is no URL.
CREATE FUNCTION url_host(url text) RETURNS text IMMUTABLE PARALLEL SAFE STRICT LANGUAGE sql AS $$
  SELECT lower(substring(url FROM '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:@]+)'))
$$;
-- Deleted ones as well, as their deliveries are listed. Failures update no column of it, so these updates stay heap-only.
CREATE INDEX subscriptions_by_host ON subscriptions (url_host(url), id);
