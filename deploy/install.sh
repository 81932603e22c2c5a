#!/bin/sh
# Installs MassaCorp's services on this host, or a newer version over an older one. Safe to repeat: what is there of
# settings, secrets and data stays. Run as root, in the project's folder.
#
#   deploy/install.sh [--database URL] [--no-start] [--back]
#
#   --database   of the PostgreSQL, without user and password. Unless told it stays what it is, and is
#                postgres://127.0.0.1:5432 the first time
#   --no-start   installs, and starts nothing; refused where services run, whose program it would change under them
#   --back       to the program before, where its code can work with the database as it is now
#
# Ends with 75, and has changed nothing, while another one or an uninstall.sh is at work.
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
database=''
start=yes
back=''

while [ $# -gt 0 ]; do
  case $1 in
    --database)
      [ $# -ge 2 ] || fail "--database needs a URL"
      database=$2
      shift
      ;;
    --no-start) start='' ;;
    --back) back=yes ;;
    *) fail "unknown argument $1" ;;
  esac
  shift
done

[ "$(id -u)" -eq 0 ] || fail "needs root"
for program in systemctl systemd-sysusers systemd-tmpfiles; do
  command -v "$program" >/dev/null || fail "needs systemd: there is no $program"
done

# Held by all that this one starts, until the last of it has ended.
exec 9>/run/massacorp-install.lock
flock --nonblock 9 || {
  say "another install.sh, or uninstall.sh, is at work on this host: nothing is changed; run this again when it has ended" >&2
  exit 75
}

# Units and the operator's command, of the program given: those in use belong to the program in use.
install_units() {
  for unit in "$1"/deploy/systemd/massacorp*.service "$1"/deploy/systemd/massacorp*.t[ai]*; do
    case $unit in
      *.service | *.target | *.timer) install -D -m 644 "$unit" "$units/${unit##*/}" ;;
    esac
  done
  install -D -m 755 "$1/deploy/systemd/massacorpctl" /usr/local/sbin/massacorpctl
  systemctl daemon-reload
}

# ready SECONDS: asks for as long, by the program in use.
ready() (
  cd "$home" &&
    DENO_DIR=$home/cache bin/deno run --quiet --no-prompt --cached-only -P=health \
      deploy/production/health.ts --wait "$1" /run/massacorp/operator/api.sock /ready
)

# With the program in use; succeeds when the API serves.
restart() (
  systemctl restart massacorp-wgd.service massacorp-sealer.service massacorp-api.service &&
    systemctl start massacorp.target &&
    ready 60 &&
    systemctl is-active --quiet massacorp-api.service &&
    # Those beside it, where there are any (docs/scaling.md).
    systemctl try-restart 'massacorp-api@*.service'
)

# Whether the program in use serves, whoever started it.
serves() (
  pid=$(systemctl show --property MainPID --value massacorp-api.service) &&
    [ "$(stat -L -c %d:%i "/proc/$pid/exe" 2>/dev/null)" = "$(stat -c %d:%i "$home/bin/deno")" ] &&
    ready 0
)

if [ -n "$back" ]; then
  [ -d "$home.old/deploy/systemd" ] || fail "there is no program before this one in $home.old"
  rm -rf "$home.bad"
  mv "$home" "$home.bad"
  mv "$home.old" "$home"
  install_units "$home"
  restart || fail "the program before does not serve; see: journalctl -u massacorp-api. A database for newer code goes back by a backup"
  say "done: the program before runs; what was tried is in $home.bad"
  exit 0
fi

named=yes
grep -qs '^WG_ENDPOINT=.' "$settings" || named=''
if [ -z "$start" ] || [ -z "$named" ]; then
  start=''
  # Without a migration, and under a process that may load more of its program at any time.
  running=$(systemctl list-units --plain --no-legend --state=active,activating,deactivating 'massacorp-*.service' |
    sed -n 's/^\(massacorp-\(wgd\|sealer\|api\)[^ ]*\) .*/\1/p' | tr '\n' ' ')
  [ -z "$running" ] ||
    fail "nothing is installed: what is not to be started would take the program from ${running% }. First: systemctl stop massacorp.target ${running% }"
fi

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
for part in backup local production compose systemd; do cp -R "$project/deploy/$part" "$fresh/deploy/"; done
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

say "users, folders"
install -D -m 644 "$project/deploy/systemd/massacorp.sysusers" /etc/sysusers.d/massacorp.conf
install -D -m 644 "$project/deploy/systemd/massacorp.tmpfiles" /etc/tmpfiles.d/massacorp.conf
systemd-sysusers massacorp.conf
systemd-tmpfiles --create massacorp.conf
[ -e "$settings" ] || install -D -m 644 "$project/deploy/systemd/massacorp.env" "$settings"

say "secrets"
(
  cd "$fresh"
  DENO_DIR=$fresh/cache "$fresh/bin/deno" run --quiet --no-prompt --cached-only -P=setup \
    deploy/production/setup.ts --data "$data" --run /run/massacorp ${database:+"--database=$database"}
)

[ -n "$named" ] || say "nothing is started yet: set WG_ENDPOINT in $settings, and run this again"

# A newer program migrates before anything of it is installed: where it cannot, the one before goes on as it was.
if [ -n "$start" ]; then
  say "migrations"
  sed -e "s|$home|$fresh|g" -e '/^Restart/d' -e '/^RemainAfterExit/d' -e '/^PartOf/d' \
    "$fresh/deploy/systemd/massacorp-migrate.service" >/run/systemd/system/massacorp-upgrade.service
  systemctl daemon-reload
  systemctl start massacorp-upgrade.service ||
    fail "the database cannot be migrated; what was installed before goes on. See: journalctl -u massacorp-upgrade"
  rm /run/systemd/system/massacorp-upgrade.service
fi

# The program before is kept, unless that one never came up: then the one before it is. One that was only installed
# (--no-start) came up if it serves now.
say "program and units"
if [ -e "$home/untried" ] && ! serves; then
  rm -rf "$home"
elif [ -e "$home" ]; then
  rm -rf "$home.old"
  mv "$home" "$home.old"
fi
: >"$fresh/untried"
mv "$fresh" "$home"
install_units "$home"

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
restart || fail "this version does not serve; see: journalctl -u massacorp-api. To the one before:  deploy/install.sh --back"
rm "$home/untried"
say "done; see: systemctl status massacorp.target massacorp-api, massacorpctl wg:status"
