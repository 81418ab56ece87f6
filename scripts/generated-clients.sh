#!/usr/bin/env bash
# Generates clients for Python and Java from /openapi.json, and opens, clears and reads a report with each.
# Needs a running Closeout (npm start), python3 with venv, and for Java a JDK and Maven.
#   scripts/generated-clients.sh [python|java] [URL] [TOKEN]
set -euo pipefail
language=${1:-python} url=${2:-http://127.0.0.1:8080} token=${3:-unused}
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
curl -fsS -H "Authorization: Bearer $token" "$url/openapi.json" >"$dir/openapi.json"

case "$language" in
python)
  python3 -m venv "$dir/venv"
  "$dir/venv/bin/pip" install -q openapi-python-client==0.29.1 ruff
  (cd "$dir" && PATH="$dir/venv/bin:$PATH" openapi-python-client generate --path openapi.json --meta none --output-path closeout_client >/dev/null)
  "$dir/venv/bin/pip" install -q httpx attrs python-dateutil
  PYTHONPATH="$dir" "$dir/venv/bin/python" "$here/generated-clients/client.py" "$url" "$token"
  ;;
java)
  mvn -q dependency:copy -Dartifact=org.openapitools:openapi-generator-cli:7.17.0 -DoutputDirectory="$dir"
  java -jar "$dir"/openapi-generator-cli-7.17.0.jar generate -i "$dir/openapi.json" -g java --library native \
    -o "$dir/client" --additional-properties=apiPackage=closeout.api,modelPackage=closeout.model,invokerPackage=closeout >/dev/null 2>&1
  mkdir -p "$dir/client/src/main/java/example"
  cp "$here/generated-clients/Client.java" "$dir/client/src/main/java/example/"
  (cd "$dir/client" && mvn -q -DskipTests compile exec:java -Dexec.mainClass=example.Client -Dexec.args="$url $token")
  ;;
*) sed -n '2,4s/^# *//p' "$0" >&2 && exit 2 ;;
esac
