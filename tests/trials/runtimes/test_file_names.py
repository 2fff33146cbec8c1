"""Which file names of an artifact are refused: the rule stands once in Python and once in JavaScript."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tfjs_compat.artifact.shards import why_refused
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.trials.runtimes.node import find_node

RULE = Path(process.__file__).parents[1] / "inside" / "tfjs" / "file_names.mjs"
PIECES = (
    *(
        "..",
        ".",
        "/",
        "//",
        "\\",
        "%2e",
        "%2E",
        "%2f",
        "%5C",
        "%",
        "%2",
        "c:",
        "http:",
        "file",
        "a",
        "é",
        "1",
        "-",
        "+",
    ),
    *(
        " ",
        "\t",
        "\n",
        "\0",
        "\x1f",
        "\x7f",
        "\x85",
        "\xa0",
        "\u1680",
        "\u2003",
        "\u2028",
        "\u3000",
        "\ufeff",
        "\u200b",
    ),
    *("\ud800", "\udc00", "\U0001f600", "ſ", "K", "İ"),
)


def generated(count: int) -> list[str]:
    """Names out of the pieces that the rule is about, as JSON gives them; the same in each run."""
    chosen = random.Random(20)
    names = ["".join(chosen.choices(PIECES, k=chosen.randint(0, 6))) for _ in range(count)]
    names += [*PIECES, "group1-shard1of1.bin", "a/b.bin", "a/../b", "a%2e%2e/b", "..."]
    return json.loads(json.dumps(names))


def test_both_halves_refuse_the_same_names(tmp_path: Path) -> None:
    names = generated(20_000)
    (tmp_path / "names.json").write_text(json.dumps(names))
    program = (
        f"import {{ escapes }} from {json.dumps(RULE.as_uri())};\n"
        "import fs from 'node:fs';\n"
        "const names = JSON.parse(fs.readFileSync('names.json', 'utf8'));\n"
        "fs.writeFileSync('refused.json', JSON.stringify(names.map((name) => escapes(name))));\n"
    )
    (tmp_path / "program.mjs").write_text(program)
    environment = clean_environment(tmp_path / "home")
    log = tmp_path / "log"
    ended = process.run([str(find_node().path), "program.mjs"], env=environment, cwd=tmp_path, log=log)
    assert ended.ok, log.read_text()
    refused = json.loads((tmp_path / "refused.json").read_text())
    pairs = zip(names, refused, strict=True)
    differing = [name for name, there in pairs if there is not (why_refused(name) is not None)]
    assert differing == []
    assert 0.1 < sum(refused) / len(refused) < 0.95


@pytest.mark.parametrize("name", [None, 1, [], {}])
def test_what_is_no_text_is_no_name(name: object, tmp_path: Path) -> None:
    program = (
        f"import {{ escapes }} from {json.dumps(RULE.as_uri())};\n"
        f"process.exit(escapes({json.dumps(name)}) === true ? 0 : 1);\n"
    )
    environment = clean_environment(tmp_path / "home")
    command = [str(find_node().path), "--input-type=module", "-e", program]
    assert process.run(command, env=environment, cwd=tmp_path, log=tmp_path / "log").ok
