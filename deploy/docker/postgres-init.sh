#!/bin/sh
# Run once by the Postgres image, on an empty data folder: for each service a role, and a database that only this role opens.
set -eu
{
  echo 'revoke connect on database postgres, template1 from public;'
  while read -r service password; do
    name=lineclear_$service
    # Passwords are hexadecimal (make-secrets.sh); as input, not as arguments, they show up in no list of processes.
    echo "create role $name login password '$password';"
    echo "create database $name owner $name encoding 'UTF8' template template0;"
    echo "revoke all on database $name from public;"
  done </run/secrets/postgres_roles
} | psql -v ON_ERROR_STOP=1 --quiet --username "${POSTGRES_USER:-postgres}" --dbname postgres
