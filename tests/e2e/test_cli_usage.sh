#!/bin/sh
# The command line: help, exit codes, bad numbers and bad configurations.
. tests/e2e/common.sh

# says FILE TEXT: the text stands in $SCRATCH/FILE.
says() {
    check "... and says: $2" grep -qF -- "$2" "$SCRATCH/$1"
}

commands="experiment train explain envs report inspect bench"

check_exit 0 "help" "$RUDDER" help
for command in $commands; do
    check "help lists $command" grep -q "^  $command " "$SCRATCH/stdout"
done
for command in $commands; do
    check_exit 0 "$command --help" "$RUDDER" "$command" --help
    says stdout "Usage: rudder $command"
    check_exit 2 "$command with an unknown option" "$RUDDER" "$command" --no-such-option
done
check_exit 0 "help COMMAND" "$RUDDER" help bench
says stdout "--reps=R"
check_exit 0 "help config" "$RUDDER" help config
says stdout "predictor.hidden: a whole number, at least 1"
check_exit 0 "--version" "$RUDDER" --version
check "... is one line" test "$(wc -l <"$SCRATCH/stdout")" -eq 1

check_exit 2 "no command" "$RUDDER"
check_exit 2 "unknown command" "$RUDDER" expriment
says stderr "rudder: unknown command 'expriment'"
for command in experiment train explain report inspect; do
    check_exit 2 "$command without its argument" "$RUDDER" $command
done

config=$SCRATCH/small.yaml
printf 'environment:\n  name: watch-repair\n  delay: 5\ncap: 60\n' >"$config"
for number in x -1 +1 0 "" " 3" 3.5 0x10 99999999999999999999; do
    check_exit 2 "--threads '$number'" "$RUDDER" experiment "$config" -o "$SCRATCH/no" --threads "$number"
    check_exit 2 "envs rollout -n '$number'" "$RUDDER" envs rollout coin-walk -n "$number"
    check_exit 2 "bench --reps '$number'" "$RUDDER" bench --part stream --reps "$number"
done
for seeds in 3 a:2 0: :2 0:0 -1:2 0:2:3 0:x; do
    check_exit 2 "--seeds $seeds" "$RUDDER" experiment "$config" -o "$SCRATCH/no" --seeds $seeds
done
for size in 1,2,3 1,2,3,4,5 0,1,1,1 a,1,1,1 1,,1,1 1048576,1,1048576,1; do
    check_exit 2 "--size $size" "$RUDDER" bench --part forward --size $size
done

# What is wrong with a configuration is said with file and line; nothing is written.
refused() {
    printf '%s\n' "$2" >"$SCRATCH/bad.yaml"
    for command in experiment train; do
        check_exit 2 "$command refuses $1" "$RUDDER" $command "$SCRATCH/bad.yaml" -o "$SCRATCH/no"
        says stderr "rudder: $SCRATCH/bad.yaml:$3"
    done
}
good='environment: {name: watch-repair}'
refused "an unknown key" "$good
predictor:
  hiden: 3" '3: unknown key "predictor.hiden"; did you mean "predictor.hidden"?'
refused "a wrong type" "$good
cap: many" "2: cap must be a whole number"
refused "a negative size" "$good
predictor: {hidden: -4}" "2: hidden must be at least 1"
refused "zero seeds" "$good
seeds: {count: 0}" "2: count must be at least 1"
refused "delay 0" "environment: {name: watch-repair, delay: 0}" "1: delay must be at least 1"
refused "nan" "$good
agent: {exploration: .nan}" "2: exploration must be a finite number"
refused "a duplicate key" "$good
cap: 1
cap: 2" '3: duplicate key "cap"'
refused "malformed YAML" "$good
cap: [1" "3: not YAML"
refused "an unknown environment" "environment: {name: coin-wlak}" '1: unknown environment "coin-wlak"; did you mean "coin-walk"?'
refused "features that do not fit" "$good
features:
  observation: [raw, raw]" "3: "
printf '' >"$SCRATCH/empty.yaml"
check_exit 2 "an empty file" "$RUDDER" train "$SCRATCH/empty.yaml" -o "$SCRATCH/no"
says stderr "empty.yaml:1: empty"
check_exit 2 "an absent file" "$RUDDER" train "$SCRATCH/absent.yaml" -o "$SCRATCH/no"
says stderr "absent.yaml"
check_exit 2 "a bad setting" "$RUDDER" train "$config" -o "$SCRATCH/no" --set predictor.hidden=0
says stderr 'setting "predictor.hidden=0": hidden must be at least 1'
check "nothing was written" test ! -e "$SCRATCH/no"

check_exit 1 "a full standard output" sh -c '"$0" envs >/dev/full' "$RUDDER"
says stderr "rudder: standard output: "
finish
