#!/bin/sh
# Write run.txt, dev.txt and openstack.txt anew: every distribution with its hashes, for all Pythons that pyproject.toml admits, without index
# addresses. `sh requirements/lock.sh --upgrade` takes newer versions; without it only what must change does.
set -eu
cd "$(dirname "$0")/.."
if ! command -v uv >/dev/null; then
  python3 -m venv build/lock
  build/lock/bin/pip install --quiet uv
  PATH="$PWD/build/lock/bin:$PATH"
fi
compile() {
  output=$1
  shift
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
    --no-annotate --output-file "$output" "$@"
}
compile requirements/run.txt pyproject.toml requirements/build.in "$@"
compile requirements/dev.txt --group dev --constraint requirements/run.txt "$@"
compile requirements/openstack.txt requirements/openstack.in "$@"
