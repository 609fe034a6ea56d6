#!/bin/bash
#SBATCH --job-name=memload
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=16G
#SBATCH --time=01:00:00
#SBATCH --output=memload-%j.log
#
# Measures a load on every node of a job and merges what they say: one CSV file a rank, one report. Slurm's --mem is the limit that MemLoad reads from
# the control group: a load that does not fit is refused, with what fits instead.
#
#   MODEL=/shared/model.safetensors sbatch slurm.sh
#   MODEL=/shared/model.safetensors MANIFEST=/shared/model.manifest.json STRATEGY=Stream,Mmap sbatch --nodes=16 slurm.sh
#
# MODEL     the checkpoint, as the nodes see it
# MANIFEST  made by "memload manifest": a rank whose weights differ fails, and names the tensors
# STRATEGY  how to load; Stream
# DEVICE    where to; cpu. With --gres and the TorchSharp build cuda:0
# PARTS     1: every rank loads its own part of the checkpoint. Otherwise every rank loads all of it, and all must have loaded the same weights.
# RESULTS   a folder that all nodes see; memload-<job> where the job was submitted
#
# Exit code: 0 if every rank loaded and, where they can be compared, all weights agree.
set -u
export MODEL="${MODEL:?set MODEL to the checkpoint, as the nodes see it}"
export MANIFEST="${MANIFEST:-}" STRATEGY="${STRATEGY:-Stream}" DEVICE="${DEVICE:-cpu}" PARTS="${PARTS:-}"
export RESULTS="${RESULTS:-${SLURM_SUBMIT_DIR:-$PWD}/memload-${SLURM_JOB_ID:?this is a batch job: submit it with sbatch}}"
command -v memload > /dev/null || { echo "memload is not on the PATH: add its folder, or load its environment module." >&2; exit 2; }
mkdir -p "$RESULTS" || exit 2
rm -f "$RESULTS"/rank-*

# What each rank does. Its rows get their name only when they are whole.
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
# One rank that fails must not end the others.
srun --kill-on-bad-exit=0 --wait=0 bash -c rank
code=$?

for ((i = 0; i < ${SLURM_NTASKS:-1}; i++)); do
    [ -e "$RESULTS/rank-$i.csv" ] && continue
    echo "Rank $i gave no rows: $(tail -n 1 "$RESULTS/rank-$i.log" 2> /dev/null || echo 'it did not start')" >&2
    code=1
done
compgen -G "$RESULTS/rank-*.csv" > /dev/null || exit 1

if [ -z "$MANIFEST" ] && [ "$PARTS" != 1 ] && [ "$(grep -ohE '[0-9a-f]{64}' "$RESULTS"/rank-*.csv | sort -u | wc -l)" -gt 1 ]; then
    echo "THE WEIGHTS DIFFER between ranks; the report says where. Run this again with MANIFEST to learn which tensors." >&2
    code=1
fi
memload report --path "$RESULTS"/rank-*.csv --out "$RESULTS/report.html" --force || code=$?
exit "$code"
