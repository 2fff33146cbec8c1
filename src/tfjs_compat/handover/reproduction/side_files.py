"""What surrounds a bundle's script: the files for pip, npm and a container engine. Pure."""

from __future__ import annotations

import msgspec

from tfjs_compat.handover.reproduction.account import Reproduction
from tfjs_compat.handover.reproduction.script import SCRIPT, Requirements
from tfjs_compat.outcomes.stages import Stage

LOCK, INPUT, CONSTRAINTS, OVERRIDES = "requirements.txt", "requirements.in", "constraints.txt", "overrides.txt"
PACKAGE_JSON, CONTAINERFILE = "package.json", "Containerfile"


def unresolved_files(requirements: Requirements) -> dict[str, str]:
    """The resolver's inputs, for a case that has no lock."""
    files = {INPUT: requirements.dependencies, CONSTRAINTS: requirements.constraints, OVERRIDES: requirements.overrides}
    return {name: "".join(f"{line}\n" for line in lines) for name, lines in files.items() if lines}


def resolve_command(requirements: Requirements) -> str:
    """The command that cannot be resolved, to be typed in the bundle's folder."""
    words = ["uv pip compile", INPUT, f"--python {requirements.python}"]
    words += [f"--constraints {CONSTRAINTS}"] if requirements.constraints else []
    words += [f"--overrides {OVERRIDES}"] if requirements.overrides else []
    words += ["--no-build"] if requirements.wheels_only else []
    words += [f"--exclude-newer {requirements.as_of}T23:59:59Z"] if requirements.as_of != "today" else []
    return " ".join(words)


def pip_commands(account: Reproduction, requirements: Requirements) -> tuple[str, ...]:
    """The same with pip; empty where pip has no way to say it (overrides, a date)."""
    if account.shown.stage is Stage.RESOLVE:
        if requirements.overrides or requirements.as_of != "today":
            return ()
        constraints = f" -c {CONSTRAINTS}" if requirements.constraints else ""
        wheels = " --only-binary :all:" if requirements.wheels_only else ""
        return (
            f"python{requirements.python} -m venv env",
            f"env/bin/pip install --dry-run{wheels} -r {INPUT}{constraints}",
        )
    install = f"env/bin/pip install --require-hashes --no-deps -r {LOCK}"
    commands = (f"python{requirements.python} -m venv env", install)
    return commands if account.shown.stage is Stage.INSTALL else (*commands, f"env/bin/python {SCRIPT}")


def package_json(tfjs: str) -> str:
    """package.json with one exact release of TensorFlow.js."""
    content = {
        "name": "tfjs-reproduction",
        "version": "1.0.0",
        "private": True,
        "scripts": {"test": "node predict.mjs"},
        "dependencies": {"@tensorflow/tfjs": tfjs},
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def containerfile(requirements: Requirements, *, with_node: bool) -> str:
    """A container in which the bundle runs: `podman build -t repro . && podman run repro`."""
    node = [
        "RUN apt-get update && apt-get install -y --no-install-recommends nodejs npm && rm -rf /var/lib/apt/lists/*",
        "COPY package.json ./",
        "RUN npm install --no-audit --no-fund --ignore-scripts",
    ]
    lines = [
        f"FROM docker.io/library/python:{requirements.python}",
        "WORKDIR /reproduction",
        *(node if with_node else []),
        f"COPY {LOCK} ./",
        f"RUN pip install --no-cache-dir --require-hashes --no-deps -r {LOCK}",
        "COPY . .",
        f'CMD ["python", "{SCRIPT}"]',
    ]
    return "\n".join(lines) + "\n"
