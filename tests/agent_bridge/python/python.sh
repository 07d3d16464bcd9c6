# shellcheck shell=sh
# Sourced behind tests/e2e/common.sh: run_python MODULE... runs these tests of this folder against RUDDER.
here=$PWD/tests/agent_bridge/python

run_python() {
    # The first Python that has what the package needs.
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import msgpack, numpy, zmq' 2>/dev/null && break
        python=
    done
    if [ -z "$python" ]; then
        skip "$*" "no Python with numpy, pyzmq and msgpack (Debian: python3-numpy python3-zmq python3-msgpack)"
        return
    fi
    PYTHONPATH="$PWD/agent_bridge/python:$here/standin:$here" PYTHONDONTWRITEBYTECODE=1 \
        RUDDER_SERVER="$RUDDER" TMPDIR="$SCRATCH" "$python" "$here/run.py" "$@" || failures=1
}
