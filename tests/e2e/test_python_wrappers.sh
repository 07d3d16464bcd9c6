#!/bin/sh
# The wrappers for training loops in Python against a real server.
. tests/e2e/common.sh
. tests/agent_bridge/python/python.sh

run_python test_wrappers test_gymnasium test_replay_buffer
finish
