"""Photos that a tf.data service reads, with a dispatcher and workers in processes of their own."""

from __future__ import annotations

import dataclasses
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import made
import numpy as np
import pytest
from PIL import Image

from fastnst import cluster, data, errors
from fastnst.config import schema
from fastnst.data import service, writer

ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAM = ROOT / "examples" / "scaling" / "data_service.py"


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> data.PhotoSource:
    """Records of twelve photos of noise in four files."""
    folder = tmp_path_factory.mktemp("records")
    (folder / "photos").mkdir()
    for seed in range(12):
        Image.fromarray(made.noise(seed)).save(folder / "photos" / f"{seed}.png")
    writer.write(folder / "photos", folder / "records", shards=4)
    return data.open_photos(str(folder / "records"))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The address of a dispatcher with two workers."""
    dispatcher, *workers = cluster.local(3)[0].addresses
    commands = [["dispatcher", "--port", dispatcher.rpartition(":")[2]]]
    commands += [["worker", "--dispatcher", dispatcher, "--address", each] for each in workers]
    started = []
    try:
        for command in commands:
            process = subprocess.Popen(
                [sys.executable, str(PROGRAM), *command],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )
            started.append(process)
            assert process.stdout and "is ready" in process.stdout.readline()
        yield f"grpc://{dispatcher}"
    finally:
        for process in started:
            process.kill()
            process.communicate()


def settings(address: str | None, **keys: object) -> schema.Data:
    values = {"batch_size": 4, "image_size": 24, "zoom": 1.0, **keys}
    return schema.Data(data_service=address, **values)  # type: ignore[arg-type]


def different(batches: list[np.ndarray]) -> set[bytes]:
    """Tells crops of noise apart."""
    return {np.sort(image, axis=None).tobytes() for batch in batches for image in batch}


@pytest.mark.slow
def test_an_epoch_brings_each_photo_once_whichever_worker_reads_it(
    address: str, records: data.PhotoSource
) -> None:
    chosen = settings(address)
    service.check(address, chosen, records)
    batches = service.ServiceFeed(records, chosen)(0, 0, print)
    taken = [(batch.numpy(), after) for batch, after in itertools.islice(batches, 6)]
    assert [after for _, after in taken] == [4, 8, 12, 16, 20, 24]
    assert {batch.shape for batch, _ in taken} == {(4, 24, 24, 3)}
    for epoch in (taken[:3], taken[3:]):
        assert len(different([batch for batch, _ in epoch])) == 12


@pytest.mark.slow
def test_the_size_changes_with_the_stage_and_an_epoch_resumes_at_a_file(
    address: str, records: data.PhotoSource
) -> None:
    chosen = settings(address, stages={16: 2})
    batches = service.ServiceFeed(records, chosen)(1, 6, print)
    taken = list(itertools.islice(batches, 3))
    assert [batch.shape[1] for batch, _ in taken] == [16, 24, 24]
    assert [after for _, after in taken] == [10, 14, 18]


@pytest.mark.slow
def test_workers_that_do_not_find_the_files_end_the_training(
    address: str, records: data.PhotoSource, tmp_path: Path
) -> None:
    gone = tuple(str(tmp_path / Path(file).name) for file in records.files)
    source = dataclasses.replace(records, files=gone)
    batches = service.ServiceFeed(source, settings(address))(0, 0, print)
    with pytest.raises(errors.UserError, match="read less than one batch from"):
        next(batches)


def test_what_the_service_cannot_read_is_refused_at_once(records: data.PhotoSource) -> None:
    chosen = settings("grpc://localhost:1")
    bundled = data.open_photos(str(ROOT / "img" / "photos"))
    for address, keys, source, told in (
        ("localhost:5050", chosen, records, r"'localhost:5050' is no address such as grpc://host"),
        ("grpc://localhost:1", chosen, bundled, "holds no records by `fastnst records`; convert"),
        ("grpc://localhost:1", chosen, records, "no dispatcher answers at grpc://localhost:1 "),
        (
            "grpc://localhost:1",
            settings(None, augment="none"),
            records,
            "has no augment: none; set augment: crop",
        ),
    ):
        with pytest.raises(errors.UserError, match=f"^data_service: .*{told}"):
            service.check(address, keys, source)
