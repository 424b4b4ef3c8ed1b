#!/bin/sh
# After the files are removed. The state, the keystore and the edited configuration stay until dpkg's "purge"; RPM has
# no such thing. The user stays in any case: its number must not become somebody else's while files may carry it.
set -e

if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
if [ "$1" = purge ]; then
  rm -rf /var/lib/onepasswordbeat /var/log/onepasswordbeat /etc/onepasswordbeat
fi
