#!/bin/sh
# Installs MassaCorp's services on this host, or a newer version over an older one. Safe to repeat: what is there of
# settings, secrets and data stays. Run as root, in the project's folder.
#
#   deploy/install.sh [--database URL] [--no-start]
#
#   --database   of the PostgreSQL, without user and password; postgres://127.0.0.1:5432 unless told
#   --no-start   installs, and starts nothing
set -eu
umask 022

say() { printf 'install: %s\n' "$*"; }
fail() {
  printf 'install: %s\n' "$*" >&2
  exit 1
}

project=$(CDPATH='' cd -- "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd -P)
home=/opt/massacorp
data=/var/lib/massacorp
settings=/etc/massacorp/massacorp.env
units=/etc/systemd/system
database=postgres://127.0.0.1:5432
start=yes

while [ $# -gt 0 ]; do
  case $1 in
    --database)
      [ $# -ge 2 ] || fail "--database needs a URL"
      database=$2
      shift
      ;;
    --no-start) start='' ;;
    *) fail "unknown argument $1" ;;
  esac
  shift
done

[ "$(id -u)" -eq 0 ] || fail "needs root"
for program in systemctl systemd-sysusers systemd-tmpfiles; do
  command -v "$program" >/dev/null || fail "needs systemd: there is no $program"
done

# Deno at the pinned version, and the packages of the lock file, as ./massacorp itself gets them.
deno=$("$project/massacorp" prepare)

say "installing the program into $home"
fresh=$home.new
rm -rf "$fresh"
mkdir -p "$fresh/bin" "$fresh/deploy"
cp "$deno" "$fresh/bin/deno"
for part in deno.json deno.lock api db lib wgd sealer node_modules; do
  cp -R "$project/$part" "$fresh/"
done
for part in backup local production compose; do cp -R "$project/deploy/$part" "$fresh/deploy/"; done
find "$fresh" -path "$fresh/node_modules" -prune -o -name '*_test.ts' -exec rm {} +
(
  cd "$fresh"
  # One list for images and hosts.
  argument() { sed -n "s/^ARG $1=\"\(.*\)\"\$/\1/p" deploy/compose/Containerfile; }
  entries=$(argument ENTRIES)
  export DENO_NO_UPDATE_CHECK=1 NO_COLOR=1
  # shellcheck disable=SC2046,SC2086
  "$fresh/bin/deno" run -q -A deploy/compose/prune.ts $entries $(argument FILES)
  rm -rf deploy/compose
  # shellcheck disable=SC2086
  DENO_DIR=$fresh/cache "$fresh/bin/deno" cache --quiet $entries
)
chmod -R a=rX,u+w "$fresh"
chmod 755 "$fresh/bin/deno"

say "users, folders, units"
install -D -m 644 "$project/deploy/systemd/massacorp.sysusers" /etc/sysusers.d/massacorp.conf
install -D -m 644 "$project/deploy/systemd/massacorp.tmpfiles" /etc/tmpfiles.d/massacorp.conf
systemd-sysusers massacorp.conf
systemd-tmpfiles --create massacorp.conf
for unit in "$project"/deploy/systemd/massacorp*.service "$project"/deploy/systemd/massacorp*.t[ai]*; do
  case $unit in
    *.service | *.target | *.timer) install -D -m 644 "$unit" "$units/${unit##*/}" ;;
  esac
done
install -D -m 755 "$project/deploy/systemd/massacorpctl" /usr/local/sbin/massacorpctl
[ -e "$settings" ] || install -D -m 644 "$project/deploy/systemd/massacorp.env" "$settings"

# The old program is kept until the next time: going back is a matter of two names.
rm -rf "$home.old"
[ ! -e "$home" ] || mv "$home" "$home.old"
mv "$fresh" "$home"

say "secrets"
(
  cd "$home"
  DENO_DIR=$home/cache "$home/bin/deno" run --quiet --no-prompt --cached-only -P=setup \
    deploy/production/setup.ts --data "$data" --run /run/massacorp --database "$database"
)

systemctl daemon-reload
systemctl enable massacorp.target
if grep -q '^BACKUP_RECIPIENTS\(_FILE\)\{0,1\}=.' "$settings"; then
  install -d -m 700 /var/backups/massacorp
  systemctl enable massacorp-backup.timer
  [ -z "$start" ] || systemctl start massacorp-backup.timer
else
  systemctl disable --now massacorp-backup.timer 2>/dev/null || true
  say "no backups are made: set BACKUP_RECIPIENTS in $settings, and run this again"
fi
[ -n "$start" ] || exit 0
if ! grep -q '^WG_ENDPOINT=.' "$settings"; then
  say "nothing is started yet: set WG_ENDPOINT in $settings, and run this again"
  exit 0
fi
# A newer program migrates before anything of it runs.
systemctl restart massacorp-migrate.service || fail "the database cannot be migrated; see: journalctl -u massacorp-migrate"
systemctl restart massacorp-wgd.service massacorp-sealer.service massacorp-api.service
systemctl start massacorp.target
say "done; see: systemctl status massacorp.target massacorp-api, massacorpctl wg:status"
