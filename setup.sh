#!/bin/sh
# From a fresh Debian 12 to a target of the Makefile: `sh setup.sh up`, `sh setup.sh up DEMO=1`, `sh setup.sh test`.
#
# Installs only the system packages that are missing (as root, or with sudo), then runs `make`. When nothing is missing
# it touches neither apt nor the network.
set -eu
cd "$(dirname "$0")"

RUN="make openssh-client python3 python3-venv qemu-system-x86 qemu-utils"
TEST="$RUN apache2-bin cpio faketime git globus-proxy-utils gridsite mariadb-server openssl postgresql voms-clients voms-clients-java"
TEST="$TEST glue-schema ldap-utils libapache2-mod-auth-openidc oidc-agent-cli monitoring-plugins-standard python3-keystone python3-lasso slapd"
TEST="$TEST uwsgi-plugin-python3 voms-mysql-plugin voms-server xmlsec1"
# npm comes in other packages too (NodeSource's nodejs), which the one of Debian would conflict with.
command -v npm >/dev/null || TEST="$TEST nodejs npm"

usage() {
  echo "usage: sh setup.sh TARGET [VARIABLE=VALUE ...]"
  echo
  echo "  up          a running federation on this machine (DEMO=1: and a first machine in it)"
  echo "  down        stop it"
  echo "  test        all checks and tests"
  echo "  peers bench docs check lock clean"
}

fail() {
  echo "setup.sh: $1" >&2
  exit 1
}

is_installed() {
  [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing_of() {
  for package in "$@"; do
    is_installed "$package" || printf '%s ' "$package"
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "packages are missing and this user is not root; as root run: apt-get install $missing"
  fi
}

case ${1:-} in
up | down) packages=$RUN ;;
test | peers | bench | docs | check | lock | clean) packages=$TEST ;;
-h | --help | help) usage; exit 0 ;;
*) usage >&2; exit 2 ;;
esac

ID=unknown VERSION_ID=
[ ! -r /etc/os-release ] || . /etc/os-release
if [ "$ID:$VERSION_ID" != debian:12 ]; then
  fail "this is ${PRETTY_NAME:-not Debian}, and only Debian 12 is set up by itself.
Install what corresponds to: $packages
(Python 3.11 or newer with venv, QEMU for x86), then run: make $*
The guest image is made from Debian 12 packages: build it on a Debian 12 machine or container."
fi

missing=$(missing_of $packages)
if [ -n "$missing" ]; then
  echo "Installing: $missing"
  as_root apt-get update --quiet --quiet
  # RUNLEVEL=1: what the tests need (PostgreSQL, say) is installed but not started; the tests run servers of their own.
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install --quiet --quiet --yes --no-install-recommends \
    -o DPkg::Lock::Timeout=600 $missing
fi
exec make --no-print-directory "$@"
