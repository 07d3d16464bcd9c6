#!/bin/sh
# rudder envs: the list and recorded episodes.
. tests/e2e/common.sh

a=$SCRATCH/a.jsonl
b=$SCRATCH/b.jsonl

check_exit 0 "envs" "$RUDDER" envs
check "... lists coin-walk" grep -q '^coin-walk$' "$SCRATCH/stdout"
check_exit 0 "envs --json" "$RUDDER" envs --json
check "... holds spaces and optimal return" grep -q \
    '^\[.*{"name":"coin-walk",.*"observation_space":"Discrete(13)","action_space":"Discrete(2)","options":"reward, delayed",.*"optimal_return":24.*\]$' \
    "$SCRATCH/stdout"

# Episodes are whole, of integers, and each has its seed: it can be recorded alone.
check_exit 0 "rollout to a file" "$RUDDER" envs rollout coin-walk -n 3 --seed 7 -o "$a"
check "... prints nothing" test ! -s "$SCRATCH/stdout"
check "... three lines" test "$(wc -l <"$a")" -eq 3
check "... with ids, T + 1 observations, T actions and a seed" test "$(grep -cE \
    '^\{"id": "coin-walk-7-[0-2]", "observations": \[([0-9]+, ){50}[0-9]+\], "actions": \[([01], ){49}[01]\], "rewards": \[(0, ){49}[0-9]+\], "terminated": true, "truncated": false, "seed": [789]\}$' "$a")" -eq 3
check "... of which each differs" test "$(cut -d: -f3 "$a" | sort -u | wc -l)" -eq 3
check_exit 0 "rollout to standard output" "$RUDDER" envs rollout coin-walk -n 3 --seed 7
check "... is the same" cmp "$a" "$SCRATCH/stdout"
check_exit 1 "an extension without a format" "$RUDDER" envs rollout coin-walk -o "$SCRATCH/a.csv"
check "... is named" grep -q "a.csv: the extension says no format" "$SCRATCH/stderr"
check "... and not written" test ! -e "$SCRATCH/a.csv"
check_exit 0 "rollout with another seed" "$RUDDER" envs rollout coin-walk -n 3 --seed 8 -o "$b"
check "... is another" sh -c '! cmp -s "$1" "$2"' - "$a" "$b"
check_exit 0 "the largest seed" "$RUDDER" envs rollout coin-walk --seed 18446744073709551615
check "... is kept" grep -q '"seed": 18446744073709551615' "$SCRATCH/stdout"

check_exit 0 "--set delay" "$RUDDER" envs rollout watch-repair --set delay=4 --seed 1
check "... gives five rows of five" grep -qE \
    '"observations": \[(\[([0-9]+, ){4}[0-9]+\](, )?){5}\], "actions"' "$SCRATCH/stdout"
check_exit 0 "--set reward" "$RUDDER" envs rollout coin-walk -n 20 --set reward=immediate
check "... pays before the end" grep -qE '"rewards": \[[0, ]*1, ' "$SCRATCH/stdout"

check_exit 0 "inspect" "$RUDDER" inspect "$a" --json
check "... counts" grep -q '"kind":"episodes",.*"format":"jsonl","episodes":3,"steps":150,"length_min":50,"length_mean":50,' "$SCRATCH/stdout"

check_exit 2 "an unknown environment" "$RUDDER" envs rollout coin-wlak
check "... says which there are" grep -q 'coin-walk, watch-repair' "$SCRATCH/stderr"
check_exit 2 "no environment" "$RUDDER" envs rollout
check_exit 2 "delay 0" "$RUDDER" envs rollout watch-repair --set delay=0
check "... says what is allowed" grep -q 'setting "delay=0": delay must be at least 1, found 0' "$SCRATCH/stderr"
check_exit 2 "an option that no environment has" "$RUDDER" envs rollout watch-repair --set dealy=3
check_exit 2 "an option of another environment" "$RUDDER" envs rollout coin-walk --set delay=5
check "... is named" grep -q 'coin-walk has no option "delay"' "$SCRATCH/stderr"
check_exit 2 "-n without rollout" "$RUDDER" envs -n 3
check_exit 2 "an unknown action" "$RUDDER" envs record coin-walk

# A file that cannot be written is named; what stood there stays.
file=$SCRATCH/file.jsonl
echo kept >"$file"
check_exit 1 "output below a file" "$RUDDER" envs rollout coin-walk -o "$file/x.jsonl"
check "... is named" grep -q 'file.jsonl/x.jsonl' "$SCRATCH/stderr"
check_exit 1 "a full disk" sh -c 'trap "" XFSZ; ulimit -f 1; "$0" envs rollout coin-walk -n 100 -o "$1"' "$RUDDER" "$file"
check "... is named" grep -q "rudder: .*/file.jsonl: " "$SCRATCH/stderr"
check "... and the old file is as it was" grep -qx kept "$file"
check "... and nothing is left aside" test -z "$(find "$SCRATCH" -name '*.tmp')"
check_exit 1 "a full standard output" sh -c '"$0" envs rollout coin-walk -n 100 >/dev/full' "$RUDDER"
finish
