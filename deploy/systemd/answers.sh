#!/bin/sh
# answers.sh SOCKET PATH: for ExecStartPost=, until the unit's process answers there. A minute at most, and no longer
# than that process lives: systemd sees to its end only after this one's.
set -eu
asked=$$
(
  while kill -0 "$MAINPID" && kill -0 "$asked"; do sleep 0.1; done
  kill "$asked"
) 2>/dev/null &
exec /opt/massacorp/bin/deno run --quiet --no-prompt --cached-only -P=health deploy/production/health.ts --wait 60 "$1" "$2"
