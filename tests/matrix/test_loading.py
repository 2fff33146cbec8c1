import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import ROOT

from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.axes import Axes, Match, texts
from tfjs_compat.matrix.loading import decode, has_table, read_matrix
from tfjs_compat.matrix.process_env import PROCESS_ENVS, process_variables
from tfjs_compat.matrix.schema import Expect, Include, Matrix
from tfjs_compat.matrix.shipped import shipped_names
from tfjs_compat.outcomes.stages import Stage, Verdict


def read(tmp_path: Path, text: str, name: str = "mine.toml") -> Matrix:
    path = tmp_path / name
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return read_matrix(path)


def test_everything_that_a_file_can_say(tmp_path: Path) -> None:
    matrix = read(
        tmp_path,
        """
        models = ["zoo:seed", "model.py:build"]
        routes = ["layers", "graph"]
        until = "convert"
        [axes]
        python = ["3.11"]
        tensorflow = [">=2.15,<2.17", "2.18.0"]
        tensorflowjs = ["4.17.0"]
        keras = ["resolved", "3.2.1"]
        extra = ["pandas", ["pandas", "scipy>=1"]]
        constraints = ["", "setuptools<81"]
        overrides = ["protobuf==4.25.3"]
        as_of = [2024-04-10, "2024-04-11", "today"]
        process_env = ["default", "legacy-keras+no-onednn", "quiet+legacy-keras"]
        tfjs_runtime = ["default", "converter"]
        [requirements]
        extra = ["h5py"]
        source_builds = true
        [limits]
        seconds = 90
        memory = 2.5
        [process_env.quiet]
        TF_CPP_MIN_LOG_LEVEL = "3"
        [[exclude]]
        tensorflow = "2.15.*"
        process_env = ["legacy-keras", "quiet*"]
        [[include]]
        tensorflow = ["2.12.1"]
        models = ["zoo:mlp"]
        [[expect]]
        route = "graph"
        verdict = "fails"
        stage = "convert"
        issue = "unsupported-ops"
        resolved_keras = "3.*"
        reason = "because"
        """,
    )
    assert matrix.name == "mine"
    assert matrix.until is Stage.CONVERT
    assert matrix.axes.as_of == ["2024-04-10", "2024-04-11", "today"]
    assert matrix.axes.extra == ["pandas", ["pandas", "scipy>=1"]]
    assert matrix.requirements.source_builds
    assert matrix.limits.seconds == 90
    assert matrix.exclude == [Match(tensorflow="2.15.*", process_env=["legacy-keras", "quiet*"])]
    assert matrix.include == [Include(tensorflow=["2.12.1"], models=["zoo:mlp"])]
    rule = Expect(
        route="graph",
        verdict=Verdict.FAILS,
        stage=Stage.CONVERT,
        issue="unsupported-ops",
        resolved_keras="3.*",
        reason="because",
    )
    assert matrix.expect == [rule]


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_matrices_are_right(name: str) -> None:
    matrix = read_matrix(ROOT / "envs" / f"{name}.toml")
    assert matrix.name == name
    assert matrix.models
    assert matrix.axes.tensorflow


def test_every_shipped_matrix_is_listed() -> None:
    assert {path.stem for path in (ROOT / "envs").glob("*.toml")} == set(shipped_names())


