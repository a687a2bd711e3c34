-- Up Migration
-- Payloads that are sealed with the encryption key (src/store/payloads.ts). Null where a row is not sealed; where it is, the
-- text beside it is empty. Ciphertext cannot be compressed, and a part of it is read without the rest.

ALTER TABLE events ADD COLUMN sealed bytea;
ALTER TABLE event_bodies ADD COLUMN sealed bytea;
-- The headers and the beginning of the response, which may repeat the payload.
ALTER TABLE attempts ADD COLUMN sealed bytea;
ALTER TABLE events ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE event_bodies ALTER COLUMN sealed SET STORAGE EXTERNAL;
ALTER TABLE attempts ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- By the id of the key, which is in the bytes after the version: so a rotation finds what it has to seal again, and a start
-- finds keys that are missing. Rows that are not sealed cost nothing here.
CREATE INDEX events_sealed ON events ((substring(sealed FROM 2 FOR 4)), id) WHERE sealed IS NOT NULL;
CREATE INDEX event_bodies_sealed ON event_bodies ((substring(sealed FROM 2 FOR 4)), event_id, variant)
  WHERE sealed IS NOT NULL;
CREATE INDEX attempts_sealed ON attempts ((substring(sealed FROM 2 FOR 4)), delivery_id, number) WHERE sealed IS NOT NULL;
