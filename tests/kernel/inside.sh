#!/bin/sh
# The guest's init: makes a host of it, runs the job, writes its exit status down and powers off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t tmpfs -o mode=0755 run /run
mkdir -p /dev/pts /dev/shm /var/tmp /lib/modules
chmod 1777 /tmp /var/tmp
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 shm /dev/shm
# What udev would make; shells and wg-quick need them.
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
mount --bind /guest/modules /lib/modules
ln -s /guest/busybox /run/modprobe
echo /run/modprobe >/proc/sys/kernel/modprobe
hostname guest
ip link set lo up
# There is nothing to fall back to: what is made is the kernel's, or a test fails.
for program in $(which -a wireguard-go); do rm -f "$program"; done
echo "guest: Linux $(uname -r), ready after $(cut -d ' ' -f 1 /proc/uptime) s"
# Through a pipe, because programs print otherwise where they see a terminal.
{
  sh /guest/job.sh
  echo $? >/dev/ttyS1
} 2>&1 | cat
# A terminal has its bytes after the program that wrote them has ended.
stty -F /dev/ttyS1 >/dev/null
echo o >/proc/sysrq-trigger
exec sleep 60
