#!/bin/bash
# Trains on two nodes with 8 GPUs each: sbatch slurm.sh -c style.yml --set batch_size=64
#SBATCH --job-name=fastnst
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=32
#SBATCH --kill-on-bad-exit=1
#SBATCH --requeue
set -euo pipefail

# One process a node, which uses all GPUs of its node.
workers=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | sed 's/.*/"&:2222"/' | paste -sd,)
export workers
srun bash -c '
  export TF_CONFIG="{\"cluster\": {\"worker\": [$workers]},
    \"task\": {\"type\": \"worker\", \"index\": $SLURM_PROCID}}"
  exec fastnst train "$@"
' bash "$@"
