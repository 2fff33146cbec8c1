from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.samples import DATA

from tfjs_compat.diagnosis.signatures import normalise, signature
from tfjs_compat.locks.conflicts import explain
from tfjs_compat.outcomes.failures import Failure, Finding, Raised
from tfjs_compat.outcomes.stages import Stage

RECORDED = json.loads((DATA / "exceptions.json").read_text("utf-8"))


def failed(chain: object) -> Failure:
    return Failure(Stage.BUILD, "it failed", msgspec.convert(chain, tuple[Raised, ...]))


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: f"{recorded['cause']}-keras{recorded['keras']}")
def test_a_cause_recorded_on_two_models_has_one_signature(recorded: dict[str, list[object]]) -> None:
    first, second = map(failed, recorded["chains"])
    assert first != second or recorded["cause"] in SAME_WORDS
    assert signature(first) == signature(second)


SAME_WORDS = {"not-a-file", "junk-h5", "lambda-keras", "subclassed-h5", "custom-no-get-config", "custom-unknown-h5"}
SAME_WORDS |= {"custom-unknown-keras", "cross-seq-h5"}
# The same exception for two causes, in Keras's own words: a file that is not there and one that is no archive.
ONE_IN_KERAS = [{"not-a-file", "junk-h5"}, {"missing-file", "missing-h5"}, {"missing-file", "not-a-file"}]
# One cause on two ways.
ONE_IN_KERAS += [
    {"cross-seq-h5", "cross-seq-keras"},
    {"cross-seq-h5", "cross-fun-h5"},
    {"cross-seq-keras", "cross-fun-h5"},
]


@pytest.mark.parametrize("keras", ["2.15.0", "3.2.1"])
def test_two_causes_have_two_signatures(keras: str) -> None:
    found = [
        (recorded["cause"], signature(failed(recorded["chains"][0])))
        for recorded in RECORDED
        if recorded["keras"] == keras
    ]
    clashes = [
        {cause, other}
        for at, (cause, found_signature) in enumerate(found)
        for other, also in found[:at]
        if found_signature == also and {cause, other} not in ONE_IN_KERAS
    ]
    assert not clashes
    assert len(found) > 20


SAME = [
    # paths
    ("No file at /home/ada/model.keras", "No file at /srv/ci/build 7/w/other.keras"),
    ("cannot open 'C:\\Users\\ada\\m.h5'", "cannot open 'D:\\ci jobs\\x (2)\\m.h5'"),
    ("bad file '/home/ada/my model (1).h5'", "bad file '/x/y.h5'"),
    ('File "/a/b/train.py", line 3, in build', 'File "/c/d e/train.py", line 1204, in build'),
    ("/usr/lib/x/kernel.cc:123: check failed", "/opt/other/x/kernel.cc:77: check failed"),
    ("at Object.fn (model.ts:12:7)", "at Object.fn (model.ts:121:70)"),
    ("wrote /tmp/tmpab12cd34/out/m.h5", "wrote /tmp/tmpzz__cd34/out/m.h5"),
    ("in tmpab12cd34", "in tmpx9x9x9x9"),
    ("GET https://host/a?b=c failed", "GET https://other:8080/d failed"),
    # addresses and ids
    ("<keras.src.layers.LSTM object at 0x7f12aa00b0>", "<keras.src.layers.LSTM object at 0x55ee>"),
    ("<function build at 0x7f12aa00b0>", "<function build at 0x7fff00>"),
    ("run 8a6e0804-2bd0-4672-b79d-d97027f9071a", "run 11111111-2bd0-4672-b79d-d97027f9071a"),
    ("'shared_object_id': 140521957994512", "'shared_object_id': 139852011220000"),
    # counters
    ('Layer "lstm_3" expects 3 variables', 'Layer "lstm" expects 3 variables'),
    ("sequential_1/lstm_2/lstm_cell_7/kernel", "sequential/lstm/lstm_cell/kernel"),
    ("sequential_12_dense_1 failed", "sequential_dense failed"),
    ("conv2d_11. Consider", "conv2d_15. Consider"),
    ("{{node __inference_call_1204}}", "{{node __inference_call_7}}"),
    ("name='keras_tensor_5'", "name='keras_tensor_17'"),
    ("duplicate weight name dense_1/kernel:0", "duplicate weight name dense_2/kernel:0"),
    # shapes and what follows from them
    ("expected (None, 20, 8), found (None, 10, 8)", "expected (None, 5), found (1,)"),
    ("TensorShape([None, 4])", "TensorShape([2, 3])"),
    ("must be [-1,28,28], but was [1,28]", "must be [-1,3], but was [7,3,1]"),
    ("Size(12) must match the product of shape 4,4", "Size(9) must match the product of shape 2,2,3"),
    ("the shape, [4,3], should have 12 values but has 11", "the shape, [2,2], should have 4 values but has 9"),
    ("expected axis -1 of input shape to have value 4", "expected axis -1 of input shape to have value 77"),
    ("indices[0,1] = 20 is not in [0, 10)", "indices[3,0] = 999 is not in [0, 500)"),
    # looks
    ("\x1b[1mInput 0\x1b[0m is wrong", "Input 0 is wrong"),
    ("in user code:\n\n    File  here", "in user code: File here"),
    # the arguments of the call
    (
        "Input is wrong.\n\nCall arguments received by layer 'lstm_1' (type LSTM):\n  • inputs=tf.Tensor(…)",
        "Input is wrong.\n\nCall arguments received by layer 'rnn' (type LSTM):\n  • inputs=None",
    ),
    ("It is wrong\n\nArguments received by Dense.call():\n  • x=1", "It is wrong"),
    (
        "Error when deserializing class 'LSTM' using config={'units': 4}.\n\nException encountered: no time_major",
        "Error when deserializing class 'LSTM' using config={'a': {}}.\n\nException encountered: no time_major",
    ),
    ("listening on port 8080, pid 12", "listening on port 9, pid 31337"),
]


