#!/bin/sh
# Brings Temporal's two databases to the schema of this image. Run at every start: what is there already is kept.
# SQL_HOST, SQL_USER and so on, which temporal-sql-tool reads, say where they are.
set -eu

schemas=/etc/temporal/schema/postgresql/v12

for schema in temporal visibility; do
  database=temporal
  if [ "$schema" = visibility ]; then database=temporal_visibility; fi
  temporal-sql-tool --database "$database" setup-schema --version 0.0
  temporal-sql-tool --database "$database" update-schema --schema-dir "$schemas/$schema/versioned"
done
