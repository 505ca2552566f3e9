"""Exports trained models for other programs and verifies the exports.

One module per format; each has `write`, `paint`, which stylizes photos with the export as another
program would, the largest `TOLERANCE` of its pictures by precision, and the section `USE` of the
model card. It may have `card`, which completes the card. To add a format, write such a module and
describe it in `FORMATS`.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import importlib
import importlib.util
import json
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastnst import errors, files, version

if TYPE_CHECKING:
    from fastnst.export import verify
    from fastnst.models import model as model_module


@dataclasses.dataclass(frozen=True)
class Format:
    """A format of exports.

    Attributes:
        module: The module that writes it.
        purpose: The programs that read it.
        files: The files and folders of an export. The first tells that it has this format.
        precisions: The precisions that can be chosen, the default first.
        fixed_size: Whether it can be written for photos of one size.
        packages: Modules to import for writing and checking it, beside TensorFlow.
        extra: The extra of fastnst that installs them.
        downloads: Whether writing it may need a download.
    """

    module: str
    purpose: str
    files: tuple[str, ...]
    precisions: tuple[str, ...]
    fixed_size: bool = False
    packages: tuple[str, ...] = ()
    extra: str = ""
    downloads: bool = False


FORMATS = {
    "savedmodel": Format(
        "fastnst.export.saved_model",
        "any program with TensorFlow",
        ("saved_model.pb", "fingerprint.pb", "variables", "assets", "model.json"),
        ("float32", "bfloat16"),
    ),
    "onnx": Format(
        "fastnst.export.onnx_file",
        "ONNX Runtime on any platform, and Triton",
        ("model.onnx",),
        ("float32", "float16"),
        packages=("onnx", "onnxruntime"),
        extra="onnx",
    ),
    "litert": Format(
        "fastnst.export.litert",
        "LiteRT in apps on phones",
        ("model.tflite",),
        ("float32", "float16"),
        fixed_size=True,
        packages=("ai_edge_litert",),
        extra="litert",
    ),
    "coreml": Format(
        "fastnst.export.coreml",
        "Core ML in apps for Apple's devices",
        ("model.mlpackage",),
        ("float32", "float16"),
        fixed_size=True,
        packages=("coremltools",),
        extra="coreml",
    ),
    "openvino": Format(
        "fastnst.export.openvino_ir",
        "OpenVINO on Intel's processors",
        ("model.xml", "model.bin"),
        ("float32", "float16"),
        packages=("onnx", "openvino"),
        extra="openvino",
    ),
    "web": Format(
        "fastnst.export.web",
        "a page that paints in the browser",
        (
            "models.json",
            "index.html",
            "sw.js",
            "app",
            "model.onnx",
            "thumbnails",
            "samples",
            "runtime",
            "licenses.txt",
        ),
        ("float16", "float32"),
        packages=("onnx", "onnxruntime"),
        extra="onnx",
        downloads=True,
    ),
    "weights": Format(
        "fastnst.export.weights",
        "fastnst eval",
        ("weights.ckpt.index", "weights.ckpt.data-00000-of-00001", "model.json"),
        ("float16", "float32"),
    ),
    "hub": Format(
        "fastnst.export.hub",
        "a model page of the Hugging Face Hub",
        ("onnx", "samples", "weights.ckpt.index", "weights.ckpt.data-00000-of-00001", "model.json"),
        ("float32", "float16"),
        packages=("onnx", "onnxruntime"),
        extra="onnx",
    ),
}
METADATA = "metadata.json"
# Files beside an export or a shipped network.
_BESIDE = frozenset(
    {"config.yml", "README.md", "training.json", "quality.json", "sample.jpg", METADATA}
)


@dataclasses.dataclass(frozen=True)
class Options:
    """The choices of an export.

    Attributes:
        precision: Of the stored kernels; None for the default of the format.
        size: Height and width of the photos; None for any.
        metadata: The content of `METADATA`, to be stored inside the file.
    """

    precision: str | None = None
    size: tuple[int, int] | None = None
    metadata: str = "{}"


def use(file_format: str) -> str:
    """Returns the section of the model card on the use of a format's files."""
    return _module(file_format).USE


def card(file_format: str, text: str, styles: collections.abc.Sequence[str]) -> str:
    """Returns the model card of a format.

    Args:
        file_format: One of `FORMATS`.
        text: The card that all formats have.
        styles: Names of the styles.
    """
    module = _module(file_format)
    return module.card(text, styles) if hasattr(module, "card") else text


def paint(
    folder: Path, file_format: str, given: collections.abc.Mapping[str, verify.Case]
) -> dict[str, verify.Painted]:
    """Stylizes photos with an export in the runtime of its format.

    Args:
        folder: The export.
        file_format: One of `FORMATS`.
        given: The photos by name of the case.

    Returns:
        The pictures by name of the case, without the timed ones if this machine lacks the runtime.

    Raises:
        UserError: If the export cannot be used.
    """
    return _module(file_format).paint(folder, given)


def missing(file_format: str) -> list[str]:
    """Returns the packages that a format needs and that are not installed."""
    packages = FORMATS[file_format].packages
    return [name for name in packages if not importlib.util.find_spec(name)]


