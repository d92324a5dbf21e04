#!/usr/bin/env bash
# bash scripts/slurm.sh start|stop FOLDER: runs a Slurm cluster of one machine as this user, for
# tests. The folder must be new. Slurm's commands find the cluster by SLURM_CONF=FOLDER/slurm.conf.
# Needs slurmctld, slurmd and munge from the system's packages.
set -euo pipefail
PATH=$PATH:/usr/sbin
action=${1:?expected start or stop, and a folder} folder=$(realpath -m "${2:?expected a folder}")

if [ "$action" = stop ]; then
  for program in slurmd slurmctld munged; do
    [ ! -s "$folder/$program.pid" ] || kill "$(cat "$folder/$program.pid")" || true
  done
  exit
fi

mkdir -p "$folder"/{state,spool,munge}
name=$(hostname -s)
read -r ctld d <<< "$(node -e '
  const { createServer } = require("node:net");
  const servers = [0, 0].map(() => createServer().listen(0, "127.0.0.1"));
  setTimeout(() => { console.log(...servers.map((one) => one.address().port)); process.exit(); }, 50);')"
cat > "$folder/slurm.conf" << END
ClusterName=test
SlurmctldHost=$name(127.0.0.1)
SlurmctldPort=$ctld
SlurmdPort=$d
SlurmUser=$(id -un)
SlurmdUser=$(id -un)
AuthType=auth/munge
AuthInfo=socket=$folder/munge/socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=0
StateSaveLocation=$folder/state
SlurmdSpoolDir=$folder/spool
SlurmctldPidFile=$folder/slurmctld.pid
SlurmdPidFile=$folder/slurmd.pid
SlurmctldLogFile=$folder/slurmctld.log
SlurmdLogFile=$folder/slurmd.log
MpiDefault=none
ReturnToService=2
NodeName=$name NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=test Nodes=$name Default=YES MaxTime=INFINITE State=UP
END
echo "CgroupPlugin=disabled" > "$folder/cgroup.conf"
export SLURM_CONF=$folder/slurm.conf
head -c 1024 /dev/urandom > "$folder/munge/key"
chmod 600 "$folder/munge/key"
munged --force --key-file="$folder/munge/key" --socket="$folder/munge/socket" --pid-file="$folder/munged.pid" \
  --log-file="$folder/munge/log" --seed-file="$folder/munge/seed"
slurmctld -f "$SLURM_CONF"
slurmd -f "$SLURM_CONF"
for _ in $(seq 100); do
  ! sinfo --noheader --format=%t 2> /dev/null | grep -q idle || exit 0
  sleep 0.1
done
echo "the node of Slurm is not idle after 10 s:" >&2
tail -n 20 "$folder"/slurm*.log >&2
bash "$0" stop "$folder"
exit 1
