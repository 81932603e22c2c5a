#!/bin/sh
# usage: share.sh FOLDER (SOURCE TARGET)... -- COMMAND...
# Runs a command, in a mount namespace of its own, that finds the sources below FOLDER, read-only.
set -eu
folder=$1
shift
mount -t tmpfs -o mode=0755 share "$folder"
cd "$folder"
mkdir dev etc home proc root run sys tmp usr var
chmod 1777 tmp
# Where these are no links into /usr, they are shared themselves.
for name in bin sbin lib lib64; do
  if [ -L "/$name" ]; then cp -P "/$name" "$name"; else mkdir "$name"; fi
done
while [ "$1" != -- ]; do
  mkdir -p "$folder$2"
  mount --bind "$1" "$folder$2"
  mount -o remount,bind,ro "$folder$2"
  shift 2
done
shift
mount -o remount,ro "$folder"
exec "$@"
