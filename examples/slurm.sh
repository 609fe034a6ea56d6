#!/bin/bash
#SBATCH --job-name=memload
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=16G
#SBATCH --time=01:00:00
#SBATCH --output=memload-%j.log
#
# This script measures a load on every node of a job. It writes one CSV file per rank and one report. MemLoad reads the limit of --mem from
# the control group. It refuses a load that does not fit, and names an alternative.
#
#   MODEL=/shared/model.safetensors sbatch slurm.sh
#   MODEL=/shared/model.safetensors MANIFEST=/shared/model.manifest.json STRATEGY=Stream,Mmap sbatch --nodes=16 slurm.sh
#
# MODEL     the path of the checkpoint on the nodes
# MANIFEST  a manifest of "memload manifest"; a rank whose weights differ fails and names the tensors
# STRATEGY  the strategy; the default is Stream
# DEVICE    the device; the default is cpu. cuda:0 needs --gres
# PARTS     1: every rank loads its own part of the checkpoint. Otherwise every rank loads the whole checkpoint, and all weights must be
#           equal.
# RESULTS   a folder that all nodes share; the default is memload-<job> in the folder where the job was submitted
#
# The exit code is 0 if every rank loaded, and all weights that can be compared are equal.
set -u
export MODEL="${MODEL:?set MODEL to the checkpoint, as the nodes see it}"
export MANIFEST="${MANIFEST:-}" STRATEGY="${STRATEGY:-Stream}" DEVICE="${DEVICE:-cpu}" PARTS="${PARTS:-}"
export RESULTS="${RESULTS:-${SLURM_SUBMIT_DIR:-$PWD}/memload-${SLURM_JOB_ID:?this is a batch job: submit it with sbatch}}"
command -v memload > /dev/null || { echo "memload is not on the PATH: add its folder, or load its environment module." >&2; exit 2; }
mkdir -p "$RESULTS" || exit 2
rm -f "$RESULTS"/rank-*

# Each rank runs this function. The file gets its name only when it is complete.
rank() {
    local options=(--path "$MODEL" --strategy "$STRATEGY" --device "$DEVICE" --format csv)
    [ -z "$MANIFEST" ] || options+=(--manifest "$MANIFEST")
    [ "$PARTS" != 1 ] || options+=(--rank "$SLURM_PROCID" --rank-count "$SLURM_NTASKS")
    local file="$RESULTS/rank-$SLURM_PROCID" code=0
    memload measure "${options[@]}" > "$file.part" 2> "$file.log" || code=$?
    if [ -s "$file.part" ]; then mv "$file.part" "$file.csv"; else rm -f "$file.part"; fi
    return $code
}
export -f rank
# A failed rank must not end the other ranks.
srun --kill-on-bad-exit=0 --wait=0 bash -c rank
code=$?

for ((i = 0; i < ${SLURM_NTASKS:-1}; i++)); do
    [ -e "$RESULTS/rank-$i.csv" ] && continue
    echo "Rank $i gave no rows: $(tail -n 1 "$RESULTS/rank-$i.log" 2> /dev/null || echo 'it did not start')" >&2
    code=1
done
compgen -G "$RESULTS/rank-*.csv" > /dev/null || exit 1

if [ -z "$MANIFEST" ] && [ "$PARTS" != 1 ] && [ "$(grep -ohE '[0-9a-f]{64}' "$RESULTS"/rank-*.csv | sort -u | wc -l)" -gt 1 ]; then
    echo "THE WEIGHTS DIFFER between ranks; the report shows where. Run this again with MANIFEST to learn which tensors." >&2
    code=1
fi
memload report --path "$RESULTS"/rank-*.csv --out "$RESULTS/report.html" --force || code=$?
exit "$code"
