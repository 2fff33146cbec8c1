"""What looks at this machine: doctor."""

from __future__ import annotations

import sys
from typing import Any

from tfjs_compat.cli import exit_codes
from tfjs_compat.cli.console import outputs, print_json
from tfjs_compat.cli.group import cli
from tfjs_compat.cli.options.declaring import with_options
from tfjs_compat.cli.options.shared import AS_JSON, DOCTOR_RUNTIME


@cli.command(short_help="Check what of this machine a run needs.")
@with_options(DOCTOR_RUNTIME, AS_JSON)
def doctor(runtime: Any, as_json: bool) -> None:
    """Check this machine: interpreters, uv, index, Node, browser, disk; what would stop a run."""
    from tfjs_compat import api
    from tfjs_compat.cli.views import doctor as view

    findings = api.doctor(api.Store(), runtime)
    if as_json:
        print_json(findings)
    else:
        view.show(outputs()[0], findings)
    sys.exit(exit_codes.of_doctor(findings))