@pytest.mark.parametrize(("message", "other"), SAME)
def test_what_differs_between_two_cases_of_one_cause_goes(message: str, other: str) -> None:
    assert normalise(message) == normalise(other)


DIFFERENT = [
    ("No module named 'pkg_resources'", "No module named 'tf_keras'"),
    ("duplicate weight name kernel", "duplicate weight name bias"),
    ("Unknown layer: 'Foo'", "Unknown layer: 'Bar'"),
    ("Unknown layer: L2", "Unknown layer: L1"),
    ("expected ndim=3, found ndim=2", "expected ndim=4, found ndim=2"),
    (
        "Unsupported Ops in the model before optimization\nRoll",
        "Unsupported Ops in the model before optimization\nBucketize",
    ),
    ("version `GLIBC_2.34' not found", "version `GLIBC_2.29' not found"),
    ("requires numpy 1.26", "requires numpy 2.0"),
    ("module 'numpy' has no attribute 'object'", "module 'numpy' has no attribute 'bool'"),
    ("takes 2 positional arguments but 3 were given", "takes 1 positional argument but 3 were given"),
    (
        "Error when deserializing class 'A' using config={'units': 4}.\n\nException encountered: no time_major",
        "Error when deserializing class 'A' using config={'units': 4}.\n\nException encountered: no batch_shape",
    ),
    ("Could not locate class 'A'. Full object config: {}", "Could not locate class 'B'. Full object config: {}"),
    (
        "Arguments received by LSTM.call() are wrong",
        "Arguments received by GRU.call() are wrong",
    ),
    (
        "The following argument(s) are not supported with the native Keras format: ['options']",
        "The following argument(s) are not supported with the native Keras format: ['signatures']",
    ),
    ("undefined symbol: _ZN10tensorflow8OpKernel", "undefined symbol: _ZN10tensorflow6Tensor"),
]


@pytest.mark.parametrize(("message", "other"), DIFFERENT)
def test_what_tells_two_causes_apart_stays(message: str, other: str) -> None:
    assert normalise(message) != normalise(other)


