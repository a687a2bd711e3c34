-- Run once, when the volume is new: a role and its databases for each of Pigeonpost and Temporal.
\getenv password POSTGRES_PASSWORD

CREATE ROLE pigeonpost LOGIN PASSWORD :'password';
CREATE DATABASE pigeonpost OWNER pigeonpost;
REVOKE ALL ON DATABASE pigeonpost FROM PUBLIC;

CREATE ROLE temporal LOGIN PASSWORD :'password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
REVOKE ALL ON DATABASE temporal, temporal_visibility FROM PUBLIC;