AXES = "[axes]\n"
WRONG = [
    ("modles = []", "unknown key 'modles'\nhint: did you mean 'models'?"),
    (AXES + "tensorflw = []", "unknown key 'axes.tensorflw'\nhint: did you mean 'tensorflow'?"),
    ("[requirements]\nconstraint = []", "unknown key 'requirements.constraint'\nhint: did you mean 'constraints'?"),
    ("[limits]\nsecond = 3", "unknown key 'limits.second'\nhint: did you mean 'seconds'?"),
    ("[[include]]\nmodel = []", "unknown key 'include[0].model'\nhint: did you mean 'models'?"),
    ("[[exclude]]\n[[exclude]]\nmodels = 'x'", "unknown key 'exclude[1].models'\nhint: did you mean 'model'?"),
    ("[[expect]]\nverdct = 'works'", "unknown key 'expect[0].verdct'\nhint: did you mean 'verdict'?"),
    ("zzz = 1", "unknown key 'zzz'\nhint: use one of: axes, exclude, expect, include"),
    (
        AXES + "tensorflow = '2.16.1'",
        """key 'axes.tensorflow': expected a list, got a text in quotes\nhint: write ["…"]""",
    ),
    (
        AXES + "tensorflow = [2.16]",
        "key 'axes.tensorflow[0]': expected a text in quotes, got a number\nhint: versions are",
    ),
    (AXES + "tensorflow = []", "key 'axes.tensorflow': the list is empty\nhint: leave the key out"),
    (AXES + "tensorflow = ['2.x']", "key 'axes.tensorflow': '2.x' is neither a version"),
    (AXES + "tensorflowjs = ['===four']", "key 'axes.tensorflowjs': '===four' is neither a version"),
    (AXES + "keras = ['resolve']", "key 'axes.keras': 'resolve' is neither a version"),
    (AXES + "as_of = ['yesterday']", "key 'axes.as_of': 'yesterday' is neither a date such as 2024-04-10 nor 'today'"),
    (AXES + "as_of = ['20240410']", "'20240410' is neither a date"),
    (AXES + "as_of = ['2024-02-30']", "'2024-02-30' is neither a date"),
    (AXES + "as_of = [12:00:00]", "key 'axes.as_of[0]': expected a text in quotes"),
    (AXES + "process_env = ['legacy-kras']", "unknown name 'legacy-kras'\nhint: did you mean 'legacy-keras'?"),
    (AXES + "process_env = ['default+x']", "key 'axes.process_env': unknown name 'x'\nhint: use one of: default"),
    (
        AXES + "constraints = ['setuptools<<81']",
        "key 'axes.constraints': 'setuptools<<81' is not a requirement such as 'setuptools<81': ",
    ),
    (AXES + "extra = [['pandas', '-r other.txt']]", "key 'axes.extra': '-r other.txt' is not a requirement"),
    ("[requirements]\noverrides = ['=3']", "key 'requirements.overrides': '=3' is not a requirement"),
    ("[requirements]\nsource_builds = 'yes'", "key 'requirements.source_builds': expected true or false, got a text"),
    ("models = 'zoo:seed'", "key 'models': expected a list, got a text in quotes"),
    ("routes = ['layer']", "key 'routes': route 'layer': no such route\nhint: did you mean 'layers'?"),
    (
        "[[include]]\nroutes = ['grph']",
        "key 'include[0].routes': route 'grph': no such route\nhint: did you mean 'graph'?",
    ),
    ("[[include]]\ntensorflow = ['?']", "key 'include[0].tensorflow': '?' is neither a version"),
    ("until = 'converted'", "key 'until': unknown value 'converted'\nhint: did you mean 'convert'?"),
    (
        "[[expect]]\nverdict = 'ok'\nreason = 'x'",
        "key 'expect[0].verdict': unknown value 'ok'\nhint: use one of: converts",
    ),
    (
        "[[expect]]\nstage = 'loads'\nreason = 'x'",
        "key 'expect[0].stage': unknown value 'loads'\nhint: did you mean 'load'?",
    ),
    (
        "[[expect]]\nmodel = 'x'\nreason = 'x'",
        "key 'expect[0]': it expects nothing\nhint: give 'verdict', 'stage' or 'issue'",
    ),
    (
        "[[expect]]\nverdict = 'fails'\nreason = 'x'\nexpires = 'soon'",
        "key 'expect[0].expires': 'soon' is no date such as 2026-12-31",
    ),
    (
        "[[expect]]\nverdict = 'fails'\nreason = 'x'\nlink = 'javascript:alert(1)'",
        "key 'expect[0].link': 'javascript:alert(1)' is no address such as https://example.org/issues/1",
    ),
    ("[[expect]]\nverdict = 'works'", "key 'expect[0].reason': missing\nhint: say why this is expected"),
    ("[limits]\nseconds = 0", "key 'limits.seconds': Expected `float` > 0.0"),
    ("[limits]\nmemory = 'much'", "key 'limits.memory': expected a number, got a text in quotes"),
    ("[process_env]\nquiet = '3'", "key 'process_env[...]': expected a table, got a text in quotes"),
    ("[process_env.quiet]\nLEVEL = 3", "expected a text in quotes, got a number"),
    ("[process_env.quiet]\n'A=B' = '3'", "key 'process_env.quiet': 'A=B' cannot be the name of a variable"),
    ('[process_env.quiet]\nA = "\\u0000"', "key 'process_env.quiet.A': a variable cannot hold a NUL"),
    ("axes = 3", "key 'axes': expected a table, got a number"),
    ("models = [", "not valid TOML: "),
    ("models = []\nmodels = []", "not valid TOML: "),
    ("name = '\udcff'", "not valid TOML: 'utf-8' codec"),
    ("name = " + "[" * 3000, "not valid TOML: "),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[text[:40] for text, _ in WRONG])
