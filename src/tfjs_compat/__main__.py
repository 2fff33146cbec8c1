"""``python -m tfjs_compat``."""

from tfjs_compat.cli import main

main()
