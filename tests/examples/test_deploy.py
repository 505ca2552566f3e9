"""The files in examples/deploy and the requests of docs/deploying.md.

Neither Docker nor the servers are needed: the commands, paths and tensors in the files are compared
with those of the service and of the exports, and small servers answer the clients by the protocols.
"""

from __future__ import annotations

import base64
import contextlib
import http.server
import json
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
import yaml

from fastnst import images
from fastnst.cli import serve
from fastnst.serving import app

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "examples" / "deploy"
PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")

Run = Callable[..., subprocess.CompletedProcess[str]]
# Maps a request's path, body and headers to the status, the body and the headers of the answer.
Answer = Callable[[str, bytes, Any], tuple[int, bytes, dict[str, str]]]


@contextlib.contextmanager
def serving(answer: Answer) -> Iterator[str]:
    """Serves a function over HTTP, and yields the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            status, content, headers = answer(self.path, self.rfile.read(length), self.headers)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def shown(word: str) -> list[Any]:
    """The JSON objects of the page that contain a word."""
    blocks = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    return [json.loads(block) for block in blocks if word in block]


@pytest.fixture(scope="module")
def dockerfile() -> dict[str, list[str]]:
    """The arguments of each kind of instruction."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            instruction, rest = line.split(maxsplit=1)
            found.setdefault(instruction, []).append(" ".join(rest.split()))
    return found


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """The objects of the manifest by kind."""
    text = (DEPLOY / "kubernetes.yml").read_text(encoding="utf-8")
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


def options(dockerfile: dict[str, list[str]], arguments: list[str] | None = None) -> Any:
    """The options that the service is started with in a container."""
    (entry,), (default,) = dockerfile["ENTRYPOINT"], dockerfile["CMD"]
    program, command, *first = json.loads(entry)
    assert (program, command) == ("fastnst", "serve")
    rest = json.loads(default) if arguments is None else arguments
    return serve.make_parser("fastnst serve").parse_args([*first, *rest])


def test_the_image_holds_what_a_wheel_is_built_of(dockerfile: dict[str, list[str]]) -> None:
    copied = {name for line in dockerfile["COPY"] for name in line.split()[:-1]}
    assets = {"conf", "img", "pretrained"}
    assert copied == {"setup.cfg", "pyproject.toml", "README.md", "LICENSE", "fastnst", *assets}
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert any('pip install --no-cache-dir ".[serve]"' in line for line in dockerfile["RUN"])


def test_a_container_serves_the_port_that_it_exposes_to_other_machines(
    dockerfile: dict[str, list[str]],
) -> None:
    chosen = options(dockerfile)
    assert (chosen.host, chosen.model) == ("0.0.0.0", ["gallery"])
    assert dockerfile["EXPOSE"] == [str(chosen.port)]
    assert dockerfile["USER"] != ["root"]


def test_a_container_is_healthy_while_the_service_takes_photos(
    dockerfile: dict[str, list[str]],
) -> None:
    (check,) = dockerfile["HEALTHCHECK"]
    program, option, code = json.loads(check.partition("CMD ")[2])
    assert (program, option) == ("python", "-c")
    status = 200

    def answer(path: str, *_: object) -> tuple[int, bytes, dict[str, str]]:
        return status if path == "/health" else 404, b"{}", {}

    with serving(answer) as address:
        code = code.replace("http://127.0.0.1:8000", address)
        exec(code, {})
        status = 503
        with pytest.raises(OSError, match="503"):
            exec(code, {})


def test_the_manifest_asks_for_what_the_service_offers(
    manifest: dict[str, Any], dockerfile: dict[str, list[str]]
) -> None:
    template = manifest["Deployment"]["spec"]["template"]
    pod = template["spec"]
    (container,) = pod["containers"]
    chosen = options(dockerfile, container["args"])
    (port,) = container["ports"]
    assert port["containerPort"] == chosen.port
    paths = {route.path for route in app.make({}).routes}  # type: ignore[attr-defined]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["path"] in paths and asked["port"] == port["name"]
    notes = template["metadata"]["annotations"]
    assert notes["prometheus.io/path"] in paths
    assert notes["prometheus.io/port"] == str(chosen.port)
    # Photos that wait are finished before the pod is killed.
    assert pod["terminationGracePeriodSeconds"] > chosen.max_seconds + 1
    assert [str(pod["securityContext"]["runAsUser"])] == dockerfile["USER"]


