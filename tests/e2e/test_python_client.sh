#!/bin/sh
# The Python client of the bridge against a real server, and what it does when none answers.
. tests/e2e/common.sh
. tests/agent_bridge/python/python.sh

run_python test_package test_client test_command_line test_remote
finish
