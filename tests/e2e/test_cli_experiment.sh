#!/bin/sh
# rudder experiment: results, resumption, refusals; report and inspect on its folder.
. tests/e2e/common.sh

config=$SCRATCH/small.yaml
run=$SCRATCH/run
cat >"$config" <<'YAML'
environment: {name: watch-repair, delay: [5, 8]}
methods: [rudder, monte-carlo, exact]
seeds: {first: 3, count: 3}
cap: 120
solved: {window: 60, optimal_share: 0.8}
grid: {methods: monte-carlo, step_size: [0.05, 0.1], initial_value: 0, seeds: 2, cap: 100}
features: {difference: true}
predictor: {cell: rudder, hidden: 4}
training: {every: 5, updates: 20}
YAML

# The results without what differs from run to run: the seconds.
results() {
    sed -E 's/"(median_)?seconds": ?[-+.0-9e]+//g' "$1/results.json"
}
same_results() {
    results "$1" >"$SCRATCH/first"
    results "$2" >"$SCRATCH/second"
    cmp "$SCRATCH/first" "$SCRATCH/second"
}

check_exit 0 "experiment" "$RUDDER" experiment "$config" -o "$run" -q
cp "$SCRATCH/stdout" "$SCRATCH/table"
check "... is silent with -q" test ! -s "$SCRATCH/stderr"
check "... prints where the page is" grep -qx "Report: $run/report.html" "$SCRATCH/table"
for file in config.yaml runs.jsonl results.json results.csv report.html; do
    check "... leaves $file" test -s "$run/$file"
done
check "... one row a run, and a header" test "$(wc -l <"$run/results.csv")" -eq 19
check "... the tuned method has a setting of the grid" test "$(grep -cE '^watch-repair,[58],monte-carlo,0\.(05|1),0,' "$run/results.csv")" -eq 6
check "... tunes first" test "$(wc -l <"$run/runs.jsonl")" -eq 26
check "... keeps the effective configuration" grep -qx '  all_steps_weight: 0.5' "$run/config.yaml"

cp "$run/runs.jsonl" "$SCRATCH/journal"
check_exit 0 "a finished run" "$RUDDER" experiment "$config" -o "$run"
check "... prints its table again" cmp "$SCRATCH/table" "$SCRATCH/stdout"
check "... and runs nothing" cmp "$SCRATCH/journal" "$run/runs.jsonl"
check_exit 0 "--json" "$RUDDER" experiment "$config" -o "$run" --json -q
check "... prints results.json" cmp "$SCRATCH/stdout" "$run/results.json"
check "... whose runs are complete" test "$(tr -d ' \n' <"$run/results.json" |
    grep -oE '"seed":[0-9]+,"solved":(true|false),"censored":(true|false),"episodes":[0-9]+,"poor_decisions":[0-9]+,"greedy_optimal_from":' | wc -l)" -eq 18

check_exit 0 "one thread" "$RUDDER" experiment "$config" -o "$SCRATCH/one" --threads 1 -q
check "... finds the same" same_results "$run" "$SCRATCH/one"
check_exit 0 "three threads" "$RUDDER" experiment "$config" -o "$SCRATCH/three" --threads 3 -q
check "... find the same" same_results "$run" "$SCRATCH/three"
check_exit 0 "--seeds" "$RUDDER" experiment "$config" -o "$SCRATCH/seeds" --seeds 4:1 -q
check "... runs those" test "$(cut -d, -f7 "$SCRATCH/seeds/results.csv" | grep -c '^4$')" -eq 6

# The folder of another run, or of something else, is refused and left alone.
check_exit 1 "the folder of another configuration" "$RUDDER" experiment "$config" -o "$run" --set cap=90 -q
check "... is named, with the way out" grep -q "$run: .*--force" "$SCRATCH/stderr"
check "... and left alone" cmp "$SCRATCH/journal" "$run/runs.jsonl"
mkdir "$SCRATCH/other"
echo precious >"$SCRATCH/other/file"
check_exit 1 "a folder that is not empty" "$RUDDER" experiment "$config" -o "$SCRATCH/other" -q
check "... gets nothing" test "$(ls "$SCRATCH/other")" = file
check_exit 0 "--force" "$RUDDER" experiment "$config" -o "$SCRATCH/other" --force -q
check "... leaves what is not its own" grep -qx precious "$SCRATCH/other/file"
check "... and finds the same" same_results "$run" "$SCRATCH/other"
check_exit 1 "a folder below a file" "$RUDDER" experiment "$config" -o "$SCRATCH/other/file/run" -q
check "... is named" grep -q "$SCRATCH/other/file" "$SCRATCH/stderr"

