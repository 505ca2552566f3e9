"""A page that paints photos in a browser, with onnxruntime-web.

The page is a folder for any static server, and needs nothing from elsewhere. Its own files are in
page/; those of the runtime come from its package on npm, which is downloaded once.
"""

from __future__ import annotations

import collections.abc
import hashlib
import json
import os
import shutil
import tarfile
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from fastnst import downloads, export, files, images, version
from fastnst.export import onnx_file, verify
from fastnst.models import model as model_module

CONTENTS = "models.json"
RUNTIME_VERSION = "1.30.0"
_PACKAGE = f"onnxruntime-web-{RUNTIME_VERSION}.tgz"
# As `npm view onnxruntime-web@VERSION dist.integrity` shows it.
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
_REGISTRY = "https://registry.npmjs.org"
# The runtime's builds by folder: the name of the module, and that of the WebAssembly. A browser
# loads one of them. WebGPU needs a larger one where there is no JSPI.
_BUILDS = {
    "wasm": ("ort.wasm.min", "ort-wasm-simd-threaded"),
    "webgpu": ("ort.jspi.min", "ort-wasm-simd-threaded.jspi"),
    "webgpu-asyncify": ("ort.webgpu.min", "ort-wasm-simd-threaded.asyncify"),
}
_THUMBNAIL_SIDE = 192
# Photos in the public domain, to try the page with.
_SAMPLES = ("coffee", "koala", "astronaut")
TOLERANCE = onnx_file.TOLERANCE
USE = """\
## Use

Copy the folder to any web server, or try it on your machine:

```
python -m http.server --directory {name}
```

`index.html` paints photos in the browser. Nothing is loaded from elsewhere, and no photo is sent
anywhere. `models.json` lists the styles and the files.
"""


def write(model: model_module.Model, folder: Path, options: export.Options) -> None:
    """Writes the page for one model."""
    write_page({folder.name: model}, folder, options)


def paint(
    folder: Path, given: collections.abc.Mapping[str, verify.Case]
) -> dict[str, verify.Painted]:
    """Stylizes photos with the page's model in a fresh process that has only ONNX Runtime."""
    return verify.paint_elsewhere(folder, onnx_file.LOADER, given)


def write_page(
    models: collections.abc.Mapping[str, model_module.Model],
    folder: Path,
    options: export.Options,
) -> None:
    """Writes the page for models to choose from.

    Args:
        models: The models by name; the first is the default.
        folder: An empty folder.
        options: As for `export.export`.

    Raises:
        UserError: If the runtime cannot be downloaded.
    """
    sizes = _write_runtime(folder / "runtime")
    shutil.copytree(str(resources.files("fastnst.export") / "page"), folder, dirs_exist_ok=True)
    described = []
    for index, (name, model) in enumerate(models.items()):
        below = "" if len(models) == 1 else f"models/{index}/"
        described.append({"name": name, **_write_model(model, folder, below, options)})
    samples = [{"name": name, "file": f"samples/{name}.jpg"} for name in _SAMPLES]
    (folder / "samples").mkdir()
    for sample in samples:
        shutil.copy(files.asset(f"img/photos/{sample['name']}.jpg"), folder / sample["file"])
    every = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    large = ("runtime/", "sw.js", "index.html")
    small = [name for name in every if not name.startswith(large) and not name.endswith(".onnx")]
    contents = {
        "fastnst": version.VERSION,
        "models": described,
        "runtime": {"version": RUNTIME_VERSION, "bytes": sizes},
        "samples": samples,
        # The service worker keeps these at once, and the others when they are used.
        "small": ["./", CONTENTS, *sorted(small)],
    }
    (folder / CONTENTS).write_text(json.dumps(contents, indent=2) + "\n", encoding="utf-8")


def runtime_package() -> Path:
    """Returns npm's package of the runtime, downloaded unless it is in the cache.

    The variable npm_config_registry names another registry, as for npm itself.

    Raises:
        UserError: If it cannot be downloaded.
    """
    registry = os.environ.get("npm_config_registry") or _REGISTRY  # noqa: SIM112, as npm has it
    return downloads.cached(
        f"{registry.rstrip('/')}/onnxruntime-web/-/{_PACKAGE}",
        SHA512,
        f"run `npm pack onnxruntime-web@{RUNTIME_VERSION}` on a machine with a connection,",
    )


def _write_runtime(folder: Path) -> dict[str, int]:
    """Writes the runtime; returns the bytes of each build's WebAssembly."""
    # Not .mjs: older servers would not send it as JavaScript.
    wanted = {
        f"package/dist/{source}": folder / build / name
        for build, (module, binary) in _BUILDS.items()
        for source, name in (
            (f"{module}.mjs", "ort.js"),
            (f"{binary}.mjs", "glue.js"),
            (f"{binary}.wasm", "ort.wasm"),
        )
    }
    with tarfile.open(runtime_package()) as package:
        for member in package:
            if (target := wanted.get(member.name)) and (content := package.extractfile(member)):
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.read())
    return {build: (folder / build / "ort.wasm").stat().st_size for build in _BUILDS}


def _write_model(
    model: model_module.Model, folder: Path, below: str, options: export.Options
) -> dict[str, Any]:
    """Writes a model and its thumbnails into a folder below; returns what the page needs."""
    content = onnx_file.encode(model, options)
    (folder / below / "thumbnails").mkdir(parents=True)
    (folder / below / onnx_file.FILE).write_bytes(content)
    styles = []
    for index, style in enumerate(model.description.styles):
        name = f"{below}thumbnails/{index}.jpg"
        images.write(folder / name, _thumbnail(model, index), quality=85)
        styles.append({"name": style.name, "thumbnail": name})
    return {
        "file": f"{below}{onnx_file.FILE}",
        # Part of the address, so that browsers can keep the file.
        "version": hashlib.sha256(content).hexdigest()[:12],
        "bytes": len(content),
        "grain": model.description.grain,
        "strength": model.description.identity,
        "styles": styles,
    }


def _thumbnail(model: model_module.Model, index: int) -> np.ndarray:
    """Returns the painting of a style, or a photo painted in it if there is no such file."""
    painting = model.description.styles[index].painting
    path = files.find(painting, "img") if painting else None
    if path and path.is_file():
        return _square(images.decode(images.read_bytes(path), str(path)))
    name = f"img/photos/{_SAMPLES[0]}.jpg"
    photo = _square(images.decode(images.read_bytes(files.asset(name)), name), 2)
    shares = np.eye(len(model.description.styles), dtype=np.float32)[index]
    return _square(verify.painter(model)(verify.Case(photo[np.newaxis], shares))[0])


def _square(pixels: np.ndarray, factor: int = 1) -> np.ndarray:
    """Returns the middle of an image at a multiple of the thumbnails' size."""
    side = min(pixels.shape[:2])
    top, left = ((length - side) // 2 for length in pixels.shape[:2])
    middle = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    return images.resize(middle, factor * _THUMBNAIL_SIDE, factor * _THUMBNAIL_SIDE)
