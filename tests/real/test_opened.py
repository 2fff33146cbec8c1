"""What TensorFlow opens outside a builder's folder is a part of the answer, however it is asked to."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfjs_compat import api
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.system.store import Store

BUILDERS = """
import tensorflow as tf
PLACE = {place!r}
WORDS = PLACE + "/words.txt"

def model(size):
    size = int(size)
    return tf.keras.Sequential([tf.keras.Input((4,)), tf.keras.layers.Dense(size, name="size_%d" % size)])

def lines(data):
    return len(list(data))

def read_file(): return model(len(tf.io.read_file(WORDS).numpy().split()))
def read_in_a_graph(): return model(len(tf.function(lambda: tf.io.read_file(WORDS))().numpy().split()))
def read_by_the_operation(): return model(len(tf.raw_ops.ReadFile(filename=WORDS).numpy().split()))
def text_lines(): return model(lines(tf.data.TextLineDataset(WORDS)))
def records(): return model(lines(tf.data.FixedLengthRecordDataset([WORDS], 2)))
def rows(): return model(lines(tf.data.experimental.CsvDataset(WORDS, [tf.string])))
def graph_of_somebody():
    with tf.Graph().as_default() as graph:
        tf.io.read_file(PLACE + "/rows.txt", name="read")
        definition = graph.as_graph_def()
    for node in [node for node in definition.node if node.op == "Const"]:
        for number, text in enumerate(node.attr["value"].tensor.string_val):
            node.attr["value"].tensor.string_val[number] = text.replace(b"rows", b"words")
    run = tf.compat.v1.wrap_function(lambda: tf.import_graph_def(definition, return_elements=["read:0"]), [])
    return model(len(run()[0].numpy().split()))
def records_of_events(): return model(1 + lines(tf.compat.v1.io.tf_record_iterator(PLACE + "/more.tfrecord")))
def string_lookup(): return model(tf.keras.layers.StringLookup(vocabulary=WORDS).vocabulary_size())
def table():
    line, number = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER
    words = tf.lookup.TextFileInitializer(WORDS, tf.string, line, tf.int64, number)
    return model(tf.lookup.StaticHashTable(words, -1).size())
def files_of_a_pattern(): return model(lines(tf.data.Dataset.list_files(PLACE + "/*.txt")))
def gfile_glob(): return model(len(tf.io.gfile.glob(PLACE + "/*.txt")))
def gfile_listdir(): return model(len(tf.io.gfile.listdir(PLACE)))
def gfile_stat(): return model(tf.io.gfile.stat(WORDS).length)
def gfile_exists(): return model(2 + tf.io.gfile.exists(PLACE + "/more.txt"))

def read_by_names_of_a_data_set():
    return model(lines(tf.data.Dataset.from_tensors(WORDS).interleave(tf.data.TextLineDataset)))
def opens_nothing(): return model(3)
"""
KNOWN = [line[4:].partition("(")[0] for line in BUILDERS.splitlines() if line.startswith("def ")][2:-2]


@pytest.mark.parametrize(
    ("tensorflow", "tensorflowjs"), [("2.16.1", "4.17.0"), pytest.param("2.15.0", "4.17.0", marks=pytest.mark.full)]
)
def test_an_answer_counts_until_what_tensorflow_opened_changes(
    tmp_path: Path, store: Store, tensorflow: str, tensorflowjs: str
) -> None:
    place, project = tmp_path / "data", tmp_path / "project"
    place.mkdir()
    project.mkdir()
    words = place / "words.txt"
    words.write_text("a\nb\n")
    (place / "more.tfrecord").touch()
    (project / "builders.py").write_text(BUILDERS.replace("{place!r}", repr(str(place))))
    (project / "matrix.toml").write_text(
        f"models = {[f'builders.py:{name}' for name in (*KNOWN, 'read_by_names_of_a_data_set', 'opens_nothing')]}\n"
        'routes = ["graph"]\n'
        f'[axes]\ntensorflow = ["{tensorflow}"]\ntensorflowjs = ["{tensorflowjs}"]\nas_of = ["2024-04-10"]\n'
        'python = ["3.11"]\n'
    )

    def run() -> dict[str, CaseResult]:
        request = RunRequest(
            matrix=str(project / "matrix.toml"), until=Stage.BUILD, output=tmp_path / "out", store=store
        )
        return {case.model.partition(":")[2]: case for case in api.run(request).cases}

    first = run()
    assert {name: case.message for name, case in first.items()} == dict.fromkeys(first, "")
    again = run()
    assert [name for name, case in again.items() if not case.cached] == ["read_by_names_of_a_data_set"]
    words.write_text("a\nb\nc\nd\n")
    (place / "more.txt").write_text("a")
    (place / "more.tfrecord").write_text("no record")
    assert [name for name, case in run().items() if case.cached] == ["opens_nothing"]
