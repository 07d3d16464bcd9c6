#!/bin/sh
# rudder serve and keygen as a user meets them: the line when it is ready, its end, its state, keys.
. tests/e2e/common.sh
endurance=$BUILD/tests/agent_bridge/endurance

# serve NAME OPTION...: starts a server in the background and waits for its line; leaves its pid in
# $server and its address in $address.
serve() {
    log=$SCRATCH/$1
    shift
    "$RUDDER" serve "$@" >"$log.out" 2>"$log.err" &
    server=$!
    for _ in $(seq 100); do
        [ -s "$log.out" ] && break
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.1
    done
    address=$(sed -n '1s/^rudder: listening on //p' "$log.out")
    [ -n "$address" ]
}

# stop SIGNAL: ends the server and tells its exit code.
stop() {
    kill -"$1" "$server"
    wait "$server"
}

says_that_it_is_ready() {
    printf 'rudder: listening on %s\n' "$address" | cmp - "$SCRATCH/ready.out" || return 1
    case $address in
    tcp://127.0.0.1:*[0-9]) ;;
    *) return 1 ;;
    esac
}

tells_its_status() {
    "$RUDDER" serve --status --bind "$address" >"$SCRATCH/status" || return 1
    grep -q '^  requests ' "$SCRATCH/status"
}

tells_systemd() {
    command -v python3 >/dev/null || { echo "no python3" && return 0; }
    python3 - "$RUDDER" "$SCRATCH/notify" <<'END'
import os, signal, socket, subprocess, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[2])
receiver.settimeout(20)
server = subprocess.Popen([sys.argv[1], "serve", "--bind", "tcp://127.0.0.1:*"],
                          env=dict(os.environ, NOTIFY_SOCKET=sys.argv[2]),
                          stdout=subprocess.DEVNULL)
assert receiver.recv(100) == b"READY=1"
server.send_signal(signal.SIGTERM)
assert receiver.recv(100) == b"STOPPING=1"
assert server.wait(20) == 0
END
}

tells_a_fault() {
    serve fault --bind 'tcp://127.0.0.1:*' || return 1
    stop SEGV
    [ $? -eq 1 ] || return 1
    grep -Eq '^rudder: stopped by a memory fault|AddressSanitizer' "$log.err"
}

is_alone_on_its_state() {
    serve first --bind 'tcp://127.0.0.1:*' --state "$SCRATCH/state" || return 1
    "$RUDDER" serve --bind 'tcp://127.0.0.1:*' --state "$SCRATCH/state" 2>"$SCRATCH/second.err"
    code=$?
    stop INT
    [ $code -eq 1 ] && grep -q "$SCRATCH/state" "$SCRATCH/second.err"
}

keys_are_private() {
    "$RUDDER" keygen "$SCRATCH/server" && mkdir -p "$SCRATCH/clients" &&
        "$RUDDER" keygen "$SCRATCH/clients/good" && "$RUDDER" keygen "$SCRATCH/bad" || return 1
    [ "$(stat -c %a "$SCRATCH/server.secret")" = 600 ] && [ "$(wc -c <"$SCRATCH/server.public")" -eq 41 ]
}

only_allowed_keys_are_served() {
    serve curve --bind 'tcp://127.0.0.1:*' --set server.secret_key="$SCRATCH/server.secret" \
        --set server.allowed_clients="$SCRATCH/clients" || return 1
    ask() {
        "$RUDDER" serve --status --bind "$address" --server-key "$SCRATCH/server.public" --key "$1"
    }
    ask "$SCRATCH/clients/good.secret" >"$SCRATCH/good"
    good=$?
    ask "$SCRATCH/bad.secret" >"$SCRATCH/bad.out" 2>&1
    bad=$?
    "$RUDDER" serve --status --bind "$address" >"$SCRATCH/none.out" 2>&1 # without a key
    none=$?
    for _ in $(seq 100); do
        grep -q 'without a key' "$SCRATCH/curve.err" && break
        sleep 0.1
    done
    stop TERM || return 1
    cat "$SCRATCH/curve.err" "$SCRATCH/none.out"
    [ $good -eq 0 ] && [ $bad -eq 1 ] && [ $none -eq 1 ] &&
        grep -q 'refused a client' "$SCRATCH/curve.err" && grep -q 'without a key' "$SCRATCH/curve.err"
}

an_empty_list_of_keys_is_told() {
    mkdir -p "$SCRATCH/nobody"
    serve nobody --bind 'tcp://127.0.0.1:*' --set server.secret_key="$SCRATCH/server.secret" \
        --set server.allowed_clients="$SCRATCH/nobody" || return 1
    stop TERM && grep -q "$SCRATCH/nobody holds no key" "$SCRATCH/nobody.err"
}

readable_keys_are_refused() {
    chmod 644 "$SCRATCH/server.secret"
    ! "$RUDDER" serve --set server.secret_key="$SCRATCH/server.secret" \
        --set server.allowed_clients="$SCRATCH/clients" 2>"$SCRATCH/mode.err" &&
        grep -q 'chmod 600' "$SCRATCH/mode.err"
}

# A check runs in a shell of its own: what others need is started here.
serve ready configs/serve.yaml --bind 'tcp://127.0.0.1:*'
check "serve says that it is ready" says_that_it_is_ready
check "serve --status tells of a running server" tells_its_status
stop TERM
check "SIGTERM ends it well" [ $? -eq 0 ]
check_exit 1 "no answer where no server is" "$RUDDER" serve --status --bind "$address"
check "systemd is told" tells_systemd
check "a fault is told" tells_a_fault
check "two servers cannot share a state folder; SIGINT ends one" is_alone_on_its_state
check_exit 2 "other machines need keys" "$RUDDER" serve --bind 'tcp://0.0.0.0:*'
check_exit 2 "an address that nobody can connect to is refused" "$RUDDER" serve --bind inproc://rudder
check_exit 2 "an unknown key is refused" "$RUDDER" serve --set server.bnd=x
check_exit 2 "a predictor that needs an environment is refused" "$RUDDER" serve --set predictor.cell=exact
check "keygen writes private keys" keys_are_private
check_exit 1 "keygen overwrites nothing" "$RUDDER" keygen "$SCRATCH/server"
check "only allowed keys are served" only_allowed_keys_are_served
check "an empty list of keys is told" an_empty_list_of_keys_is_told
check_exit 2 "a list of keys that is not there is refused" "$RUDDER" serve --bind 'tcp://127.0.0.1:*' \
    --set server.secret_key="$SCRATCH/server.secret" --set server.allowed_clients="$SCRATCH/nowhere"
check "a secret key that others can read is refused" readable_keys_are_refused
check "what was acknowledged survives kills" "$endurance" chaos "$RUDDER" 3
check "a full disk refuses submissions only" "$endurance" full "$RUDDER"
check "mutated frames do no harm" "$endurance" mutate "$RUDDER" 20000
finish
