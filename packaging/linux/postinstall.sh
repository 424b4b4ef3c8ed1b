#!/bin/sh
# After the files are unpacked. dpkg calls it with "configure" and the version that was there before, if any; RPM with
# the number of versions that are there now.
set -e

case "$1" in
  configure | abort-upgrade | abort-remove | abort-deconfigure | 1 | 2) ;;
  *) exit 0 ;;
esac

# dpkg knows numeric owners only. What an administrator set up herself stays.
if [ "$1" = configure ] && [ -z "$2" ]; then
  chown root:onepasswordbeat /etc/onepasswordbeat/onepasswordbeat.yml
  chmod 0640 /etc/onepasswordbeat/onepasswordbeat.yml
fi
for folder in /var/lib/onepasswordbeat /var/log/onepasswordbeat; do
  if [ "$(stat -c %u "$folder")" = 0 ]; then
    chown onepasswordbeat:onepasswordbeat "$folder"
    chmod 0750 "$folder"
  fi
done

# The service is not started by an installation: it needs a token first. An upgrade restarts it if it runs.
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
  if systemctl is-active --quiet onepasswordbeat.service; then
    systemctl restart onepasswordbeat.service || true
  fi
fi
