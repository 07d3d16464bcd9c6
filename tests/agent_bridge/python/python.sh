# shellcheck shell=sh
# Sourced behind tests/e2e/common.sh: run_python MODULE... runs these tests of this folder against RUDDER.
here=$PWD/tests/agent_bridge/python

# usable PACKAGE...: whether $python has them.
usable() {
    for package; do
        "$python" -c "import $package" 2>/dev/null || return 1
    done
}

run_python() {
    # The first Python that has what the package needs.
    for python in python3 /usr/bin/python3; do
        usable msgpack numpy zmq && break
        python=
    done
    if [ -z "$python" ]; then
        skip "$*" "no Python with numpy, pyzmq and msgpack (Debian: python3-numpy python3-zmq python3-msgpack)"
        return
    fi
    path=$PWD/agent_bridge/python:$here:$here/standin/stable_baselines3
    if [ "${GYMNASIUM:-}" = standin ] || ! usable gymnasium; then
        path=$path:$here/standin/gymnasium
    fi
    PYTHONPATH="$path${PYTHONPATH:+:$PYTHONPATH}" PYTHONDONTWRITEBYTECODE=1 \
        RUDDER_SERVER="$RUDDER" TMPDIR="$SCRATCH" "$python" "$here/run.py" "$@" || failures=1
}