# Killed after some runs, in the middle of a line: it goes on where it stopped.
killed=$SCRATCH/killed
mkdir "$killed"
cp "$run/config.yaml" "$killed"
head -n 9 "$run/runs.jsonl" >"$killed/runs.jsonl"
sed -n 10p "$run/runs.jsonl" | cut -c1-60 | tr -d '\n' >>"$killed/runs.jsonl"
check_exit 0 "after a kill in mid-line" "$RUDDER" experiment "$config" -o "$killed" -q
check "... the finished runs were kept" sh -c 'head -n 9 "$1" >"$1.head"; head -n 9 "$2" | cmp - "$1.head"' - "$killed/runs.jsonl" "$run/runs.jsonl"
check "... every run is there once" test "$(wc -l <"$killed/runs.jsonl")" -eq 26
check "... the results are those without a kill" same_results "$run" "$killed"

# Stopped by a signal after the first runs: those are kept.
stopped_by() {
    folder=$SCRATCH/stopped-$1
    "$RUDDER" experiment "$config" -o "$folder" --threads 1 -q --set seeds.count=300 2>"$SCRATCH/stderr" &
    process=$!
    tries=0
    until [ -s "$folder/runs.jsonl" ] || [ $tries -eq 300 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    kill -s "$1" "$process"
    wait "$process" 2>/dev/null
    check "stopped by $1: exit $2" test $? -eq "$2"
    check "... finished runs are kept" test "$(wc -l <"$folder/runs.jsonl")" -ge 1
    check "... and not all were run" test ! -e "$folder/results.json"
}
stopped_by INT 130
stopped_by TERM 130
stopped_by KILL 137

# A run whose training diverges is recorded as failed; the others go on.
check_exit 0 "training that diverges" "$RUDDER" experiment "$config" -o "$SCRATCH/diverged" -q \
    --set predictor.learning_rate=1e30 --set predictor.clip_norm=0 --set environment.delay=5
check "... fails those runs" test "$(grep -c '"method":"rudder".*"error":' "$SCRATCH/diverged/runs.jsonl")" -eq 3
check "... and no other" test "$(grep -c '"error":' "$SCRATCH/diverged/runs.jsonl")" -eq 3
check "... and says so" grep -q 'rudder: 3 of 13 runs failed; rudder with seed 3: ' "$SCRATCH/stderr"

# A disk that is full (here: a limit on the size of a file) ends it with the file's name.
full=$SCRATCH/full
check_exit 1 "a full disk" sh -c 'trap "" XFSZ; ulimit -f 100; "$0" experiment "$1" -o "$2" -q' "$RUDDER" "$config" "$full"
check "... names the file" grep -q "rudder: $full/report.html: " "$SCRATCH/stderr"
check "... finished runs remain" test "$(wc -l <"$full/runs.jsonl")" -eq 26
check_exit 0 "... and with room again it ends well" "$RUDDER" experiment "$config" -o "$full" -q
check "... with the same results" same_results "$run" "$full"

rm "$run/report.html"
check_exit 0 "report" "$RUDDER" report "$run"
check "... writes the page" test -s "$run/report.html"
check_exit 0 "report -o" "$RUDDER" report "$run" -o "$SCRATCH/page.html"
check "... writes the same" cmp "$run/report.html" "$SCRATCH/page.html"
check_exit 1 "report on something else" "$RUDDER" report "$SCRATCH"
check_exit 0 "inspect" "$RUDDER" inspect "$run" --json
check "... counts the runs" grep -q '"kind":"experiment",.*"runs":18,"finished":18,.*"tuning_runs":8}' "$SCRATCH/stdout"
finish
