"""The command line."""

import sys

_INTERRUPTED = 130


def main() -> None:
    """Run the command line."""
    try:
        from tenx_async.cli.app import app  # noqa: PLC0415  # a program that only imports needs none
        from tenx_async.cli.streams import open_missing  # noqa: PLC0415  # the same

        open_missing()
        app(prog_name="tenx")
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
