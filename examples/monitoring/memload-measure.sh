#!/bin/sh
# Measures one load for monitoring: appends the row to a file, replaces the metrics of the exporter, and writes one line to the system log.
# The exit code is that of memload: 0, or 1 if the row failed. Run it from cron or from a timer of systemd.
#
#   memload-measure.sh MODEL.safetensors NAME [OPTION...]      such as --device cuda:0 --strategy Stream --fail-above time=60s
set -u
model=${1:?the path of a checkpoint is missing}
name=${2:?a name for the model is missing}
shift 2
rows=${MEMLOAD_ROWS:-/var/log/memload/rows.csv}
metrics=${MEMLOAD_METRICS:-/var/lib/prometheus/node-exporter}
new=$(mktemp) || exit 1
trap 'rm -f "$new"' EXIT

memload measure "$model" --model-name "$name" --format csv "$@" > "$new"
code=$?
if [ -s "$new" ]; then
    mkdir -p "$(dirname "$rows")"
    # The rows of a version with other columns are kept in another file.
    if [ -s "$rows" ] && [ "$(head -n 1 "$rows")" != "$(head -n 1 "$new")" ]; then mv "$rows" "$rows.$(date +%Y%m%dT%H%M%S)"; fi
    if [ -s "$rows" ]; then tail -n +2 "$new" >> "$rows"; else cat "$new" > "$rows"; fi
    # The metrics are of the rows that are already written. Readers see the old file or the new one.
    [ -d "$metrics" ] && memload report "$new" --out "$metrics/memload-$name.prom" > /dev/null
fi
logger -t memload -p "user.$([ $code -eq 0 ] && echo info || echo err)" "$name: exit code $code, rows in $rows"
exit $code
