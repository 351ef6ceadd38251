#!/usr/bin/env bash
# Installs the real servers that the storage tests talk to, outside node_modules: into .cache/servers, or $RECONCILE_TEST_SERVERS.
# What is there already, in the wanted version, stays; builders' caches are removed. Needs: apt or an sshd, go, npm, python3.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/node_modules/.bin:$PATH"
servers="${RECONCILE_TEST_SERVERS:-$PWD/.cache/servers}"
mkdir -p "$servers"
servers="$(cd "$servers" && pwd)"

VERSITYGW=1.8.0
FAKE_GCS=1.56.1
AZURITE=3.37.0
GCP_STORAGE_EMULATOR=2026.7.19

exec 9>"$servers/.lock"
flock 9

say() { printf 'test servers: %s\n' "$*"; }

install_sshd() {
  if [ -x /usr/sbin/sshd ] || command -v sshd >/dev/null 2>&1 || [ -x "$servers/openssh/usr/sbin/sshd" ]; then return; fi
  say "OpenSSH's sshd"
  if [ "$(id -u)" = 0 ]; then
    apt-get update -qq
    # The package would start a service of its own: policy-rc.d says no for the time of the installation.
    local policy=/usr/sbin/policy-rc.d made=no
    if [ ! -e "$policy" ]; then printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy" && made=yes; fi
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends openssh-server || { [ $made = no ] || rm -f "$policy"; return 1; }
    [ $made = no ] || rm -f "$policy"
  else
    local work; work="$(mktemp -d)"
    (cd "$work" && apt-get download openssh-server openssh-sftp-server && for one in *.deb; do dpkg -x "$one" "$servers/openssh"; done)
    rm -rf "$work"
  fi
}

# install_go NAME VERSION PACKAGE [FLAGS…]
install_go() {
  local name="$1" version="$2" package="$3"; shift 3
  if [ -x "$servers/$name-$version/$name" ]; then return; fi
  say "$name $version (a Go build: minutes)"
  local work; work="$(mktemp -d)"
  # Go's own caches grow to gigabytes: they live in a folder that goes away.
  GOPATH="$work/path" GOCACHE="$work/cache" GOBIN="$work/bin" GOFLAGS="-modcacherw -buildvcs=false" go install "$@" "$package@v$version"
  mkdir -p "$servers/$name-$version"
  mv "$work/bin/$name" "$servers/$name-$version/$name"
  rm -rf "$work"
}

install_azurite() {
  local into="$servers/azurite-$AZURITE"
  if [ -e "$into/done" ]; then return; fi
  say "azurite $AZURITE"
  rm -rf "$into" && mkdir -p "$into" && printf '{"private":true}\n' >"$into/package.json"
  npm install --prefix "$into" --ignore-scripts --no-audit --no-fund --loglevel=error "azurite@$AZURITE"
  touch "$into/done"
}

install_gcp_storage_emulator() {
  local into="$servers/gcp-storage-emulator-$GCP_STORAGE_EMULATOR"
  if [ -e "$into/done" ]; then return; fi
  say "gcp-storage-emulator $GCP_STORAGE_EMULATOR"
  rm -rf "$into" && python3 -m venv "$into"
  "$into/bin/pip" install -q "gcp-storage-emulator==$GCP_STORAGE_EMULATOR"
  touch "$into/done"
}

failed=()
for step in install_sshd install_azurite install_gcp_storage_emulator \
  "install_go fake-gcs-server $FAKE_GCS github.com/fsouza/fake-gcs-server" \
  "install_go versitygw $VERSITYGW github.com/versity/versitygw/cmd/versitygw"; do
  # A subshell of its own: `set -e` holds inside it, and one failure does not hide the others.
  set +e
  ( set -e; $step )
  [ $? = 0 ] || failed+=("$step")
  set -e
done
if [ ${#failed[@]} -gt 0 ]; then
  printf 'test servers: not installed: %s\n' "${failed[@]}" >&2
  exit 1
fi
say "ready in $servers"
