#!/bin/bash
# Boots a systemd of its own as process 1, in namespaces made for it. Everything that it writes is in memory.
# Arguments: TREE (a Debian with systemd), PROJECT, DENO
set -eu
tree=$1 project=$2 deno=$3
root=$(mktemp -d)
mount --make-rprivate /
mount -t tmpfs -o size=2g massacorp "$root"
mkdir "$root"/upper "$root"/work "$root"/root
mount -t overlay massacorp -o "lowerdir=$tree,upperdir=$root/upper,workdir=$root/work" "$root/root"
cd "$root/root"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs dev
mkdir dev/pts dev/shm dev/net
for device in null zero full random urandom tty net/tun; do
  : > "dev/$device"
  mount --bind "/dev/$device" "dev/$device"
done
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mkdir -p srv/massacorp
mount --bind -o ro "$project" srv/massacorp
cp "$deno" usr/local/bin/deno
chmod 755 usr/local/bin/deno
echo massacorp-test > etc/hostname
mkdir -p put_old
pivot_root . put_old
umount -l /put_old
exec env -i container=massacorp-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  /lib/systemd/systemd --system --log-level=warning --show-status=0 </dev/null
