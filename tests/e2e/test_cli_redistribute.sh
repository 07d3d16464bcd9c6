#!/bin/sh
# rudder redistribute: every format, options, bad input.
. tests/e2e/common.sh

data=$SCRATCH/data.hdf5
lines=$SCRATCH/data.jsonl
model=$SCRATCH/run
out=$SCRATCH/out.hdf5
redistribute() { "$RUDDER" redistribute -m "$model" -q "$@"; }

check "a model" "$RUDDER" train configs/coin-walk.yaml -q -o "$model" --set train.updates=300
check "a data set" "$RUDDER" envs rollout coin-walk -n 40 --seed 1 -q -o "$data"
check "... as lines" "$RUDDER" export "$data" -q -o "$lines"

# The summary, and what the data set then holds.
check_exit 0 "redistribute" redistribute "$data" -o "$out"
check "... says what it did" grep -q '40 episodes, 2000 steps redistributed by difference' "$SCRATCH/stdout"
check_exit 0 "--json" redistribute "$data" -o "$SCRATCH/json.hdf5" --json
check "... is one object" grep -q '"method":"difference","episodes":40,"steps":2000,"kept":0,' "$SCRATCH/stdout"
check_exit 0 "inspect the result" "$RUDDER" inspect "$out" --json
for info in original_rewards predicted_return prediction_quality; do
    check "... it has $info" grep -q "infos/$info" "$SCRATCH/stdout"
done
check "... the reward is no longer delayed" sh -c '! grep -q "\"delayed_share\":1," "$1"' - "$SCRATCH/stdout"

# The same numbers whatever the formats and the number of threads.
check_exit 0 "one thread" redistribute "$data" -o "$SCRATCH/one.hdf5" --threads 1
check_exit 0 "lines to lines" redistribute "$lines" -o "$SCRATCH/out.jsonl"
check_exit 0 "lines to a folder" redistribute "$lines" -o "$SCRATCH/out-v0"
check_exit 0 "a stream" sh -c '"$0" redistribute -m "$1" -q - -o - <"$2"' "$RUDDER" "$model" "$lines"
mv "$SCRATCH/stdout" "$SCRATCH/stream.jsonl"
check_exit 0 "--format d4rl" redistribute "$data" -o "$SCRATCH/flat.hdf5" --format d4rl
check_exit 0 "D4RL stays D4RL" redistribute "$SCRATCH/flat.hdf5" -o "$SCRATCH/flat2.hdf5"
check_exit 0 "... by its own format" "$RUDDER" inspect "$SCRATCH/flat2.hdf5" --json
check "... which is kept" grep -q '"format":"d4rl","episodes":40,"steps":2000,' "$SCRATCH/stdout"
for made in out.hdf5 one.hdf5 out.jsonl stream.jsonl; do
    check "rewards of $made" "$RUDDER" export "$SCRATCH/$made" -q -o "$SCRATCH/$made.jsonl"
    sed 's/.*"rewards":/"rewards":/; s/ //g; s/"terminated".*//' "$SCRATCH/$made.jsonl" >"$SCRATCH/$made.rewards"
    check "... are those of the bare file" cmp "$SCRATCH/out.hdf5.rewards" "$SCRATCH/$made.rewards"
done

# Options.
check_exit 0 "--mix 0" redistribute "$data" -o "$SCRATCH/mix.jsonl" --mix 0 --format jsonl
check "... leaves the rewards" "$RUDDER" export "$SCRATCH/mix.jsonl" -q -o "$SCRATCH/mix2.jsonl"
check_exit 0 "--keep-rewards" redistribute "$lines" -o "$SCRATCH/kept.jsonl" --keep-rewards
check "... keeps them" grep -q '"redistributed_rewards"' "$SCRATCH/kept.jsonl"
check_exit 0 "--method lrp" redistribute "$data" -o "$SCRATCH/lrp.hdf5" --method lrp --rule half
check_exit 0 "relevance that grows" "$RUDDER" redistribute -m "$model" "$lines" -o "$SCRATCH/grown.jsonl" --method lrp --rule prop
check "... is told" grep -qE 'warning: in [1-9][0-9]* of 40 episodes relevance grew .* with a product-epsilon of 2' "$SCRATCH/stderr"
check_exit 0 "the same in training" "$RUDDER" train configs/coin-walk.yaml -o "$SCRATCH/prop" --set train.updates=300 \
    --set redistribution.method=lrp --set redistribution.rule=prop
