"""python -m rudder_bridge status | submit FILE"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import Client, RudderError, RudderTimeout, __version__
from .wire import COLUMNS, EPISODE_FIELDS


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m rudder_bridge", description="Talks to a running `rudder serve`.")
    parser.add_argument("--version", action="version", version=f"rudder_bridge {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    status = commands.add_parser("status", help="print what the server knows and does")
    status.add_argument("--json", action="store_true", help="as one line of JSON")
    submit = commands.add_parser("submit", help="give the episodes of a file to the server")
    submit.add_argument("file", metavar="FILE", help="JSON lines, one episode a line; - is standard input")
    submit.add_argument("--time-limit", choices=("cut", "terminal"), default="cut", help="what truncation means")
    for command in (status, submit):
        command.add_argument("--address", default="tcp://127.0.0.1:5555", help="default: %(default)s")
        command.add_argument("--key", metavar="FILE", help="this client's secret key, if the server asks for keys")
        command.add_argument("--server-key", metavar="FILE", help="the server's public key")
        command.add_argument("--timeout", type=float, default=10.0, metavar="SECONDS", help="default: %(default)s")
    return parser


def _print_status(status: dict[str, Any]) -> None:
    for name, value in status["server"].items():
        print(f"{name:<16} {value}")
    print(f"\n{'task':<18}{'name':<16}{'episodes':>10}{'updates':>10}{'version':>9}{'ready':>7}{'quality':>9}")
    for task in status["tasks"]:
        quality = "-" if task["quality"] is None else f"{task['quality']:.3f}"
        ready = "yes" if task["ready"] else "no"
        print(
            f"{task['task']:<18}{task['name'] or '-':<16}{task['episodes']:>10}{task['updates']:>10}"
            f"{task['model_version']:>9}{ready:>7}{quality:>9}"
        )


def _compact(key: str, value: Any) -> Any:
    """A column as an array, which takes a fraction of a list's memory."""
    return np.asarray(value) if key in COLUMNS and value is not None else value


def _episodes(path: str) -> Iterator[dict[str, Any]]:
    """The file's episodes; what else a line may hold (infos, redistributed rewards) is left out."""
    with sys.stdin if path == "-" else open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                episode = json.loads(line)
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from None
            if not isinstance(episode, dict):
                raise ValueError(f"{path}:{number}: an episode is an object")
            try:
                yield {key: _compact(key, value) for key, value in episode.items() if key in EPISODE_FIELDS}
            except ValueError as error:
                raise ValueError(f"{path}:{number}: {error}") from None


def _submit(client: Client, path: str, time_limit: str) -> None:
    # All at once: spaces that are inferred are those of the whole file.
    reply = client.submit(_episodes(path), time_limit=time_limit)
    print(", ".join(f"{reply[name]} {name}" for name in ("accepted", "duplicates", "cut")))


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0, 1 for an error, 2 for wrong arguments (by argparse)."""
    given = _parser().parse_args(arguments)
    try:
        with Client(given.address, given.timeout, key=given.key, server_key=given.server_key) as client:
            if given.command == "submit":
                _submit(client, given.file, given.time_limit)
            elif given.json:
                print(json.dumps(client.status()))
            else:
                _print_status(client.status())
    except (RudderError, RudderTimeout, OSError, ValueError) as error:
        print(f"rudder_bridge: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
