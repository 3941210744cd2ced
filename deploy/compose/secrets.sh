#!/usr/bin/env bash
# Generates the secrets of a new installation: writes .env beside this script, once, readable by this user only.
set -euo pipefail
cd "$(dirname "$0")"

if [ -e .env ]; then
    echo "secrets.sh: .env exists and is kept. Its RUTTER_SECRET opens what is in the database: do not lose it." >&2
    exit 0
fi

hex() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; } # N random bytes in hexadecimal

umask 077
cat >.env.new <<END
# Keep this file, and a copy of it with your backups: without RUTTER_SECRET the database cannot be used.
RUTTER_SECRET=$(hex 32)
POSTGRES_PASSWORD=$(hex 24)
GARAGE_RPC_SECRET=$(hex 32)
# Garage requires this format of keys: GK and 12 bytes, and a secret of 32 bytes.
AWS_ACCESS_KEY_ID=GK$(hex 12)
AWS_SECRET_ACCESS_KEY=$(hex 32)

# URLs for clients on other machines (see ../README.md):
#RUTTER_PUBLIC_URL=https://data.example.org
#S3_PUBLIC_URL=https://s3.example.org
#RUTTER_TRUSTED_PROXIES='["172.30.77.1/32", "172.30.77.10/32"]'
END
mv .env.new .env
echo "wrote $(pwd)/.env"