check "... is told once" test "$(grep -c 'warning: relevance grew to .* with a product-epsilon of 2' "$SCRATCH/stderr")" -eq 1
sed 's/"rewards": \[[^]]*\], //' "$lines" >"$SCRATCH/unpaid.jsonl"
check_exit 0 "inspect episodes without rewards" "$RUDDER" inspect "$SCRATCH/unpaid.jsonl"
check "... counts them" grep -qE '^without_rewards +40$' "$SCRATCH/stdout"
check_exit 1 "episodes without rewards" redistribute "$SCRATCH/unpaid.jsonl" -o "$SCRATCH/x.jsonl"
check "... are refused" grep -q 'unpaid.jsonl: episode 0 has no rewards that could be redistributed' "$SCRATCH/stderr"
check_exit 1 "training on them" "$RUDDER" train configs/offline.yaml --episodes "$SCRATCH/unpaid.jsonl" -o "$SCRATCH/unpaid" -q
check "... is refused" grep -q 'unpaid.jsonl:1: no rewards, and so no return to learn' "$SCRATCH/stderr"
check_exit 2 "an option of another method" redistribute "$data" -o "$SCRATCH/x" --method lrp --nodes 3
check_exit 2 "a mix beyond 1" redistribute "$data" -o "$SCRATCH/x" --mix 1.5
check "... is told the range" grep -q "mix must be a number from 0 to 1, found .1.5." "$SCRATCH/stderr"
check_exit 2 "a negative limit" redistribute "$data" -o "$SCRATCH/x" --max-error-z -1
check "... is told the range" grep -q "max-error-z must be a number of at least 0, found" "$SCRATCH/stderr"
check_exit 2 "an unknown correction" redistribute "$data" -o "$SCRATCH/x" --correction first
check_exit 1 "one step's prediction" redistribute "$data" -o "$SCRATCH/x" --step 3
check "... is refused" grep -q 'leave out the options step and steps' "$SCRATCH/stderr"
check_exit 0 "--max-error-z" "$RUDDER" redistribute -m "$model" "$data" -o "$SCRATCH/z.hdf5" --max-error-z 0
check "... counts who kept them" grep -q 'kept their rewards.* 40$' "$SCRATCH/stdout"
check "... says what it measures by" grep -q 'standard deviation .* of the training returns instead' "$SCRATCH/stderr"

# Outputs that exist.
check_exit 1 "an output that exists" redistribute "$data" -o "$out"
check "... is refused" grep -q 'exists already; --force replaces it' "$SCRATCH/stderr"
check_exit 0 "--force" redistribute "$data" -o "$out" --force
check_exit 0 "onto itself" "$RUDDER" redistribute -m "$model" "$out" -o "$out" --force
check "... says that it was redistributed before" grep -q 'warning: .*out.hdf5: 40 of 40 episodes were redistributed before' "$SCRATCH/stderr"

# Input that is bad, or does not fit the model: nothing is left behind.
mkdir "$SCRATCH/none"
check_exit 1 "another width" redistribute tests/fixtures/minari/cartpole/random-v0 -o "$SCRATCH/none/x"
check "... is named" grep -q 'cartpole/random-v0.*: observations have 4 numbers a row, the model reads 1' "$SCRATCH/stderr"
sed '3s/"observations": \[7/"observations": [13/' "$lines" >"$SCRATCH/far.jsonl"
check_exit 1 "a value outside its space" redistribute "$SCRATCH/far.jsonl" -o "$SCRATCH/none/x.jsonl"
check "... is named" grep -q 'far.jsonl:3: .*"observations"\[0\]' "$SCRATCH/stderr"
sed '2s/"observations": \[7, /"observations": [/' "$lines" >"$SCRATCH/short.jsonl"
check_exit 1 "no final observation" redistribute "$SCRATCH/short.jsonl" -o "$SCRATCH/none/x.jsonl"
check "... is named" grep -q 'short.jsonl:2: .*final observation' "$SCRATCH/stderr"
# A model that reads what the corpus of bad files would hold were it good.
for file in good flat-no-ends; do
    for k in 1 2 3 4; do "$RUDDER" export "tests/fixtures/bad/$file.hdf5" --max-steps 4 -q -o -; done |
        sed 's/"id": "[^"]*", *//' >"$SCRATCH/$file.jsonl"
    check "a model of $file" "$RUDDER" train configs/offline.yaml --episodes "$SCRATCH/$file.jsonl" \
        -q -o "$SCRATCH/$file" --set 'offline.ladder=[linear]'
    check_exit 0 "... which reads it" "$RUDDER" redistribute -m "$SCRATCH/$file" -q --max-steps 4 \
        "tests/fixtures/bad/$file.hdf5" -o "$SCRATCH/$file-out.hdf5"
done
for bad in tests/fixtures/bad/*; do
    case $bad in
    *.py | */good.hdf5 | */unwritten.hdf5) continue ;;
    */flat-*) fitting=$SCRATCH/flat-no-ends ;;
    *) fitting=$SCRATCH/good ;;
    esac
    check_exit 1 "$bad" "$RUDDER" redistribute -m "$fitting" -q "$bad" -o "$SCRATCH/none/x.hdf5"
    check "... is named" grep -q "^rudder: .*${bad##*/}" "$SCRATCH/stderr"
done
check_exit 1 "no model" "$RUDDER" redistribute -m "$SCRATCH/none" "$data" -o "$SCRATCH/none/x"
check_exit 1 "a network of others" "$RUDDER" redistribute -m tests/fixtures/torch_lstm.safetensors "$data" -o "$SCRATCH/none/x"
for from in "$data" "$lines" "$SCRATCH/flat.hdf5"; do
    for full in full.hdf5 full full.jsonl; do
        for size in 4 16 60; do
            check_exit 1 "a full disk, ${from##*/} to $full" \
                sh -c 'trap "" XFSZ; ulimit -f "$0"; "$RUDDER" redistribute -m "$1" -q "$2" -o "$3"' \
                "$size" "$model" "$from" "$SCRATCH/none/$full"
            check "... is named" grep -q "rudder: .*none/$full: " "$SCRATCH/stderr"
        done
    done
done
check "nothing is left of failures" test -z "$(ls -A "$SCRATCH/none")"

# What Python sees, where it has h5py.
if ! /usr/bin/python3 -c 'import h5py' 2>/dev/null; then
    skip "what h5py sees" "python3 has no h5py"
    finish
fi
check_exit 0 "a folder" redistribute "$data" -o "$SCRATCH/walk-v0"
check "h5py sees Minari's layout" /usr/bin/python3 tests/e2e/check_redistributed.py "$data" "$SCRATCH/walk-v0"
finish
