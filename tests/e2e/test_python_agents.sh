#!/bin/sh
# Agents in Python that learn over the bridge: the examples, and one in lock step with the experiment.
. tests/e2e/common.sh
. tests/agent_bridge/python/python.sh

run_python test_examples test_lock_step
finish
