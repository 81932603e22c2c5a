#!/bin/busybox sh
# shellcheck shell=dash
# The guest's first program, in its initial memory: puts memory over the host's files and goes there.
/bin/busybox --install -s /bin
PATH=/bin
give_up() {
  echo "guest: $1"
  poweroff -f
}
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
for module in /modules/*; do insmod "$module" || give_up "${module##*/} does not load"; done
mount -t virtiofs -o ro host /host || give_up "the host's files are not there"
mount -t tmpfs -o mode=0755,size=70% memory /memory
mkdir /memory/upper /memory/work
mount -t overlay -o lowerdir=/host,upperdir=/memory/upper,workdir=/memory/work overlay /root ||
  give_up "no overlay over the host's files"
for folder in dev proc sys; do mount --move "/$folder" "/root/$folder"; done
exec switch_root /root /bin/sh /guest/inside.sh