def test_the_service_of_the_manifest_finds_its_pods(manifest: dict[str, Any]) -> None:
    deployment, service = manifest["Deployment"]["spec"], manifest["Service"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert service["selector"] == deployment["selector"]["matchLabels"] == labels
    (container,) = deployment["template"]["spec"]["containers"]
    assert service["ports"][0]["targetPort"] == container["ports"][0]["name"]
    mounted = {each["name"] for each in container["volumeMounts"]}
    assert mounted == {each["name"] for each in deployment["template"]["spec"]["volumes"]}


def test_tensorflow_serving_is_told_of_the_models_that_the_page_exports() -> None:
    text = (DEPLOY / "models.config").read_text(encoding="utf-8")
    listed = dict(re.findall(r'name: "(\w+)" base_path: "(.*?)"', text))
    exported = re.findall(r"--style (\w+) -o tf-serving/(\w+)/1", PAGE)
    assert {style: f"/models/{folder}" for style, folder in exported} == listed


def tensorflow_serving(folder: Path) -> Answer:
    """Answers as TensorFlow Serving does: https://www.tensorflow.org/tfx/serving/api_rest."""
    signatures = tf.saved_model.load(str(folder)).signatures

    def answer(path: str, body: bytes, headers: object) -> tuple[int, bytes, dict[str, str]]:
        assert path == "/v1/models/wave:predict"
        request = json.loads(body)
        signature = signatures[request["signature_name"]]
        ((name, spec),) = signature.structured_input_signature[1].items()
        assert name.endswith("_bytes") and spec.dtype == tf.string
        given = [base64.b64decode(each[name]["b64"]) for each in request["instances"]]
        ((returned, values),) = signature(**{name: tf.constant(given)}).items()
        # A single output is not named.
        assert returned.endswith("_bytes")
        predictions = [{"b64": base64.b64encode(value).decode()} for value in values.numpy()]
        return 200, json.dumps({"predictions": predictions}).encode(), {}

    return answer


@pytest.mark.slow
def test_the_client_of_tensorflow_serving_and_its_request_return_a_picture(
    here: Path, run: Run, saved_model: Path, largest_difference: Callable[..., int]
) -> None:
    answer = tensorflow_serving(saved_model)
    with serving(answer) as address:
        model = f"{address}/v1/models/wave"
        finished = run("deploy/tf_serving_client.py", model, "photo.png", "stylized.png")
    assert finished.returncode == 0, finished.stderr
    assert largest_difference("stylized.png", "wave") <= 1

    (request,) = shown("instances")
    # Of two sizes at once.
    photos = [np.full((height, 20, 3), 90, np.uint8) for height in (16, 30)]
    encoded = [images.encode(images.Picture(photo), "PNG") for photo in photos]
    (instance,) = request["instances"]
    assert base64.b64decode("/9j/4AAQ").startswith(b"\xff\xd8"), "the page shows a JPEG"
    assert instance["image_bytes"]["b64"].startswith("/9j/4AAQ")
    request["instances"] = [
        {"image_bytes": {"b64": base64.b64encode(each).decode()}} for each in encoded
    ]
    _, content, _ = answer("/v1/models/wave:predict", json.dumps(request).encode(), None)
    found = json.loads(content)
    (promised,) = shown("predictions")
    assert found.keys() == promised.keys()
    for photo, each in zip(photos, found["predictions"], strict=True):
        assert each.keys() == promised["predictions"][0].keys()
        assert each["b64"].startswith("iVBORw0K")
        assert images.decode(base64.b64decode(each["b64"])).shape == photo.shape


@pytest.fixture
def repository(here: Path, run: Run, onnx_folder: Path) -> Path:
    """A repository for Triton, as the page says."""
    shutil.copytree(onnx_folder, here / "triton" / "gallery" / "1")
    (command,) = re.findall(r"python examples/(deploy/triton_config.py .*)", PAGE)
    finished = run(*shlex.split(command))
    assert finished.returncode == 0, finished.stderr
    return here / "triton"


def session(repository: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(repository / "gallery" / "1" / "model.onnx")


TYPES = {"TYPE_FP32": "tensor(float)", "TYPE_UINT8": "tensor(uint8)"}
TENSOR = re.compile(r'^(input|output) { name: "(\w+)" data_type: (\w+) dims: \[ (.*) \] }$', re.M)


def config(repository: Path) -> dict[str, Any]:
    """The content of config.pbtxt, as Triton answers it in JSON."""
    text = (repository / "gallery" / "config.pbtxt").read_text(encoding="utf-8")
    found: dict[str, Any] = {"input": [], "output": []}
    for side, name, dtype, dims in TENSOR.findall(text):
        sizes = [int(size) for size in dims.split(", ")]
        found[side].append({"name": name, "data_type": dtype, "dims": sizes})
    (styles,) = re.findall(r'key: "styles" value { string_value: "(.*)" }', text)
    return found | {"parameters": {"styles": {"string_value": styles}}}


def test_the_configuration_for_triton_describes_the_tensors_of_the_file(repository: Path) -> None:
    text = (repository / "gallery" / "config.pbtxt").read_text(encoding="utf-8")
    assert text.splitlines()[:3] == [
        'name: "gallery"',
        'backend: "onnxruntime"',
        "max_batch_size: 0",
    ]
    described, loaded = config(repository), session(repository)
    for side, tensors in (("input", loaded.get_inputs()), ("output", loaded.get_outputs())):
        expected = [
            (each.name, each.type, [s if isinstance(s, int) else -1 for s in each.shape])
            for each in tensors
        ]
        assert expected == [
            (each["name"], TYPES[each["data_type"]], each["dims"]) for each in described[side]
        ]
    assert described["input"][0]["dims"] == [-1, -1, -1, 3]
    assert described["parameters"]["styles"]["string_value"] == "wave,candy,ink"


def test_the_configuration_for_triton_as_its_own_library_reads_it(repository: Path) -> None:
    model_config = pytest.importorskip("tritonclient.grpc.model_config_pb2")
    from google.protobuf import text_format

    text = (repository / "gallery" / "config.pbtxt").read_text(encoding="utf-8")
    read = text_format.Parse(text, model_config.ModelConfig())
    assert [list(each.dims) for each in read.input[:2]] == [[-1, -1, -1, 3], [3]]
    assert read.parameters["styles"].string_value == "wave,candy,ink"


def triton(repository: Path) -> Answer:
    """Answers as Triton does.

    The protocol is KServe's, with the extensions for binary tensors and configurations:
    https://github.com/triton-inference-server/server/tree/main/docs/protocol.
    """
    described, loaded = config(repository), session(repository)
    inputs = {each["name"]: each for each in described["input"]}

    def answer(path: str, body: bytes, headers: Any) -> tuple[int, bytes, dict[str, str]]:
        if path == "/v2/models/gallery/config":
            return 200, json.dumps(described).encode(), {}
        assert path == "/v2/models/gallery/infer"
        length = int(headers["Inference-Header-Content-Length"])
        request, rest = json.loads(body[:length]), body[length:]
        given = {}
        for each in request["inputs"]:
            assert each["datatype"] == "FP32"
            size = each["parameters"]["binary_data_size"]
            given[each["name"]] = np.frombuffer(rest[:size], "<f4").reshape(each["shape"])
            rest = rest[size:]
            dims = zip(inputs[each["name"]]["dims"], each["shape"], strict=True)
            assert all(dim in (-1, side) for dim, side in dims)
        assert not rest and given.keys() == inputs.keys()
        assert request["outputs"] == [{"name": "stylized", "parameters": {"binary_data": True}}]
        (stylized,) = loaded.run(["stylized"], given)
        output = {
            "name": "stylized",
            "datatype": "UINT8",
            "shape": stylized.shape,
            "parameters": {"binary_data_size": stylized.nbytes},
        }
        content = {"model_name": "gallery", "model_version": "1", "outputs": [output]}
        header = json.dumps(content).encode()
        fields = {"Inference-Header-Content-Length": str(len(header))}
        return 200, header + stylized.tobytes(), fields

    return answer


def test_the_client_of_triton_paints_a_style_by_name_with_a_strength(
    run: Run, repository: Path, largest_difference: Callable[..., int]
) -> None:
    with serving(triton(repository)) as address:
        model = f"{address}/v2/models/gallery"
        client = ("deploy/triton_client.py", model, "photo.png", "stylized.png", "--style")
        finished = run(*client, "ink", "--strength", "0.5")
        assert finished.returncode == 0, finished.stderr
        assert run(*client, "wav").stderr == "no style wav; choose from wave, candy, ink\n"
    assert largest_difference("stylized.png", "ink", 0.5) <= 1


def test_the_request_to_triton_on_the_page_is_one_that_the_file_takes(repository: Path) -> None:
    loaded = session(repository)
    (request,) = shown('"inputs"')
    given = {}
    for each in request["inputs"]:
        assert each["datatype"] == "FP32"
        if each["name"] == "images":
            assert each["shape"][-1] == 3 == len(each["data"])
            each["shape"] = [1, 16, 20, 3]
            each["data"] = each["data"] * (16 * 20)
        if each["name"] == "style":
            # Of four styles on the page, of three here.
            assert each["shape"] == [len(each["data"])]
            each["shape"], each["data"] = [3], each["data"][1:]
        given[each["name"]] = np.array(each["data"], np.float32).reshape(each["shape"])
    (stylized,) = loaded.run(["stylized"], given)
    (promised,) = shown('"outputs"')
    (output,) = promised["outputs"]
    assert (output["name"], output["datatype"]) == ("stylized", stylized.dtype.name.upper())
    assert stylized.shape == (1, 16, 20, 3) and len(output["shape"]) == 4
