"""`python -m tenx_async` is `tenx`."""

from tenx_async.cli import main

main()
