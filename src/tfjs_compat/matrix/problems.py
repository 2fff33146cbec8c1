"""What is wrong with the names and versions in a matrix: messages ``key '…': …``, to be put behind the file."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterable

from packaging.requirements import InvalidRequirement, Requirement

from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.matrix import versions
from tfjs_compat.matrix.axes import AXES, LONGEST_PATTERN, Axes, Axis, Match, Texts, texts
from tfjs_compat.matrix.permissions import ALL
from tfjs_compat.matrix.process_env import PROCESS_ENVS
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.matrix.schema import Include, Matrix
from tfjs_compat.system.text import redact

_LONGEST = 1000
"""Characters of a value on an axis. It is in messages and in the names of files; a version has less than 30."""
_LONGEST_VALUE = 100_000
"""Bytes of a process variable; Linux passes no more than 131,071 to a program."""
_SET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_EXAMPLES = {"tensorflow": "2.19.0", "tensorflowjs": "4.22.0"}


def missing_keys(matrix: Matrix) -> Iterable[str]:
    """A message for each key without which there are no cases. A file may lack what the command line gives."""
    for axis in AXES:
        if axis.default is None and not getattr(matrix.axes, axis.name):
            yield f"key 'axes.{axis.name}': missing\nhint: list the versions to try, such as ['{_EXAMPLES[axis.name]}']"
    if not matrix.models:
        yield "key 'models': missing\nhint: list models, such as ['zoo:seed'], or give --model"


def problems(matrix: Matrix) -> Iterable[str]:
    """A message for each wrong name, version, date or requirement, with its key and the nearest right name."""
    if len(matrix.name) > _LONGEST:
        yield f"key 'name': it has more than {_LONGEST} characters"
    yield from _credential_problems(matrix)
    for route in matrix.routes:
        yield from _route_problems("routes", route)
    envs = {**PROCESS_ENVS, **matrix.process_env}
    blocks: list[tuple[str, Axes]] = [("axes", matrix.axes)]
    blocks += [(f"include[{number}]", block) for number, block in enumerate(matrix.include)]
    for place, block in blocks:
        if isinstance(block, Include):
            for route in block.routes or []:
                yield from _route_problems(f"{place}.routes", route)
        yield from _axis_problems(place, block, envs)
    yield from _variable_problems(matrix.process_env)
    for key in ("seconds", "memory", "disk"):
        if not math.isfinite(getattr(matrix.limits, key) or 0.0):
            yield f"key 'limits.{key}': not a finite number"
    requirements = matrix.requirements
    for key in ("extra", "constraints", "overrides"):
        yield from _requirement_problems(f"requirements.{key}", getattr(requirements, key), by_url=key == "extra")
    yield from _package_problems("requirements.stand_ins", requirements.stand_ins)
    models = {*matrix.models, *(ref for block in matrix.include for ref in block.models or [])}
    for ref in matrix.permissions.trust:
        if ref != ALL:
            yield from _unknown("permissions.trust", ref, models)
    for key, rules in (("exclude", matrix.exclude), ("expect", matrix.expect)):
        for number, match in enumerate(rules):
            for field in Match.__struct_fields__:
                if any(len(pattern) > LONGEST_PATTERN for pattern in texts(getattr(match, field))):
                    yield f"key '{key}[{number}].{field}': it has more than {LONGEST_PATTERN} characters"
    for number, rule in enumerate(matrix.expect):
        if rule.verdict is None and rule.stage is None and rule.issue is None:
            yield f"key 'expect[{number}]': it expects nothing\nhint: give 'verdict', 'stage' or 'issue'"
        if not rule.reason:
            yield f"key 'expect[{number}].reason': missing\nhint: say why this is expected"
        if rule.expires is not None and not _is_date(rule.expires):
            yield f"key 'expect[{number}].expires': '{rule.expires}' is no date such as 2026-12-31"
        if rule.link and not re.fullmatch(r"https?://[^\s<>\"]+", rule.link):
            yield f"key 'expect[{number}].link': '{rule.link}' is no address such as https://example.org/issues/1"


def _credential_problems(matrix: Matrix) -> Iterable[str]:
    """A message for each requirement with a password or token in it: they are shown, named after and kept."""
    blocks: list[tuple[str, object]] = [("requirements", matrix.requirements), ("axes", matrix.axes)]
    blocks += [(f"include[{number}]", block) for number, block in enumerate(matrix.include)]
    for place, block in blocks:
        for axis in AXES:
            values = getattr(block, axis.name, None) if axis.kind == "requirements" else None
            for line in (text for value in values or () for text in texts(value)):
                # The user "git" of an address for ssh is no secret.
                plain = line.replace("ssh://git@", "ssh://")
                if redact(plain) != plain:
                    yield (
                        f"key '{place}.{axis.name}': the address of a requirement holds a password or a token\n"
                        "hint: put it into ~/.netrc, or configure the host as an index of uv"
                    )


def _axis_problems(place: str, block: Axes, envs: Iterable[str]) -> Iterable[str]:
    for axis in AXES:
        key, values = f"{place}.{axis.name}", getattr(block, axis.name)
        if values is None:
            continue
        if not values:
            yield f"key '{key}': the list is empty\nhint: leave the key out to use its default"
        for value in values:
            if too_long := [text for text in texts(value) if len(text) > _LONGEST]:
                yield f"key '{key}': '{too_long[0]}' has more than {_LONGEST} characters"
                return
            yield from _value_problems(key, axis, value, envs)


def _value_problems(key: str, axis: Axis, value: Texts, envs: Iterable[str]) -> Iterable[str]:
    if axis.kind == "requirements":
        yield from _requirement_problems(key, texts(value), by_url=axis.name == "extra")
    elif axis.kind == "packages":
        yield from _package_problems(key, texts(value))
    elif not isinstance(value, str) or value == axis.default:
        return
    elif axis.kind == "release":
        if problem := versions.check_syntax(value):
            yield f"key '{key}': {problem}"
    elif axis.kind == "date" and _is_date(value) and value > today():
        yield f"key '{key}': {value} is in the future\nhint: '{axis.default}' takes the packages of today"
    elif axis.kind == "date" and not _is_date(value):
        yield f"key '{key}': '{value}' is neither a date such as 2024-04-10 nor '{axis.default}'"
    elif axis.kind == "process_env":
        for part in value.split("+"):
            yield from _unknown(key, part, envs)


def _variable_problems(process_env: dict[str, dict[str, str]]) -> Iterable[str]:
    for name, variables in process_env.items():
        if not _SET_NAME.fullmatch(name):
            yield f"key 'process_env.{name}': not a name: letters, digits, '.', '_' and '-', at most 60 of them"
        for variable, value in variables.items():
            if not variable or "=" in variable or "\0" in variable:
                yield f"key 'process_env.{name}': '{variable}' cannot be the name of a variable"
            if "\0" in value:
                yield f"key 'process_env.{name}.{variable}': a variable cannot hold a NUL"
            if len(value.encode("utf-8", "replace")) > _LONGEST_VALUE:
                yield f"key 'process_env.{name}.{variable}': longer than {_LONGEST_VALUE} bytes"


def _route_problems(key: str, name: str) -> Iterable[str]:
    try:
        find_route(name)
    except RequestError as error:
        yield f"key '{key}': {error}"


def _unknown(key: str, name: str, known: Iterable[str]) -> Iterable[str]:
    if name not in known:
        yield f"key '{key}': unknown name '{name}'\nhint: {nearest(name, known)}"


def _requirement_problems(key: str, lines: Iterable[str], *, by_url: bool) -> Iterable[str]:
    """What is wrong with requirements. ``by_url``: whether one may name a file by its address, as uv lets a package
    that is to be installed do, and no constraint or override."""
    for line in lines:
        try:
            requirement = Requirement(line)
        except InvalidRequirement as error:
            reason = str(error).splitlines()[0]
            yield f"key '{key}': '{line}' is not a requirement such as 'setuptools<81': {reason}"
            continue
        if requirement.url is not None and not by_url:
            yield (
                f"key '{key}': '{requirement.name}' is given by an address, and only versions can limit a package\n"
                "hint: give the address in `requirements.extra`"
            )
        if len(line) > _LONGEST or re.search(r"\d{20}", str(requirement.specifier)):
            # uv holds the numbers of a version in 64 bits.
            yield f"key '{key}': '{line}' holds no version of a package: it is too long"


def _package_problems(key: str, names: Iterable[str]) -> Iterable[str]:
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
            yield f"key '{key}': '{name}' is not a package name such as 'tensorflow-decision-forests'"


def today() -> str:
    """The date of today in UTC, as ISO writes it."""
    return datetime.datetime.now(datetime.timezone.utc).date().isoformat()


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
