"""The command line."""


def main() -> None:
    """Run the command line."""
    from tenx_async.cli.app import app  # noqa: PLC0415  # a program that only imports needs none

    app(prog_name="tenx")
