"""``python -m tfjs_compat``."""

from tfjs_compat.cli.start import main

main()
