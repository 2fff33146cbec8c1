"""``python -m tfjs_compat``."""

from tfjs_compat.cli.main import main

main()
