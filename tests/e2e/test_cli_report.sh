#!/bin/sh
# rudder report of data sets and of runs of offline training.
. tests/e2e/common.sh

data=$SCRATCH/data.hdf5
run=$SCRATCH/run
page=$SCRATCH/page.html
"$RUDDER" envs rollout coin-walk -n 300 --seed 1 -q -o "$data"
check "a run" "$RUDDER" train configs/offline.yaml --episodes "$data" -q -o "$run" --set 'offline.ladder=[linear]'
check "... has a page" grep -q 'Measured on 30 episodes that the model was neither' "$run/report.html"
rm "$run/report.html"
check_exit 0 "report of a run" "$RUDDER" report "$run" -q
check "... says where" grep -qx "Report: $run/report.html" "$SCRATCH/stdout"
check "... marks training" grep -q 'of them used in training: fitted to, or chosen by</td><td>270<' "$run/report.html"
check_exit 0 "report of its data" "$RUDDER" report "$data" -m "$run" -q -o "$page"
check "... knows them" grep -q 'Measured on 30 episodes that the model was neither' "$page"
"$RUDDER" envs rollout coin-walk -n 300 --seed 2 -q -o "$SCRATCH/other.jsonl"
check_exit 0 "report of other data" "$RUDDER" report "$SCRATCH/other.jsonl" -m "$run" -q -o "$page"
check "... does not" grep -q 'Whether this model was trained on any of them is not known' "$page"
check "... fetches nothing" sh -c '! grep -qE "(src|href)=\"?https?:" "$1"' - "$page"
check_exit 2 "DATA without -o" "$RUDDER" report "$data" -m "$run"
check_exit 1 "DATA without -m" "$RUDDER" report "$data" -o "$page"
check "... is told" grep -q 'give its model too, by -m' "$SCRATCH/stderr"
check_exit 1 "another width" "$RUDDER" report tests/fixtures/minari/cartpole/random-v0 -m "$run" -o "$SCRATCH/none.html"
check "... is named" grep -q 'observations have 4 numbers a row, the model reads 1' "$SCRATCH/stderr"
check_exit 1 "a full disk" sh -c 'trap "" XFSZ; ulimit -f 8; "$0" report "$1" -q -o "$2"' "$RUDDER" "$run" "$SCRATCH/none.html"
check "... leaves no page" test ! -e "$SCRATCH/none.html"
finish