def test_errors_name_file_key_and_the_right_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RequestError) as raised:
        read(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path / 'mine.toml'}: ")
    assert said in str(raised.value)


def test_a_file_that_is_not_there_or_is_a_folder(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"nothing\.toml: there is no such matrix file$"):
        read_matrix(tmp_path / "nothing.toml")
    (tmp_path / "mine.toml").touch()
    with pytest.raises(RequestError, match=r"mien\.toml: .*\nhint: did you mean '.*mine\.toml'\?$"):
        read_matrix(tmp_path / "mien.toml")
    with pytest.raises(
        RequestError, match="xyzzy: there is no such matrix file\nhint: use one that ships with the tool: frontier, pl"
    ):
        read_matrix(tmp_path / "xyzzy")
    with pytest.raises(RequestError, match=r"sed: there is no such matrix file\nhint: did you mean 'seed'\?$"):
        read_matrix(Path("sed"))
    with pytest.raises(RequestError, match="cannot be read: Is a directory"):
        read_matrix(tmp_path)


def test_a_pyproject_holds_a_matrix_in_its_table(tmp_path: Path) -> None:
    text = "[project]\nname = 'x'\n[tool.tfjs-compat]\nmodels = ['zoo:mlp']\n"
    matrix = read(tmp_path, text, "pyproject.toml")
    assert (matrix.name, matrix.models) == (tmp_path.name, ["zoo:mlp"])
    assert read(tmp_path, "[project]\nname = 'x'\n", "pyproject.toml").models == []


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\ntfjs-compat = ['zoo:mlp']", "[tool.tfjs-compat]\nmodel = 3"])
def test_a_pyproject_can_be_wrong_too(tmp_path: Path, text: str) -> None:
    if text == "tool = 3":
        assert read(tmp_path, text, "pyproject.toml").models == []
    else:
        with pytest.raises(RequestError):
            read(tmp_path, text, "pyproject.toml")


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        ("default", {}),
        ("legacy-keras", {"TF_USE_LEGACY_KERAS": "1"}),
        ("legacy-keras+no-onednn", {"TF_USE_LEGACY_KERAS": "1", "TF_ENABLE_ONEDNN_OPTS": "0"}),
        ("legacy-keras+own", {"TF_USE_LEGACY_KERAS": "0", "A": "b"}),
        ("own+legacy-keras", {"TF_USE_LEGACY_KERAS": "1", "A": "b"}),
    ],
)
def test_process_environments_join_and_the_later_wins(name: str, variables: dict[str, str]) -> None:
    own = {"own": {"TF_USE_LEGACY_KERAS": "0", "A": "b"}}
    assert process_variables(name, own) == variables


def test_an_own_environment_can_stand_in_for_a_predefined_one() -> None:
    assert process_variables("default", {"default": {"A": "b"}}) == {"A": "b"}
    assert PROCESS_ENVS["default"] == {}


def test_an_unknown_process_environment_is_refused() -> None:
    with pytest.raises(RequestError, match="process_env 'ovn': no such set of variables\nhint: did you mean 'own'"):
        process_variables("default+ovn", {"own": {}})


