"""Several processes that train one network: the same as one process, or an end that says why."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import runs

from fastnst import checkpoint_file, cluster
from fastnst.cli import launch, train
from fastnst.nets import architectures

ROOT = Path(__file__).resolve().parent.parent.parent
Conf = Callable[..., Path]
# Noise, and crops that differ; a batch that two and three can share.
KEYS = {**runs.SHALLOW, "batch_size": 6, "steady": 1.0, "zoom": 2, "preview_every": 100}
WAIT = 240.0


def start(workers: int, *options: object) -> subprocess.Popen[str]:
    """Starts `fastnst launch`."""
    command = ["-m", "fastnst", "launch", f"--workers={workers}", "--", "train"]
    return subprocess.Popen(
        [sys.executable, *command, *map(str, options)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(workers: int, *options: object) -> subprocess.CompletedProcess[str]:
    """Runs `fastnst launch` to its end."""
    with start(workers, *options) as process:
        out, err = process.communicate(timeout=WAIT)
    return subprocess.CompletedProcess([], process.returncode, out, err)


def wait_for(path: Path) -> None:
    """Waits until a file exists."""
    deadline = time.monotonic() + WAIT
    while not path.exists():
        assert time.monotonic() < deadline, f"no {path}"
        time.sleep(0.05)


def worker(launcher: subprocess.Popen[str], index: int) -> psutil.Process:
    """Finds one of the processes that `fastnst launch` has started."""
    (found,) = (
        child
        for child in psutil.Process(launcher.pid).children()
        if f'"index": {index}' in child.environ().get("TF_CONFIG", "")
    )
    return found


def assert_same_network(folder: Path, other: Path, step: int) -> None:
    """Compares the weights of two runs, and the place in the data, after a step.

    Gradients are summed in another order, which changes them by a millionth of their size. A step
    of 1e-3 changes as little, except where a gradient is near 0: Adam's first steps have full size
    for any gradient. The shift of the last residual block is excluded: the norm after it removes
    any constant, so its gradient is noise around 0.
    """
    one, two = (
        checkpoint_file.read_checkpoint(each / "checkpoints" / f"step-{step}")
        for each in (folder, other)
    )
    layout = architectures.Transform(width=4, residual_blocks=1).layout()
    noise = np.concatenate(
        [[entry.name == "residuals/0/norm2/shift"] * entry.size for entry in layout.entries]
    )
    for kind in ("net", "average"):
        for of in (one, two):
            of[f"{kind}/styles/.ATTRIBUTES/VARIABLE_VALUE"][:, noise] = 0.0
    names = [name for name in one if name.startswith(("net/", "average/"))]
    assert len(names) == 18
    for name in names:
        np.testing.assert_allclose(two[name], one[name], atol=1e-4, err_msg=name)
    for name in ("step", "position", "optimizer/_iterations"):
        key = f"{name}/.ATTRIBUTES/VARIABLE_VALUE"
        assert one[key] == two[key], name


@pytest.mark.parametrize("workers", ["0", "65", "100000"])
def test_the_number_of_workers_has_bounds(workers: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        launch.main([f"--workers={workers}", "--", "train"])
    assert stopped.value.code == 2
    assert f"'{workers}' should be a whole number, from 1 to 64" in capsys.readouterr().err


@pytest.mark.processes
def test_two_and_three_workers_train_like_one_process(tmp_path: Path, conf: Conf) -> None:
    path = conf(tmp_path, **KEYS | {"max_steps": 3})
    assert train.main(["-c", str(path)]) == 0
    for workers in (2, 3):
        name = f"with{workers}"
        finished = run(workers, "-c", path, "--set", f"naming={name}")
        assert finished.returncode == 0, finished.stderr
        # Only the chief speaks.
        assert finished.stdout == f"{tmp_path}/models/{name}/report.html\n"
        assert "[worker" not in finished.stderr and finished.stderr.count("step 3/3") == 1
        folder = tmp_path / "models" / name
        assert len((folder / "metrics.jsonl").read_text().splitlines()) == len(
            (tmp_path / "models" / "tiny" / "metrics.jsonl").read_text().splitlines()
        )
        assert_same_network(tmp_path / "models" / "tiny", folder, 3)


@pytest.mark.processes
def test_a_killed_worker_ends_the_job_which_resumes_with_another_number_of_workers(
    tmp_path: Path, conf: Conf
) -> None:
    path = conf(tmp_path, **KEYS | {"max_steps": 100_000})
    folder = tmp_path / "models" / "tiny"
    with start(2, "-c", path) as process:
        wait_for(folder / "checkpoints" / "step-2.index")
        worker(process, 1).kill()
        _, told = process.communicate(timeout=WAIT)
    assert process.returncode == 1, told
    assert "a worker of the cluster, or the connection to it, was lost; with the same or " in told
    assert "which resumes from" in told and "Traceback" not in told
    assert "fastnst launch: worker 1 ended with exit code 137, which ends the training" in told
    last = runs.steps_in(folder / "checkpoints")[-1]
    resumed = run(3, "-c", path, "--steps", last + 2)
    assert resumed.returncode == 0, resumed.stderr
    assert f"resuming {folder} at step {last} of {last + 2}" in resumed.stderr
    other = ["--set", "naming=whole", "--steps", str(last + 2)]
    assert train.main(["-c", str(path), *other]) == 0
    assert_same_network(tmp_path / "models" / "whole", folder, last + 2)


@pytest.mark.processes
def test_a_request_to_stop_reaches_all_workers_and_the_run_is_saved(
    tmp_path: Path, conf: Conf
) -> None:
    path = conf(tmp_path, **KEYS | {"max_steps": 100_000, "checkpoint_every": 100_000})
    folder = tmp_path / "models" / "tiny"
    with start(2, "-c", path) as process:
        wait_for(folder / "metrics.jsonl")
        # After the first step, not while the workers are still starting.
        time.sleep(1)
        process.terminate()
        _, told = process.communicate(timeout=WAIT)
    assert process.returncode == 143, told
    (saved,) = runs.steps_in(folder / "checkpoints")
    assert f"stopped and saved at step {saved} of 100000" in told


@pytest.mark.processes
def test_workers_with_different_settings_or_styles_are_refused_before_anything_is_written(
    tmp_path: Path, conf: Conf
) -> None:
    path = conf(tmp_path, **KEYS)
    style = tmp_path / "style.jpg"
    shutil.copyfile(ROOT / "img" / "candy.jpg", style)
    own = {1: ["--set", "learning_rate=0.25"], 2: ["--set", f"style_image={style}"]}
    with contextlib.ExitStack() as stack:
        started = []
        for node in cluster.local(3):
            process = subprocess.Popen(
                [sys.executable, "-m", "fastnst", "train", "-c", path, *own.get(node.index, [])],
                cwd=ROOT,
                env={**os.environ, "TF_CONFIG": node.to_json()},
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.kill)
            started.append(process)
        told = [process.communicate(timeout=WAIT)[1] for process in started]
    assert [process.returncode for process in started] == [1, 1, 1], told
    rate = "worker 1 differs from the chief in learning_rate (0.25 instead of 0.001); start all"
    assert rate in told[0] and rate in told[1]
    assert "worker 2 differs from the chief in style_image ('content " in told[2]
    assert "Traceback" not in "".join(told)
    assert not (tmp_path / "models").exists()


@contextlib.contextmanager
def two_hosts() -> Iterator[tuple[list[str], list[str], Callable[[], None]]]:
    """Makes two network namespaces, connected by a cable.

    Yields:
        What runs a command in each of them, and a function that pulls the cable.
    """
    names = [f"fastnst{os.getpid()}{side}" for side in "ab"]
    commands = [f"ip netns add {name}" for name in names]
    commands += [
        f"ip link add va netns {names[0]} type veth peer name vb netns {names[1]}",
        f"ip -n {names[0]} addr add 10.99.0.1/24 dev va",
        f"ip -n {names[1]} addr add 10.99.0.2/24 dev vb",
        f"ip -n {names[0]} link set va up",
        f"ip -n {names[1]} link set vb up",
        *(f"ip -n {name} link set lo up" for name in names),
    ]
    try:
        for command in commands:
            try:
                subprocess.run(command.split(), check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError) as error:
                pytest.skip(f"needs root and iproute2 ({error})")

        def pull() -> None:
            subprocess.run(["ip", "-n", names[1], "link", "set", "vb", "down"], check=True)

        first, second = (["ip", "netns", "exec", name] for name in names)
        yield first, second, pull
    finally:
        if shutil.which("ip"):
            for name in names:
                subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


@pytest.mark.processes
def test_workers_that_lose_the_network_say_so(tmp_path: Path, conf: Conf) -> None:
    path = conf(tmp_path, **KEYS | {"max_steps": 100_000})
    addresses = ("10.99.0.1:2222", "10.99.0.2:2222")
    with contextlib.ExitStack() as stack:
        *hosts, pull = stack.enter_context(two_hosts())
        started = []
        for index, host in enumerate(hosts):
            process = subprocess.Popen(
                [*host, sys.executable, "-m", "fastnst", "train", "-c", str(path)],
                cwd=ROOT,
                env={**os.environ, "TF_CONFIG": cluster.Cluster(addresses, index).to_json()},
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.kill)
            started.append(process)
        wait_for(tmp_path / "models" / "tiny" / "checkpoints" / "step-2.index")
        pull()
        told = [process.communicate(timeout=WAIT)[1] for process in started]
    assert [process.returncode for process in started] == [1, 1], told
    for each in told:
        assert "a worker of the cluster, or the connection to it, was lost" in each
        assert "Traceback" not in each


def test_what_all_workers_refuse_is_told_and_ends_with_the_chiefs_exit_code(tmp_path: Path) -> None:
    finished = run(2, "-c", tmp_path / "nothing.yml")
    assert finished.returncode == 1
    lines = finished.stderr.splitlines()
    assert sum("nothing.yml: no such conf file" in line for line in lines) == 2
    assert sum(line.startswith("[worker 1] ") for line in lines) == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--workers", "2", "--", "eval", "a.jpg"], "only train runs in several processes, not ev"),
        (["--workers", "0", "--", "train"], "should be a whole number, from 1"),
        (["--", "train"], "--workers"),
    ],
)
def test_wrong_usage_is_explained(
    capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        launch.main(arguments)
    assert stopped.value.code == 2 and told in capsys.readouterr().err


def test_cores_and_gpus_are_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []

    def record(command: list[str], **options: Any) -> Any:
        started.append((os.sched_getaffinity(0), options["env"].get("CUDA_VISIBLE_DEVICES")))

    monkeypatch.setattr(subprocess, "Popen", record)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    own = os.sched_getaffinity(0)
    for node in cluster.local(2):
        launch._start(node, ["train"])
    assert [gpus for _, gpus in started] == ["4,6", "5"]
    first, second = (cores for cores, _ in started)
    if len(own) > 1:
        assert first | second == own and not first & second and len(second) >= len(first)
    assert os.sched_getaffinity(0) == own


def test_a_worker_that_is_killed_has_the_exit_code_of_a_shell() -> None:
    assert launch._shell_code(-signal.SIGKILL) == 137
    assert launch._shell_code(0) == 0 and launch._shell_code(3) == 3
