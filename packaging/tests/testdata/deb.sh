#!/bin/bash
# Runs in a container with a real systemd as its first process, started by onepasswordbeat-test.service: the life of
# the deb, from its installation to its purge. Each step writes "ok NAME" or "FAIL NAME: WHY" to /test/results.
# /test holds the packages of two versions, the simulator and its CA.
set -u
exec >/test/log 2>&1
set -x

results=/test/results
: >"$results"
fail() { echo "FAIL $1: $2" >>"$results"; }
ok() { echo "ok $1" >>"$results"; }
# check NAME COMMAND... records how a command went.
check() {
  local name=$1
  shift
  if "$@"; then ok "$name"; else fail "$name" "exit code $? of: $*"; fi
}
# until SECONDS COMMAND... waits for a condition.
until_() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    ((SECONDS < end)) || return 1
    sleep 0.2
  done
}
unit=onepasswordbeat.service
conf=/etc/onepasswordbeat/onepasswordbeat.yml
events() { cat /var/lib/onepasswordbeat/events/*.ndjson 2>/dev/null | wc -l; }
more_than() { (($(events) > $1)); }
owners() { find /var/lib/onepasswordbeat /var/log/onepasswordbeat ! -user onepasswordbeat; }
main_pid() { systemctl show -p MainPID --value $unit; }
other_pid() { local now; now=$(main_pid); [[ $now != 0 && $now != "$1" ]]; }
active() { systemctl is-active --quiet $unit; }
probe() { curl_ "$1" | grep -q "$2"; }
# curl_ asks the socket: there is no curl in the container.
curl_() { perl -MIO::Socket::UNIX -e '$s=IO::Socket::UNIX->new(Peer=>"/run/onepasswordbeat/http.sock") or exit 1; print $s "GET $ARGV[0] HTTP/1.0\r\n\r\n"; print while <$s>' "$1"; }

# --- installation
export DEBIAN_FRONTEND=noninteractive
check install dpkg -i /test/old.deb
check installed-is-not-started bash -c "! systemctl is-active --quiet $unit"
check configuration-mode [ "$(stat -c %U:%G:%a $conf)" = root:onepasswordbeat:640 ]
check data-mode [ "$(stat -c %U:%G:%a /var/lib/onepasswordbeat)" = onepasswordbeat:onepasswordbeat:750 ]
check user-cannot-log-in bash -c 'getent passwd onepasswordbeat | grep -q nologin$'
check verify systemd-analyze verify /lib/systemd/system/$unit
exposure=$(systemd-analyze security --no-pager $unit | sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p')
check "security-at-most-1.5" awk -v e="$exposure" 'BEGIN { print "exposure", e; exit !(e != "" && e <= 1.5) }'

# --- the wrapper and the keystore, as root
beat=/usr/bin/onepasswordbeat
check wrapper-version bash -c "$beat version | grep -q 'onepasswordbeat version'"
check keystore-create $beat keystore create
check keystore-add bash -c "$beat keystore add ONEPASSWORD_EVENTS_TOKEN --stdin </test/token"
check keystore-owner [ "$(stat -c %U:%a /var/lib/onepasswordbeat/onepasswordbeat.keystore)" = onepasswordbeat:600 ]

# --- a configuration of one's own
cat >$conf <<'END'
# edited by the administrator
onepasswordbeat.inputs:
  - type: onepassword
    id: acme
    url: https://127.0.0.1:18443
    token: "${ONEPASSWORD_EVENTS_TOKEN}"
    interval: 1s
    ssl.certificate_authorities: [/etc/onepasswordbeat/ca.pem]
output.file:
  path: /var/lib/onepasswordbeat/events
  filename: events
http.enabled: true
http.host: unix:///run/onepasswordbeat/http.sock
END
check edited-configuration-keeps-its-mode [ "$(stat -c %U:%G:%a $conf)" = root:onepasswordbeat:640 ]
install -m 0644 /test/untrusted-ca.pem /etc/onepasswordbeat/ca.pem
check test-config $beat test config

# --- the positions of another beat, whose files are root's alone
install -d -m 0700 /root/old
(
  umask 077
  cat >/root/old/eventsapibeat.yml <<END
eventsapibeat:
  audit_events: {enabled: true, auth_token: "$(cat /test/token)"}
output.console: {pretty: false}
END
)
check migrate $beat migrate eventsapibeat --config /root/old/eventsapibeat.yml --since 24h
check migrate-writes-what-the-service-reads [ "$(stat -c %U:%G:%a /etc/onepasswordbeat/onepasswordbeat.migrated.yml)" = root:onepasswordbeat:640 ]
check migrate-leaves-no-files-of-root [ -z "$(owners)" ]

# --- without a network: the service starts, stays active, and is ready
check export-config bash -c "$beat export config >/dev/null"
systemctl start $unit || fail start-without-network "exit code $?"
sleep 3
check start-without-network-stays-active active
check ready-without-network probe /readyz '^ok'
check live-without-network probe /healthz '^ok'
check notify-type [ "$(systemctl show -p Type --value $unit)" = notify ]
check watchdog [ "$(systemctl show -p WatchdogUSec --value $unit)" = 2min ]
check stop-without-network systemctl stop $unit

# --- with the simulated API
systemd-run --quiet --unit simulator /test/onepassword-simulator -listen 127.0.0.1:18443 -tls -ca-file /test/ca.pem -backlog 300 -live 5 -seed 7
until_ 10 [ -s /test/ca.pem ]
install -m 0644 /test/ca.pem /etc/onepasswordbeat/ca.pem
check test-api $beat test api
check root-left-no-files [ -z "$(owners)" ]
check enable systemctl enable $unit
check start systemctl start $unit
check events until_ 30 more_than 300
check metrics probe /metrics 'onepasswordbeat_events_acked_total{event_type="audit_events",input_id="acme"} [1-9]'
check runs-as-its-user [ "$(stat -c %U "/proc/$(main_pid)")" = onepasswordbeat ]

# --- kill -9
before=$(main_pid)
count=$(events)
kill -9 "$before"
check restarted-after-kill until_ 30 other_pid "$before"
check events-after-kill until_ 30 more_than "$((count + 5))"

# --- upgrade with a configuration that both sides changed
before=$(main_pid)
cp $conf /test/edited.yml
check upgrade dpkg --force-confdef --force-confold -i /test/new.deb
check upgrade-keeps-configuration cmp $conf /test/edited.yml
check upgrade-keeps-mode [ "$(stat -c %U:%G:%a $conf)" = root:onepasswordbeat:640 ]
check upgrade-offers-its-own [ -f $conf.dpkg-dist ]
check upgrade-restarts until_ 30 other_pid "$before"
count=$(events)
check events-after-upgrade until_ 30 more_than "$count"

# --- stop: orderly, in time, and nothing left running
systemctl stop $unit
check stopped-orderly [ "$(systemctl show -p Result --value $unit)" = success ]
check state-list bash -c "$beat state list | grep -q acme"
check still-no-files-of-root [ -z "$(owners)" ]

# --- a credential of systemd instead of the keystore
install -d /etc/systemd/system/$unit.d
cat >/etc/systemd/system/$unit.d/credential.conf <<'END'
[Service]
LoadCredential=token:/etc/onepasswordbeat/token
END
install -m 0600 /test/token /etc/onepasswordbeat/token
sed -i 's|token: "${ONEPASSWORD_EVENTS_TOKEN}"|token_file: ${CREDENTIALS_DIRECTORY}/token|' $conf
systemctl daemon-reload
count=$(events)
check start-with-credential systemctl start $unit
check events-with-credential until_ 30 more_than "$count"

# --- an invalid configuration: the start fails, and says so
systemctl stop $unit
sed -i 's/interval: 1s/interval: never/' $conf
check invalid-configuration-fails bash -c "! timeout 20 systemctl start $unit"
systemctl stop $unit
sed -i 's/interval: never/interval: 1s/' $conf
systemctl reset-failed $unit
systemctl start $unit

# --- remove and purge
check remove dpkg -r onepasswordbeat
check remove-stops bash -c "! systemctl is-active --quiet $unit"
check remove-keeps-state [ -d /var/lib/onepasswordbeat/registry ]
check remove-keeps-configuration [ -f $conf ]
check purge dpkg -P onepasswordbeat
check purge-leaves-nothing bash -c '! ls -d /var/lib/onepasswordbeat /var/log/onepasswordbeat /etc/onepasswordbeat /usr/share/onepasswordbeat /usr/bin/onepasswordbeat 2>/dev/null'
echo done >>"$results"
