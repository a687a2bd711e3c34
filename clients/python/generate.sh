#!/usr/bin/env bash
# Makes the Python package `pigeonpost` of the API's OpenAPI document. Needs Python 3.11 or later with pip.
#
#   clients/python/generate.sh http://127.0.0.1:8080/openapi.json dist/python
#   pip install ./dist/python
set -euo pipefail
document=${1:?the OpenAPI document: a file, or the URL of a running Pigeonpost with /openapi.json}
output=${2:?the folder to write the package to}
here=$(cd "$(dirname "$0")" && pwd)

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
# With the pip of the machine: installing another one takes longer than all the rest.
python3 -m venv --without-pip "$tools"
python3 -m pip --python "$tools/bin/python" install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"

case $document in
  http://* | https://*) from=--url ;;
  *) from=--path ;;
esac
mkdir -p "$output"
"$tools/bin/openapi-python-client" generate "$from" "$document" \
  --config "$here/generator.yml" --meta none --output-path "$output/pigeonpost" --overwrite
cp "$here/verify.py" "$output/pigeonpost/"
cp "$here/pyproject.toml" "$here/README.md" "$output/"
