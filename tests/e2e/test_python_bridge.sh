#!/bin/sh
# The Python package of the bridge against a real server (RUDDER), and its examples.
. tests/e2e/common.sh

# The first Python that has what the package needs.
for python in python3 /usr/bin/python3; do
    "$python" -c 'import msgpack, numpy, zmq' 2>/dev/null && break
    python=
done
if [ -z "${python:-}" ]; then
    skip python_bridge "no Python with numpy, pyzmq and msgpack (Debian: python3-numpy python3-zmq python3-msgpack)"
    finish
fi

here=$PWD/tests/agent_bridge/python
export PYTHONPATH="$PWD/agent_bridge/python:$here/standin:$here" PYTHONDONTWRITEBYTECODE=1
export RUDDER_SERVER="$RUDDER" TMPDIR="$SCRATCH"
"$python" "$here/run.py" test_client test_wrappers test_replay_buffer test_remote test_command_line test_package \
    test_examples || failures=1
finish
