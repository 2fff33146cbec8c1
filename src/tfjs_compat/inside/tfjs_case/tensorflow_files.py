"""The files that TensorFlow opens below Python, seen where Python asks for it.

Its file system is called by functions of one module, and by operations. An operation that runs at once knows the names
of its files; in a graph they are known where they are constants (``tf.io.read_file`` of the elements of a data set is
not). What the operations of a loaded SavedModel read is in its folder, or named by a constant of its graph.

Python >= 3.8; imports nothing of tfjs_compat.
"""

import contextlib
import functools
import os
import re
import sys

# Of tensorflow/python/lib/io/file_io.py, each called with the path first.
_FUNCTIONS = (
    *("ReadFileToString", "GetChildren", "Stat", "IsDirectory", "FileExists", "CopyFile"),
    "BufferedInputStream",
)
# Names of operations (tensorflow/core/ops/*.pbtxt), and which inputs of theirs are names of files.
_FILES = {
    "ReadFile": (0,),
    "TextLineDataset": (0,),
    "TFRecordDataset": (0,),
    "TFRecordDatasetV2": (0,),
    "FixedLengthRecordDataset": (0,),
    "FixedLengthRecordDatasetV2": (0,),
    "CSVDataset": (0,),
    "CSVDatasetV2": (0,),
    "ExperimentalCSVDataset": (0,),
    "LMDBDataset": (0,),
    "ExperimentalLMDBDataset": (0,),
    "LoadDataset": (0,),
    "InitializeTableFromTextFile": (1,),
    "InitializeTableFromTextFileV2": (1,),
    "GenerateVocabRemapping": (0, 1),
    "LoadAndRemapMatrix": (0,),
}
# A graph that restores a checkpoint names it when it is run, and whoever runs it is seen.
_CHECKPOINTS = ("Restore", "RestoreV2", "RestoreSlice")
_PATTERNS = ("MatchingFiles", "MatchingFilesDataset", "ExperimentalMatchingFilesDataset")
# Readers of queues, of databases, of other packages: what they open is in no input of theirs.
_UNKNOWN = re.compile(r"\w*Reader(V2)?|\w*SqlDataset|SnapshotDataset\w*|IO>\w+")
_WILDCARD = re.compile(r"[*?\[{\\]")


def watch(note, say_unknown):
    """See what is opened from here on: ``note(path)`` is called for each, ``say_unknown(why)`` where it is not known.

    TensorFlow has to be imported. Raises nothing.
    """
    seen = _Seen(note, say_unknown)
    calls = sys.modules.get("tensorflow.python.lib.io._pywrap_file_io")
    for name in _FUNCTIONS:
        _wrap(calls, name, lambda path, *_: note(path))
    records = sys.modules.get("tensorflow.python.lib.io._pywrap_record_io")
    for name in ("RecordIterator", "RandomRecordReader"):
        _wrap(records, name, lambda path, *_: note(path))
    _wrap(calls, "GetMatchingFiles", lambda pattern, *_: seen.pattern(pattern))
    _wrap(sys.modules.get("tensorflow.python.client.pywrap_tf_session"), "TF_LoadLibrary", lambda path, *_: note(path))
    eager = sys.modules.get("tensorflow.python.pywrap_tfe")
    _wrap(eager, "TFE_Py_FastPathExecute", lambda _context, kind, _name, *inputs: seen.operation(kind, inputs))
    _wrap(eager, "TFE_Py_Execute", lambda _context, _device, kind, inputs, *_: seen.operation(kind, inputs))
    importer = sys.modules.get("tensorflow.python.framework.importer")
    _wrap(importer, "_import_graph_def_internal", lambda graph, *_: seen.graph(graph))
    seen.readers(sys.modules.get("tensorflow.python.data.ops.readers"))
    graphs = getattr(sys.modules.get("tensorflow.python.framework.ops"), "Graph", None)
    _wrap(graphs, "_create_op_internal", lambda _graph, kind, inputs, *_: seen.operation(kind, inputs))


def _wrap(owner, name, see):
    before = getattr(owner, name, None)
    if before is None:
        return

    @functools.wraps(before)
    def called(*arguments, **named):
        # Whatever is odd about a call is for TensorFlow to say.
        with contextlib.suppress(Exception):
            see(*arguments)
        return before(*arguments, **named)

    with contextlib.suppress(AttributeError, TypeError):
        setattr(owner, name, called)


class _Seen:
    def __init__(self, note, say_unknown):
        self._note, self._say_unknown = note, say_unknown
        self._names_known = False

    def readers(self, module):
        """A data set that reads files makes one data set of their names, and a graph that takes a name of it."""
        name = "_create_dataset_reader"
        before = getattr(module, name, None)
        if before is None:
            return
        _wrap(module, "_create_or_validate_filenames_dataset", self._data_set)

        @functools.wraps(before)
        def called(*arguments, **named):
            try:
                return before(*arguments, **named)
            finally:
                self._names_known = False

        setattr(module, name, called)

    def _data_set(self, names, *_):
        found = _texts(names)
        self._names_known = found is not None
        for name in found or ():
            self._note(name)

    def operation(self, kind, inputs):
        """An operation that is run or put into a graph."""
        kind = kind.decode() if isinstance(kind, bytes) else kind
        if kind in _FILES:
            self._each([inputs[place] for place in _FILES[kind]], self._note)
        elif kind in _PATTERNS:
            self._each(inputs[:1], self.pattern)
        elif kind in _CHECKPOINTS:
            for name in _texts(inputs[0]) or ():
                self._note(name)
        elif _UNKNOWN.fullmatch(kind):
            self._say_unknown("it reads by TensorFlow's %s" % kind)

    def graph(self, graph):
        """A graph that comes as it is (a GraphDef): what its constants name. A SavedModel's files are inputs of it."""
        for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
            reading = [node for node in nodes if node.op in _FILES or node.op in _PATTERNS]
            constants = {node.name: node for node in nodes if node.op == "Const"} if reading else {}
            for node in reading:
                for place in _FILES.get(node.op, (0,)):
                    constant = constants.get(node.input[place].partition(":")[0])
                    for name in constant.attr["value"].tensor.string_val if constant is not None else ():
                        (self.pattern if node.op in _PATTERNS else self._note)(name)

    def pattern(self, pattern):
        """The files that a pattern finds, or several do."""
        for one in [pattern] if isinstance(pattern, (str, bytes, os.PathLike)) else pattern:
            folder, name = os.path.split(os.fsdecode(one))
            if _WILDCARD.search(folder):
                self._say_unknown("it searches folders")
            else:
                self._note((folder or ".") if _WILDCARD.search(name) else os.fsdecode(one))

    def _each(self, values, see):
        for value in values:
            names = _texts(value)
            if names is None and not self._names_known:
                self._say_unknown("it reads files in a graph, by names that are not constants")
            for name in names or ():
                see(name)


def _texts(value):
    """The texts of an argument, which may be a tensor; None: they are not known."""
    if isinstance(value, (str, bytes, os.PathLike)):
        return [value]
    if isinstance(value, (list, tuple)):
        parts = [_texts(part) for part in value]
        return None if None in parts else [text for part in parts for text in part]
    if hasattr(value, "graph") or not hasattr(value, "numpy"):
        if not hasattr(value, "dtype"):
            return None
        from tensorflow.python.framework import tensor_util

        found = tensor_util.constant_value(value) if hasattr(value, "graph") else value
    else:
        found = value.numpy()
    if found is None:
        return None
    return [found] if isinstance(found, (str, bytes)) else list(found.ravel().tolist())
