#!/bin/sh
# Run once by the PostgreSQL image, on an empty data directory. Makes, for each service, a database and two roles: one
# owns the tables and migrates, one serves and may do only what migrating granted it.
# Passwords come from SERVICE_PASSWORD and SERVICE_OWNER_PASSWORD, for example INTAKE_OWNER_PASSWORD.
set -eu

for service in intake classification routing notification; do
  prefix=$(printf '%s' "$service" | tr '[:lower:]' '[:upper:]')
  eval "SERVING_PASSWORD=\${${prefix}_PASSWORD:?} OWNER_PASSWORD=\${${prefix}_OWNER_PASSWORD:?}"
  export SERVING_PASSWORD OWNER_PASSWORD
  psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --set "service=$service" --set "owner=${service}_owner" \
    --username "$POSTGRES_USER" --dbname "${POSTGRES_DB:-postgres}" <<'SQL'
-- Read from the environment, not from arguments, which other processes can see.
\getenv serving_password SERVING_PASSWORD
\getenv owner_password OWNER_PASSWORD
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE ROLE :"service" LOGIN PASSWORD :'serving_password';
CREATE DATABASE :"service" OWNER :"owner" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"service" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"service" TO :"service";
\connect :"service"
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO :"service";
SQL
done
