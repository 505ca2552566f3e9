"""HTTP requests to the service: a line of JSON with the target and the type, and the body."""

from __future__ import annotations

import functools
import json
import random
from pathlib import Path

import numpy as np
from fastapi import testclient
from PIL import Image

from fastnst import errors
from fastnst.models import stylizer
from fastnst.serving import app
from tests.fuzz import cases
from tests.fuzz.loaders import photos

_BOUNDARY = "----part"
# What a program for the web may meet, in a target or in a field.
_STRANGE = ("%00", "%ff", "../" * 9, "%2e%2e%2f", "&style=", "&strength=nan", "&size=1e9", "é", "'")


def seeds() -> dict[str, bytes]:
    """A photo as the body and as a field, and requests without one."""
    noise = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    photo = photos.encoded(Image.fromarray(noise), "PNG")
    part = (
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="strength"\r\n\r\n1.0\r\n'
        f"--{_BOUNDARY}\r\n"
        'Content-Disposition: form-data; name="photo"; filename="a.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()
    form = f"multipart/form-data; boundary={_BOUNDARY}"
    return {
        "body": _request("POST", "/stylize?style=mine&format=png", "image/png", photo),
        "form": _request(
            "POST", "/stylize", form, part + photo + f"\r\n--{_BOUNDARY}--\r\n".encode()
        ),
        "styles": _request("GET", "/styles", "", b""),
        "metrics": _request("GET", "/metrics", "", b""),
    }


def _request(method: str, target: str, kind: str, body: bytes) -> bytes:
    return json.dumps([method, target, kind]).encode() + b"\n" + body


def mutate(chance: random.Random, data: bytes) -> bytes:
    """Damages the body, the target, or the type."""
    head, _, body = data.partition(b"\n")
    method, target, kind = json.loads(head)
    where = chance.random()
    if where < 0.5:
        body = cases.mutate(chance, body)
    elif where < 0.8:
        at = chance.randrange(len(target) + 1)
        target = target[:at] + chance.choice(_STRANGE) + target[at:]
    else:
        kind = cases.mutate(chance, kind.encode()).decode("latin-1")
    return _request(method, target, kind, body)


@functools.cache
def _client() -> testclient.TestClient:
    """A client of a service whose model inverts photos; the network is not what is tested."""
    model = stylizer.Stylizer(lambda photos, style, strength: 255 - photos, "mine", ("mine",))
    return testclient.TestClient(app.make({"mine": model}))


def load(path: Path, output: Path) -> None:
    """Sends the request; exceptions of the service are raised here."""
    head, _, body = path.read_bytes().partition(b"\n")
    method, target, kind = json.loads(head)
    headers = {"content-type": kind.encode("latin-1")} if kind else {}
    try:
        answer = _client().request(method, target, content=body, headers=headers)
    except (ValueError, TypeError) as error:
        if "httpx" not in str(type(error).__module__):
            raise
        # The client itself refuses to send it.
        return
    if answer.status_code >= 400:
        assert set(answer.json()) == {"error"}
        raise errors.UserError(answer.text)
