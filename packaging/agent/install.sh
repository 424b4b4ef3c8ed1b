#!/bin/sh
# Installs onepasswordbeat as a component of the Elastic Agent on this machine. Run it as root, in the folder that was
# unpacked:
#
#   ./install.sh [AGENT_HOME]
#
# AGENT_HOME is the folder of the Agent, by default /opt/Elastic/Agent (/Library/Elastic/Agent on macOS). The files go
# to its components folder; a previous version is kept beside them, and comes back with `./install.sh --rollback`.
# An upgrade of the Agent makes a new components folder: run the script again after it.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
name=onepasswordbeat
rollback=

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

if [ "${1:-}" = --rollback ]; then
  rollback=yes
  shift
fi

case "$(uname -s)" in
  Darwin) default=/Library/Elastic/Agent ;;
  *) default=/opt/Elastic/Agent ;;
esac
home=${1:-$default}
[ -d "$home" ] || fail "$home is not there. Name the Agent's folder: ./install.sh AGENT_HOME"

# The components of the version that runs: elastic-agent is a link into its folder. A package (deb, rpm) has the same
# layout below /var/lib/elastic-agent.
components=
if [ -L "$home/elastic-agent" ]; then
  versioned=$(dirname "$(readlink "$home/elastic-agent")")
  case "$versioned" in
    /*) ;;
    *) versioned=$home/$versioned ;;
  esac
  [ -d "$versioned/components" ] && components=$versioned/components
fi
if [ -z "$components" ]; then
  found=
  for folder in "$home"/data/elastic-agent-*/components "$home"/components; do
    [ -d "$folder" ] || continue
    [ -z "$found" ] || fail "there are several components folders below $home and no link elastic-agent that says which is in use: $found and $folder"
    found=$folder
  done
  components=$found
fi
[ -n "$components" ] || fail "there is no components folder below $home: is it the home of an Elastic Agent?"

# owner is the numeric owner and group of a file, on Linux and on macOS.
owner() {
  stat -c %u:%g "$1" 2>/dev/null || stat -f %u:%g "$1"
}

# Files of another user in the Agent's home could be replaced by that user while the Agent runs them as root.
want=$(owner "$components")
case "$(id -u)" in
  0) ;;
  "${want%%:*}") ;;
  *) fail "$components belongs to the user with the id ${want%%:*}: run the script as root" ;;
esac

files="$name $name.spec.yml"
if [ -n "$rollback" ]; then
  for file in $files; do
    [ -f "$components/$file.previous" ] || fail "there is no previous version in $components"
  done
  for file in $files; do
    mv -f "$components/$file.previous" "$components/$file"
  done
  echo "The previous version is back in $components. Restart the Agent: elastic-agent restart"
  exit 0
fi

for file in $files; do
  [ -f "$here/$file" ] || fail "$here/$file is missing: unpack the bundle again"
done
changed=
for file in $files; do
  cmp -s "$here/$file" "$components/$file" || changed=yes
done

# Each file is written beside its place and moved there, so that the Agent never sees half of it.
install_file() {
  cp "$here/$1" "$components/.$1.new"
  if [ "$(id -u)" = 0 ]; then
    chown "$want" "$components/.$1.new"
  fi
  chmod "$2" "$components/.$1.new"
  mv -f "$components/.$1.new" "$components/$1"
}

if [ -n "$changed" ]; then
  for file in $files; do
    if [ -f "$components/$file" ]; then
      cp -p "$components/$file" "$components/$file.previous"
    fi
  done
fi
install_file "$name" 0750
install_file "$name.spec.yml" 0640

if [ -n "$changed" ]; then
  echo "Installed in $components. Restart the Agent: elastic-agent restart"
else
  echo "$components has this version already; owner and modes are set."
fi
