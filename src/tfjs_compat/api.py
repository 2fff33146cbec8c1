"""The library: what the command line calls, and what a program can call in its place.

Each name is loaded when it is first used, so that a program pays only for what it calls.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfjs_compat.diagnosis.catalogue import catalogue
    from tfjs_compat.engine.forecast import describe
    from tfjs_compat.engine.request import RunRequest
    from tfjs_compat.environments.disk_usage import sizes
    from tfjs_compat.environments.registry import list_environments
    from tfjs_compat.matrix.models import zoo_models
    from tfjs_compat.repairs.folder import repair_folder
    from tfjs_compat.report.background import Background
    from tfjs_compat.results.comparison import kinds_named
    from tfjs_compat.results.files import read_results
    from tfjs_compat.results.history import by_last_change, kept_runs, read_history
    from tfjs_compat.results.news import failures
    from tfjs_compat.search.request import SearchRequest
    from tfjs_compat.system.store import Store
    from tfjs_compat.workflows.bisect import BisectRequest, bisect
    from tfjs_compat.workflows.check import check
    from tfjs_compat.workflows.check_reproduction import check_reproduction
    from tfjs_compat.workflows.convert import convert, work_folder
    from tfjs_compat.workflows.diff import against_baseline, diff, read_baseline
    from tfjs_compat.workflows.diff_locks import diff_locks
    from tfjs_compat.workflows.doctor import doctor
    from tfjs_compat.workflows.explain import ExplainRequest, explain
    from tfjs_compat.workflows.find import find
    from tfjs_compat.workflows.garbage import collect_garbage
    from tfjs_compat.workflows.merge import merge_runs
    from tfjs_compat.workflows.on_save import Save, convert_on_save, run_on_save
    from tfjs_compat.workflows.plan import cases, plan, shards
    from tfjs_compat.workflows.reduce import ReduceRequest, reduce
    from tfjs_compat.workflows.repair import repair
    from tfjs_compat.workflows.report import SHOWN_RUNS, ReportRequest, report, report_targets, write_report
    from tfjs_compat.workflows.repro import ReproRequest, repro
    from tfjs_compat.workflows.run import run
    from tfjs_compat.workflows.watch import WatchRequest, watch

_HOMES = {
    "SHOWN_RUNS": "workflows.report",
    "by_last_change": "results.history",
    "kept_runs": "results.history",
    "read_history": "results.history",
    "Background": "report.background",
    "ReportRequest": "workflows.report",
    "ReduceRequest": "workflows.reduce",
    "ReproRequest": "workflows.repro",
    "BisectRequest": "workflows.bisect",
    "ExplainRequest": "workflows.explain",
    "RunRequest": "engine.request",
    "Save": "workflows.on_save",
    "SearchRequest": "search.request",
    "Store": "system.store",
    "WatchRequest": "workflows.watch",
    "against_baseline": "workflows.diff",
    "bisect": "workflows.bisect",
    "cases": "workflows.plan",
    "catalogue": "diagnosis.catalogue",
    "check": "workflows.check",
    "check_reproduction": "workflows.check_reproduction",
    "collect_garbage": "workflows.garbage",
    "convert": "workflows.convert",
    "convert_on_save": "workflows.on_save",
    "diff": "workflows.diff",
    "describe": "engine.forecast",
    "diff_locks": "workflows.diff_locks",
    "doctor": "workflows.doctor",
    "failures": "results.news",
    "explain": "workflows.explain",
    "find": "workflows.find",
    "kinds_named": "results.comparison",
    "list_environments": "environments.registry",
    "merge_runs": "workflows.merge",
    "plan": "workflows.plan",
    "read_baseline": "workflows.diff",
    "read_results": "results.files",
    "reduce": "workflows.reduce",
    "repair": "workflows.repair",
    "repair_folder": "repairs.folder",
    "report": "workflows.report",
    "report_targets": "workflows.report",
    "repro": "workflows.repro",
    "run": "workflows.run",
    "run_on_save": "workflows.on_save",
    "shards": "workflows.plan",
    "sizes": "environments.disk_usage",
    "watch": "workflows.watch",
    "work_folder": "workflows.convert",
    "write_report": "workflows.report",
    "zoo_models": "matrix.models",
}

__all__ = [
    "SHOWN_RUNS",
    "Background",
    "BisectRequest",
    "ExplainRequest",
    "ReduceRequest",
    "ReportRequest",
    "ReproRequest",
    "RunRequest",
    "Save",
    "SearchRequest",
    "Store",
    "WatchRequest",
    "against_baseline",
    "bisect",
    "by_last_change",
    "cases",
    "catalogue",
    "check",
    "check_reproduction",
    "collect_garbage",
    "convert",
    "convert_on_save",
    "describe",
    "diff",
    "diff_locks",
    "doctor",
    "explain",
    "failures",
    "find",
    "kept_runs",
    "kinds_named",
    "list_environments",
    "merge_runs",
    "plan",
    "read_baseline",
    "read_history",
    "read_results",
    "reduce",
    "repair",
    "repair_folder",
    "report",
    "report_targets",
    "repro",
    "run",
    "run_on_save",
    "shards",
    "sizes",
    "watch",
    "work_folder",
    "write_report",
    "zoo_models",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(f"tfjs_compat.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'tfjs_compat.api' has no attribute '{name}'")