def check(file_format: str, options: Options) -> None:
    """Raises a UserError unless a format can be written here with these options."""
    described = FORMATS[file_format]
    if options.precision not in (None, *described.precisions):
        raise errors.UserError(
            f"--precision {options.precision}: {file_format} is written in "
            f"{' or '.join(described.precisions)}"
        )
    if options.size and not described.fixed_size:
        raise errors.UserError(f"--size: {file_format} takes photos of any size; leave --size out")
    if lacking := missing(file_format):
        raise errors.UserError(
            f"{file_format}: needs {' and '.join(lacking)}; run: "
            f'pip install "fastnst[{described.extra}]"'
        )


def check_folder(folder: Path) -> None:
    """Checks that a folder can be replaced by an export.

    Raises:
        UserError: If it contains files that are not part of an export.
    """
    if foreign := _foreign(folder):
        raise errors.UserError(
            f"{foreign}: is not part of an export, which would replace all of {folder}; move it, "
            "or name another folder with -o"
        )


def export(
    model: model_module.Model,
    folder: Path,
    file_format: str,
    extra_files: collections.abc.Mapping[str, str],
    options: Options = Options(),
    facts: collections.abc.Mapping[str, Any] = types.MappingProxyType({}),
) -> verify.Parity:
    """Exports a model atomically.

    Args:
        model: The model; all its styles are exported.
        folder: Folder to write; an earlier export there is replaced once the new one is complete.
        file_format: One of `FORMATS`.
        extra_files: Additional text files by name, for example a model card.
        options: The choices.
        facts: Facts about the training, for the metadata.

    Returns:
        The comparison with the live network.

    Raises:
        UserError: If the folder contains other files, cannot be written, or the check fails.
    """
    import tensorflow as tf

    from fastnst.export import verify

    check(file_format, options)
    check_folder(folder)
    writer = _module(file_format)
    precision = options.precision or FORMATS[file_format].precisions[0]
    options = dataclasses.replace(options, precision=precision)
    metadata = describe(model, folder.name, file_format, options, facts)
    try:
        with files.replacing(folder) as real, files.plain(real) as partial:
            writer.write(model, partial, dataclasses.replace(options, metadata=metadata))
            given = verify.cases(model.description, options.size)
            parity = verify.compare(model, given, paint(partial, file_format, given))
            if parity.largest > writer.TOLERANCE[precision]:
                raise errors.UserError(
                    f"{folder}: the export differs from the network by {parity.largest:g} levels "
                    "of 255 and was deleted"
                )
            for name, text in extra_files.items():
                # Names of files may have bytes that are no text.
                (partial / name).write_bytes(text.encode(errors="surrogateescape"))
            write_metadata(partial, metadata)
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or errors.reason(error)
        raise errors.UserError(f"{folder}: cannot be written ({reason})") from None
    return parity


def describe(
    model: model_module.Model,
    name: str,
    file_format: str,
    options: Options,
    facts: collections.abc.Mapping[str, Any] = types.MappingProxyType({}),
) -> str:
    """Returns the content of `METADATA`.

    Args:
        model: The model.
        name: Its name.
        file_format: One of `FORMATS`.
        options: The choices.
        facts: Facts about the training.
    """
    side = "x".join(map(str, options.size)) if options.size else "any, from 16 x 16 pixels"
    content = {
        "name": name,
        "format": file_format,
        "precision": options.precision,
        "size": side,
        "styles": [dataclasses.asdict(style) for style in model.description.styles],
        "strength": "0 to 1.5" if model.description.identity else "1",
        "grain": model.description.grain,
        "input": "RGB in 0..255",
        "output": "RGB in 0..255, of the same size",
        "license": "Apache-2.0, as far as the rights to the paintings allow",
        "fastnst": version.VERSION,
        "training": dict(facts),
    }
    return json.dumps(content, indent=2) + "\n"


def _module(file_format: str) -> Any:
    return importlib.import_module(FORMATS[file_format].module)


def write_metadata(folder: Path, metadata: str) -> None:
    """Writes `METADATA` with a list of all files, by which the next export knows its own."""
    written = [path.relative_to(folder).as_posix() for path in _files_below(folder)]
    content = json.loads(metadata) | {"files": [*written, METADATA]}
    (folder / METADATA).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _files_below(folder: Path) -> list[Path]:
    """Returns all files and links below a folder, sorted."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(found)


def _foreign(folder: Path) -> Path | None:
    """Returns a path that is not part of an export and would be lost, or None.

    Raises:
        UserError: If the folder cannot be read.
    """
    try:
        if not folder.exists():
            return None
        if not folder.is_dir():
            return folder
        names = sorted(path.name for path in folder.iterdir())
        below = [path.relative_to(folder).as_posix() for path in _files_below(folder)]
    except OSError as error:
        raise errors.UserError(f"{folder}: cannot be read ({error.strerror})") from None
    formats = [each for each in FORMATS.values() if each.files[0] in names]
    listed = _listed(folder)
    if formats and listed is not None:
        return next((folder / name for name in below if name not in listed | _BESIDE), None)
    # Earlier releases listed no files.
    own = _BESIDE.union(*(each.files for each in formats))
    return next((folder / name for name in names if not formats or name not in own), None)


def _listed(folder: Path) -> set[str] | None:
    """Returns the files that an earlier export has written; None if it has not listed them."""
    try:
        listed = json.loads(files.read(folder / METADATA))["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return set(listed) if isinstance(listed, list) and all(map(_is_text, listed)) else None


def _is_text(value: object) -> bool:
    return isinstance(value, str)
