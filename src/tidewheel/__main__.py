"""``python -m tidewheel``: the same as the command."""

from tidewheel.cli.main import main

main()