pieces = st.sampled_from(
    [
        *(
            "/home/a b/c.py",
            "C:\\x\\y",
            "~/.keras/m.h5",
            "/a",
            "b/c",
            "'",
            '"',
            "`",
            "<",
            ">",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
        ),
        *(
            "0x7f00aa",
            "<X object at 0x12ab>",
            "line",
            "12",
            "20240",
            "3.14",
            "_7",
            "_",
            "lstm",
            "lstm_2",
            "tmpabcdefgh",
        ),
        *("None", ", ", ",", ".", ":", "=", "\n", " ", "\t", "\x1b[1m", "https://x/y", "shape", "shape 1,2", "values"),
        *(
            " elements",
            "to have value ",
            " = ",
            " is not in ",
            "values but has ",
            "using config=",
            "pid",
            "…",
            "é",
            "x_1.",
        ),
        *(
            "Exception encountered:",
            " Arguments received by",
            " Full object config:",
            ". Please ensure that components that",
        ),
        *("8a6e0804-2bd0-4672-b79d-d97027f9071a", ".py", "x" * 60, "/y" * 40, "1" * 30, "_1" * 20),
    ]
)
messages = st.lists(pieces | st.text(max_size=4), max_size=40).map("".join)


@given(messages)
def test_a_normalised_message_stays_as_it_is(message: str) -> None:
    once = normalise(message)
    assert normalise(once) == once


@given(messages)
def test_a_normalised_message_is_one_short_line(message: str) -> None:
    once = normalise(message)
    assert len(once) <= 240
    assert "\n" not in once
    assert once == once.strip()


@given(messages.filter(lambda message: any(char.isalpha() for char in message.replace("\x1b[1m", ""))))
def test_a_message_that_says_something_does_not_become_nothing(message: str) -> None:
    assert normalise(message)


def test_a_message_without_end_takes_no_time() -> None:
    for long in ("/a b" * 200_000, "using config={" * 50_000, "(1," * 200_000, "x_1" * 200_000, "'/" * 200_000):
        assert len(normalise(long)) <= 240


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (Failure(Stage.RESOLVE, "Because …", packages=("keras", "tensorflow")), "unresolvable: keras, tensorflow"),
        (Failure(Stage.RESOLVE, "uv failed"), "uv failed"),
        (
            Failure(
                Stage.CHECK,
                "$.x: bad",
                findings=(Finding("b", "$", "m"), Finding("a", "$", "m"), Finding("b", "$", "n")),
            ),
            "check: a, b",
        ),
        (
            Failure(Stage.LOAD, "the case was killed after 600 s during load"),
            "the case was killed after 600 s during load",
        ),
        (Failure(Stage.BUILD, "x", (Raised("ValueError", "bad lstm_2"),)), "ValueError: bad lstm"),
        (
            Failure(Stage.BUILD, "x", (Raised("google.protobuf.runtime_version.VersionError", "old"),)),
            "VersionError: old",
        ),
        (Failure(Stage.BUILD, "x", (Raised("h5py.h5f.OldError", "old"),)), "h5py.h5f.OldError: old"),
        (Failure(Stage.LOAD, "x", (Raised("Error", "  ", "tfjs.load"),)), "Error in tfjs.load"),
        (
            Failure(Stage.BUILD, "x", (Raised("A", "outer"), Raised("B", "inner", link="cause"))),
            "B: inner",
        ),
    ],
)
def test_the_first_cause_in_one_line(failure: Failure, expected: str) -> None:
    assert signature(failure) == expected


def resolving(name: str) -> str:
    conflict = explain((DATA / "resolver" / f"{name}.txt").read_text("utf-8"))
    return signature(Failure(Stage.RESOLVE, conflict.message, packages=conflict.packages, text=conflict.text))


@pytest.mark.parametrize(
    ("conflict", "other", "same"),
    [
        ("tf2.13.1-tfjs4.0.0-py311", "tf2.12.1-tfjs3.21.0-py311", True),
        ("tf2.15.0-tfjs4.17.0-windows", "tf2.15.0-tfjs4.17.0-linux-arm", True),
        ("keras3-tf2.15.0-py311", "keras2-tf2.16.1-py311", True),
        ("tf2.20.0-tfjs4.22.0-py311", "tf2.16.1-tfjs4.17.0-py312", False),
        ("tf2.99-tfjs4.22.0-py311", "asof-before-release-py311", False),
        ("tf2.99-tfjs4.22.0-py311", "tf2.15.0-tfjs4.17.0-py312", False),
        ("tf2.12.1-tfjs4.17.0-py311", "tf2.20.0-tfjs4.22.0-py311", False),
    ],
)
def test_conflicts_of_the_same_packages_for_another_reason_differ(conflict: str, other: str, same: bool) -> None:
    assert (resolving(conflict) == resolving(other)) is same
