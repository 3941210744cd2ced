#!/usr/bin/env bash
# Make the secrets of a new installation: secrets.sh writes .env beside itself, once, for this user's eyes only.
set -euo pipefail
cd "$(dirname "$0")"

if [ -e .env ]; then
    echo "secrets.sh: .env exists and is kept. Its RUTTER_SECRET opens what is in the database: do not lose it." >&2
    exit 0
fi

hex() { od -An -v -tx1 -N "$1" /dev/urandom | tr -d ' \n'; } # so many random bytes

umask 077
cat >.env.new <<END
# Keep this file, and a copy of it with your backups: without RUTTER_SECRET the database cannot be used.
RUTTER_SECRET=$(hex 32)
POSTGRES_PASSWORD=$(hex 24)
GARAGE_RPC_SECRET=$(hex 32)
# The form of a key is Garage's: GK and 12 bytes, a secret of 32 bytes.
AWS_ACCESS_KEY_ID=GK$(hex 12)
AWS_SECRET_ACCESS_KEY=$(hex 32)

# What clients reach, when that is not this machine alone (see ../README.md):
#RUTTER_PUBLIC_URL=https://data.example.org
#S3_PUBLIC_URL=https://s3.example.org
#RUTTER_TRUSTED_PROXIES='["172.30.77.1/32", "172.30.77.10/32"]'
END
mv .env.new .env
echo "wrote $(pwd)/.env"
