#!/bin/sh
# Before the files are removed: dpkg calls it with "remove" or "upgrade", RPM with 0 for the last version.
set -e

case "$1" in
  remove | 0)
    if [ -d /run/systemd/system ]; then
      systemctl --no-reload disable --now onepasswordbeat.service || true
    fi
    ;;
esac
