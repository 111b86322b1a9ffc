#!/bin/sh
# Installs Debian or Ubuntu packages by name where they are missing: as root, or through sudo where
# that asks for nothing. Otherwise says what to install and goes on; what needs them says so itself.
# Usage: scripts/system-packages.sh PROGRAM=PACKAGE ...
set -u
missing=
for pair in "$@"; do
  command -v "${pair%%=*}" >/dev/null 2>&1 || missing="$missing ${pair#*=}"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  echo "cordon: please install:$missing" >&2
  exit 0
fi
if [ "$(id -u)" = 0 ]; then as=
elif sudo -n true 2>/dev/null; then as="sudo -n"
else
  echo "cordon: please run: sudo apt-get install -y$missing" >&2
  exit 0
fi
echo "cordon: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 -- words on purpose
$as apt-get install -y --no-install-recommends $missing >/dev/null 2>&1 ||
  { $as apt-get update >/dev/null 2>&1 && $as apt-get install -y --no-install-recommends $missing >/dev/null; } ||
  echo "cordon: could not install$missing" >&2
