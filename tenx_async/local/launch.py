"""Become a command with a limit of memory: `launch.py BYTES COMMAND…`.

The limit is there before the command's first instruction. It runs as a script without the
packages of this environment, so that it costs little time.
"""

from __future__ import annotations

import os
import resource
import signal
import sys


def main() -> None:
    """Set the limit and what the interpreter changed about signals, then become the command."""
    wanted, *command = sys.argv[1:]
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    limit = min(int(wanted), sys.maxsize if most == resource.RLIM_INFINITY else most)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execvp(command[0], command)  # noqa: S606 - to become the user's command is its purpose


if __name__ == "__main__":
    main()
