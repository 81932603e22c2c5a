#!/bin/sh
# Restarts API processes behind nginx one after the other, and loses no request.
#
# usage: rolling-restart.sh COMMAND PORT...
#   COMMAND restarts the process of a port, which stands for %s in it, and returns when that is done:
#   rolling-restart.sh 'systemctl restart massacorp-api@%s' 8001 8002
#
# A process that is told to end is not ready from then on, and serves for DRAIN_SECONDS more. nginx must learn it within
# that time, so its probe is asked all the while. Needed: keepalive_timeout of the upstream (2 s) and a second for the
# probe < DRAIN_SECONDS (5) < fail_timeout (10 s), and as long again until nginx asks the new process.
set -eu
: "${PROBE:=http://127.0.0.1:8099/ready}" "${FAIL_TIMEOUT:=10}" "${READY_WITHIN:=60}"
[ $# -ge 2 ] || {
  echo "usage: rolling-restart.sh COMMAND PORT..." >&2
  exit 2
}
command=$1
shift

ask() { curl --silent --fail --output /dev/null --max-time 2 "$1"; }

# Beside what peers ask, whose turn it is nobody knows: as many questions at once as there are processes, so that one
# of them meets the process that leaves well within its time.
while :; do
  for _; do ask "$PROBE" & done
  wait
  sleep 0.2
done &
probing=$!
trap 'kill "$probing"' EXIT
# Without this a signal ends the script and leaves its probe asking for ever.
trap 'exit 130' INT TERM

for port; do
  # Two of three have to carry the load meanwhile: nothing is restarted that is not all there.
  ask "http://127.0.0.1:$port/ready" || { echo "the process of port $port is not ready" >&2; exit 1; }
  sh -c "$(printf '%s' "$command" | sed "s/%s/$port/g")" || { echo "the process of port $port was not restarted" >&2; exit 1; }
  # One that does not come back is the last: the others carry the load, and somebody has to look.
  give_up=$(($(date +%s) + READY_WITHIN))
  until ask "http://127.0.0.1:$port/ready"; do
    [ "$(date +%s)" -lt "$give_up" ] || { echo "the process of port $port is not ready after $READY_WITHIN s" >&2; exit 1; }
    sleep 0.2
  done
  sleep "$FAIL_TIMEOUT"
  echo "$port"
done
