"""`known-issues` and `models`: what ships with the tool."""

from __future__ import annotations

import json

from support.commands import Tool


def test_an_issue_alone_is_the_one_of_the_list(tool: Tool) -> None:
    issues = json.loads(tool("known-issues", "--json").out)
    assert json.loads(tool("known-issues", issues[0]["id"], "--json").out) == issues[0]
    shown = tool("known-issues", issues[0]["id"])
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.startswith(issues[0]["id"])


def test_an_unknown_issue_is_a_wrong_request(tool: Tool) -> None:
    ran = tool("known-issues", "duplicate-weight-nam")
    assert ran.message == "no known issue 'duplicate-weight-nam' hint: did you mean 'duplicate-weight-name'?"
    assert ran.code == 2


def test_models_are_listed_with_their_description(tool: Tool) -> None:
    models = json.loads(tool("models", "--json").out)
    assert "mlp" in models
    assert "zoo:mlp" in tool("models").out
