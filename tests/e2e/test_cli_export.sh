#!/bin/sh
# rudder export and inspect on data sets of every format.
. tests/e2e/common.sh

fixtures=tests/fixtures/minari
zoo=$fixtures/zoo/mixed-v3
rollout=$SCRATCH/rollout.hdf5
lines=$SCRATCH/lines.jsonl
again=$SCRATCH/again.jsonl

# The same episodes by every way; the largest seeds are exact.
rollout_to() {
    "$RUDDER" envs rollout coin-walk -n 3 --seed 18446744073709551613 -q -o "$1"
}
check "rollout to lines" rollout_to "$lines"
check "rollout to a bare file" rollout_to "$rollout"
check "rollout to a folder" rollout_to "$SCRATCH/walk-v0"
check "... with metadata" grep -q '"dataset_id": "walk-v0"' "$SCRATCH/walk-v0/data/metadata.json"
for from in "$rollout" "$SCRATCH/walk-v0"; do
    check_exit 0 "export to standard output" "$RUDDER" export "$from" -o -
    check "... is what the rollout wrote" cmp "$lines" "$SCRATCH/stdout"
done
check_exit 0 "export of standard input" sh -c '"$0" export - -o "$2" <"$1"' "$RUDDER" "$lines" "$SCRATCH/in.hdf5"
check_exit 0 "... and back" "$RUDDER" export "$SCRATCH/in.hdf5" -o "$again"
check "... loses nothing" cmp "$lines" "$again"

# Outputs that exist, and paths that say no format.
check_exit 1 "an output that exists" "$RUDDER" export "$lines" -o "$again"
check "... is refused" grep -q 'exists already; --force replaces it' "$SCRATCH/stderr"
check_exit 0 "--force" "$RUDDER" export "$zoo" -o "$again" --force
check "... replaces it" grep -q '"id": "1"' "$again"
check "... and says what is left out" grep -q 'observations/img (image)' "$SCRATCH/stderr"
mkdir "$SCRATCH/other"
check_exit 1 "another folder" "$RUDDER" export "$lines" -o "$SCRATCH/other" --force
check "... is never replaced" grep -q 'holds no data set' "$SCRATCH/stderr"
check_exit 2 "an unknown extension" "$RUDDER" export "$lines" -o "$SCRATCH/x.csv"
check_exit 2 "no output" "$RUDDER" export "$lines"
check_exit 1 "an unknown format" "$RUDDER" export "$lines" -o "$SCRATCH/x" --format csv
check "... says which there are" grep -q 'minari, d4rl, jsonl' "$SCRATCH/stderr"

# D4RL: episodes end by their flags; the tail by option.
flat=$SCRATCH/flat.hdf5
check_exit 0 "export to D4RL" "$RUDDER" export "$rollout" -o "$flat" --format d4rl
check_exit 0 "inspect D4RL" "$RUDDER" inspect "$flat" --json
check "... finds it" grep -q '"format":"d4rl","episodes":3,"steps":150,' "$SCRATCH/stdout"
check_exit 1 "no timeouts" "$RUDDER" export tests/fixtures/bad/flat-no-ends.hdf5 -o -
check "... says what to give" grep -q -- '--max-steps' "$SCRATCH/stderr"
check_exit 0 "--max-steps" "$RUDDER" export tests/fixtures/bad/flat-no-ends.hdf5 -o - --max-steps 4
check "... cuts, and keeps the tail" test "$(wc -l <"$SCRATCH/stdout")" -eq 2
check_exit 0 "--tail drop" "$RUDDER" export tests/fixtures/bad/flat-no-ends.hdf5 -o - --max-steps 4 --tail drop
check "... drops it" test "$(wc -l <"$SCRATCH/stdout")" -eq 1

# A full disk leaves the old file and nothing else.
echo kept >"$SCRATCH/kept.hdf5"
mkdir "$SCRATCH/full"
for out in full/new.hdf5 full/new full/new.jsonl; do
    check_exit 1 "a full disk, $out" sh -c 'trap "" XFSZ; ulimit -f 2; "$0" envs rollout coin-walk -n 50 -q -o "$1"' \
        "$RUDDER" "$SCRATCH/$out"
    check "... is named" grep -q "rudder: .*/$out: " "$SCRATCH/stderr"
done
check "... and nothing is left" test -z "$(ls -A "$SCRATCH/full")"
check_exit 1 "a full disk, an old file" sh -c 'trap "" XFSZ; ulimit -f 2; "$0" envs rollout coin-walk -n 50 -q -o "$1"' \
    "$RUDDER" "$SCRATCH/kept.hdf5"
check "... stays" grep -qx kept "$SCRATCH/kept.hdf5"

# inspect: what is good and what is odd.
check_exit 0 "inspect a folder" "$RUDDER" inspect "$zoo"
check "... shows spaces" grep -q 'observations/disc, type int64, space Discrete(5)' "$SCRATCH/stdout"
check "... and what is no feature" grep -q 'observations/img, type image.*no feature' "$SCRATCH/stdout"
check_exit 0 "inspect JSON" "$RUDDER" inspect "$rollout" --json
for key in format episodes steps return_mean return_min return_max length_min length_max delayed_share; do
    check "... has $key" grep -q "\"$key\":" "$SCRATCH/stdout"
done
check "... the reward is delayed" grep -q '"delayed_share":1,' "$SCRATCH/stdout"
check_exit 1 "inspect with a NaN" "$RUDDER" inspect tests/fixtures/bad/nan.hdf5 --json
check "... shows the others" grep -q '"episodes":1,.*"unreadable":1' "$SCRATCH/stdout"
check "... and names the place" grep -q 'nan.hdf5: episode_1: observations\[2\]' "$SCRATCH/stderr"
check_exit 0 "inspect standard input" sh -c '"$0" inspect - --json <"$1"' "$RUDDER" "$lines"

# What Python sees, where it has h5py.
if python3 -c 'import h5py' 2>/dev/null; then
    python=python3
elif /usr/bin/python3 -c 'import h5py' 2>/dev/null; then
    python=/usr/bin/python3
else
    skip "comparison by h5py" "python3 has no h5py"
    finish
fi
for data in cartpole/random-v0 frozenlake/random-v0 plain/buf-v0 zoo/mixed-v3; do
    copy=$SCRATCH/copy/$data
    check_exit 0 "copy $data" "$RUDDER" export "$fixtures/$data" -o "$copy"
    check "... is the same to h5py" "$python" "$fixtures/compare.py" "$fixtures/$data" "$copy"
done
finish
