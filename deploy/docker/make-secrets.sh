#!/bin/sh
# Makes every password and key that docker-compose.yml needs, each in a file of its own. What is there already stays.
#   deploy/docker/make-secrets.sh [folder]      (default: deploy/docker/secrets)
set -eu
umask 077
dir=${1:-${LINECLEAR_SECRETS_DIR:-$(cd "$(dirname "$0")" && pwd)/secrets}}
mkdir -p "$dir"
chmod 700 "$dir"
cd "$dir"

# Containers get these files themselves, and read them as users of their own: so every user may read a file, and none but
# the owner may enter the folder.
write() {
  [ -s "$1" ] && return
  cat >"$1.new"
  chmod 0444 "$1.new"
  mv "$1.new" "$1"
  echo "made $dir/$1"
}
password() { head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n'; }

# Two files speak of each password: they are made together or not at all.
services='auth secrets approvals queue_scheduler notifier job_poller'
together() {
  found=0 missing=0
  for file in "$@"; do if [ -s "$file" ]; then found=1; else missing=1; fi; done
  if [ "$found$missing" = 11 ]; then
    echo "$dir: some of these are there and some are not; bring the others back from your backup: $*" >&2
    exit 1
  fi
  [ "$missing" = 1 ]
}

if together postgres_roles $(printf '%s_database_url ' $services); then
  roles=
  for service in $services; do
    secret=$(password)
    printf 'postgres://lineclear_%s:%s@postgres:5432/lineclear_%s' "$service" "$secret" "$service" | write "${service}_database_url"
    roles="$roles$service $secret
"
  done
  printf '%s' "$roles" | write postgres_roles
fi

if together nats_passwords $(printf '%s_nats_url ' $services); then
  variables=
  for service in $services; do
    secret=$(password)
    # On the bus a service has the name it has everywhere; in a variable there can be no dash.
    printf 'nats://%s:%s@nats:4222' "$(echo "$service" | tr _ -)" "$secret" | write "${service}_nats_url"
    variables="$variables$(echo "$service" | tr a-z A-Z)_PASSWORD: \"$secret\"
"
  done
  printf '%s' "$variables" | write nats_passwords
fi

if together redis_conf redis_url; then
  secret=$(password)
  printf 'requirepass %s\n' "$secret" | write redis_conf
  printf 'redis://:%s@redis:6379' "$secret" | write redis_url
fi

password | write postgres_password

# Stored secrets cannot be read without this one, ever: keep a copy of it apart from the backups of the database.
head -c 32 /dev/urandom | base64 | write credential_key
# Nor can the secrets of identity providers without this one.
head -c 32 /dev/urandom | base64 | write auth_key
