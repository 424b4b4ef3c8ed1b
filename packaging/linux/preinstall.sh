#!/bin/sh
# Before the files are unpacked: the service's user, whose files some of them are.
set -e

if ! getent group onepasswordbeat >/dev/null; then
  groupadd --system onepasswordbeat
fi
if ! getent passwd onepasswordbeat >/dev/null; then
  shell=/usr/sbin/nologin
  [ -x "$shell" ] || shell=/sbin/nologin
  useradd --system --gid onepasswordbeat --home-dir /var/lib/onepasswordbeat --no-create-home --shell "$shell" \
    --comment "onepasswordbeat" onepasswordbeat
fi
