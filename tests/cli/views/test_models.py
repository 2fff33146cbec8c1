from __future__ import annotations

from support.consoles import shown_by

from tfjs_compat.cli.views import models

MODELS = {
    "mlp": "A classifier.",
    "seed": "Two LSTM layers, the second with ``return_sequences``, and two Dense layers.",
}


def test_models_keep_to_the_width_without_markup_of_docstrings() -> None:
    text = shown_by(lambda console: models.show(console, MODELS), 50)
    lines = text.splitlines()
    assert "zoo:mlp" in lines[1]
    assert max(map(len, lines)) <= 50
    assert "`" not in text