@pytest.mark.parametrize(("value", "expected"), [(None, ()), ("", ()), ("a", ("a",)), (["a", "", "b"], ("a", "b"))])
def test_one_text_or_several(value: str | list[str] | None, expected: tuple[str, ...]) -> None:
    assert texts(value) == expected


# A matrix author can write anything: the words of the format make what is drawn come near to the right thing.
words = sorted(
    {*Matrix.__struct_fields__, *Axes.__struct_fields__, *Expect.__struct_fields__, "constraints", "seconds"}
)
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.dates(),
    st.datetimes(),
    st.times(),
    st.text(max_size=8),
    st.sampled_from(["layers", "fails", "check", "today", "2.16.1", ">=2.15", "zoo:mlp", "legacy-keras", "x<3", "==="]),
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words) | st.text(max_size=3), inner),
    max_leaves=8,
)


@given(content=st.dictionaries(st.sampled_from(words) | st.text(max_size=3), values, max_size=4))
def test_any_content_is_a_matrix_or_a_request_error(content: dict[str, object]) -> None:
    said = ""
    try:
        decode(content, "some.toml")
    except RequestError as error:
        said = str(error)
    assert said == "" or said.startswith("some.toml: ")


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("[tool.tfjs-compat]\n", True),
        ("[tool.tfjs-compat.axes]\ntensorflow = []\n", True),
        ("# [tool.tfjs-compat]\n", False),
        ("[tool.tfjs-compat-x]\n", False),
        ("[tool.tfjs-compat]\nbroken =\n", True),
        ("[tool.other]\nbroken =\n", False),
        ("tool = 3\n", False),
    ],
)
def test_only_our_own_table_is_a_matrix(tmp_path: Path, text: str, there: bool) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert has_table(tmp_path / "pyproject.toml") is there


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = " + "9" * 5000, "not valid TOML: .*digits"),
        ("x = " + "[" * 20_000, "not valid TOML: "),
        ("[axes]\ntensorflow = ['" + "9" * 5000 + "']", "key 'axes.tensorflow': '9+' has more than 1000 characters"),
        ("[axes]\ntensorflow = ['" + "9" * 999 + "']\nkeras = ['3.2.1']", None),
        ("[axes]\nconstraints = ['numpy<" + "1" * 300 + "']", "holds no version of a package: it is too long"),
        ("[axes]\nconstraints = ['numpy @ https://x.example/n.whl']", "'numpy' is given by an address"),
        ("[requirements]\noverrides = ['numpy @ file:///etc/passwd']", "'numpy' is given by an address"),
        ("[requirements]\nextra = ['numpy @ https://x.example/n.whl']", None),
        ("name = '" + "n" * 2000 + "'", "key 'name': it has more than 1000 characters"),
        ('[process_env."/../../escape"]\nA = "1"', "key 'process_env./../../escape': not a name"),
        ('[process_env.""]\nA = "1"', "key 'process_env.': not a name"),
        ('[process_env."a+b"]\nA = "1"', r"key 'process_env.a\+b': not a name"),
        ('[process_env.a]\nA = "' + "x" * 200_000 + '"', "key 'process_env.a.A': longer than 100000 bytes"),
        ("[limits]\nseconds = inf", "key 'limits.seconds': not a finite number"),
        ("[limits]\nmemory = inf", "key 'limits.memory': not a finite number"),
    ],
)
def test_values_of_any_length_and_kind(tmp_path: Path, text: str, message: str | None) -> None:
    if message is None:
        read(tmp_path, text)
        return
    with pytest.raises(RequestError, match=f"mine.toml: {message if message[0] in 'kn' else '.*' + message}"):
        read(tmp_path, text)


@pytest.mark.skipif(os.name == "nt", reason="pipes and devices")
def test_a_pipe_or_device_is_no_matrix(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    for path in (tmp_path / "pipe.toml", Path("/dev/zero")):
        with pytest.raises(RequestError, match="cannot be read: not a regular file"):
            read_matrix(path)
    with (tmp_path / "large.toml").open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(RequestError, match="cannot be read: larger than 16777216 bytes"):
        read_matrix(tmp_path / "large.toml")
