from __future__ import annotations

import re

from support.samples import result, results

from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report.look import VERDICTS
from tfjs_compat.report.writers import find_writer


def test_every_verdict_has_a_look_of_its_own() -> None:
    assert set(VERDICTS) == set(Verdict)
    for field in ("style", "symbol", "emoji", "meaning"):
        assert len({getattr(look, field) for look in VERDICTS.values()}) == len(Verdict)


def test_the_page_has_colours_for_every_verdict() -> None:
    style = find_writer("html").render(results(result()))
    for verdict in Verdict:
        assert re.search(rf"(?m)^\.{verdict} {{", style)
