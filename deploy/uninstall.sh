#!/bin/sh
# Takes MassaCorp's services and program away, and keeps settings, secrets and data: /etc/massacorp, /var/lib/massacorp,
# the users that own them, /var/backups/massacorp, and the database. A later install.sh goes on with them. Run as root.
# Ends with 75, and has changed nothing, while an install.sh or another one is at work.
set -eu

[ "$(id -u)" -eq 0 ] || {
  echo "uninstall: needs root" >&2
  exit 1
}
exec 9>/run/massacorp-install.lock
flock --nonblock 9 || {
  echo "uninstall: an install.sh, or another uninstall.sh, is at work on this host: nothing is changed; run this again when it has ended" >&2
  exit 75
}
for unit in massacorp.target massacorp-backup.timer massacorp-backup massacorp-api 'massacorp-api@*' massacorp-sealer massacorp-wgd massacorp-migrate; do
  systemctl stop "$unit" 2>/dev/null || true
done
systemctl disable massacorp.target massacorp-backup.timer massacorp-api@.service 2>/dev/null || true

# The tunnel outlives its daemon; here it has to go.
settings=/etc/massacorp/massacorp.env
if [ -x /opt/massacorp/bin/deno ] && [ -r "$settings" ]; then
  (
    # Read and not sourced: it is systemd's, and what follows a space in a value there is a command to a shell.
    WG_INTERFACE=$(sed -n "s/^[[:space:]]*WG_INTERFACE[[:space:]]*=[[:space:]]*[\"']\{0,1\}\([^\"'[:space:]]*\).*/\1/p" "$settings" | tail -n 1)
    export WG_INTERFACE
    # Asked for, and not used.
    export WG_ENDPOINT=localhost
    export WGD_DATABASE_URL_FILE=/var/lib/massacorp/secrets/wgd/database_url
    export WGD_PRESHARED_SUBKEY_FILE=/var/lib/massacorp/secrets/wgd/preshared_subkey
    export DENO_DIR=/opt/massacorp/cache
    cd /opt/massacorp
    bin/deno run --quiet --no-prompt --cached-only -P=wgd wgd/down.ts
  ) || echo "uninstall: the tunnel interface is still there" >&2
fi

# By name: massacorp-compose.service is of another installation, in containers.
for unit in api api@ backup migrate sealer wgd; do rm -f "/etc/systemd/system/massacorp-$unit.service"; done
rm -f /etc/systemd/system/massacorp-backup.timer /etc/systemd/system/massacorp.target \
  /etc/tmpfiles.d/massacorp.conf /usr/local/sbin/massacorpctl
rm -rf /opt/massacorp /opt/massacorp.new /opt/massacorp.old /opt/massacorp.bad /run/massacorp \
  /run/systemd/system/massacorp-upgrade.service
systemctl daemon-reload
echo "uninstall: done; kept are /etc/massacorp, /var/lib/massacorp, their users, and the database"
