"""`fastnst serve`: an HTTP service that stylizes photos."""

from __future__ import annotations

import argparse
import collections.abc
import functools
import importlib.util
import socket
from typing import TYPE_CHECKING

from fastnst import errors
from fastnst.cli import options, terminal

if TYPE_CHECKING:
    from fastnst.models import model, store

_PACKAGES = ("fastapi", "uvicorn", "multipart", "prometheus_client")
_PORTS = 65535
_AMOUNT = terminal.number(above=0, most=1_000_000)


def make_parser(program: str) -> argparse.ArgumentParser:
    """Describes the command line."""
    parser = argparse.ArgumentParser(
        prog=program,
        description="Serve models over HTTP, and a page that paints in the browser. The page /docs "
        "describes the requests.",
    )
    parser.add_argument(
        "--model",
        action="append",
        metavar="NAME|PATH",
        help="model to serve; may be repeated, the first is the default (default: gallery)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen at; 0.0.0.0 lets other machines in (default: 127.0.0.1)",
    )
    parser.add_argument(
        "--port", type=_port, default=8000, metavar="N", help="port to listen at (default: 8000)"
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "bfloat16"),
        default="auto",
        help="as of fastnst eval (default: auto)",
    )
    limits = parser.add_argument_group("limits")
    limits.add_argument(
        "--max-megabytes",
        type=_AMOUNT,
        default=20.0,
        metavar="N",
        help="size of a request (default: 20)",
    )
    limits.add_argument(
        "--max-megapixels",
        type=_AMOUNT,
        default=24.0,
        metavar="N",
        help="size of a photo (default: 24)",
    )
    limits.add_argument(
        "--max-seconds",
        type=_AMOUNT,
        default=60.0,
        metavar="N",
        help="time until a result (default: 60)",
    )
    limits.add_argument(
        "--max-waiting",
        type=terminal.positive,
        default=32,
        metavar="N",
        help="photos that may wait (default: 32)",
    )
    limits.add_argument(
        "--batch",
        type=terminal.positive,
        default=4,
        metavar="N",
        help="photos of equal size to stylize together (default: 4)",
    )
    options.add_trust(parser)
    options.add_output(parser)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _PORTS:
        raise argparse.ArgumentTypeError(f"{text!r} should be a port, from 0 to {_PORTS}")
    return int(text)


def main(argv: collections.abc.Sequence[str] | None = None, program: str = "fastnst serve") -> int:
    """Runs the command and returns its exit code."""
    arguments = make_parser(program).parse_args(argv)
    return terminal.guarded(program, lambda: _run(arguments), quiet=arguments.quiet)


def _run(arguments: argparse.Namespace) -> int:
    if missing := [name for name in _PACKAGES if not importlib.util.find_spec(name)]:
        raise errors.UserError(f'needs {", ".join(missing)}; run: pip install "fastnst[serve]"')
    terminal.import_tensorflow()
    import uvicorn

    from fastnst.models import loading, store
    from fastnst.serving import app, page

    found = [store.find(name) for name in arguments.model or ["gallery"]]
    references = {reference.name: reference for reference in found}
    models = {
        name: loading.load(reference, arguments.precision, trust=arguments.trust)
        for name, reference in references.items()
    }
    limits = app.Limits(
        arguments.max_megabytes,
        arguments.max_megapixels,
        arguments.max_seconds,
        arguments.max_waiting,
        arguments.batch,
    )
    try:
        listening = socket.create_server((arguments.host, arguments.port))
    except OSError as error:
        raise errors.UserError(
            f"cannot listen at {arguments.host}:{arguments.port} ({error.strerror}); choose "
            "another --port"
        ) from None
    # Connections inherit this. Otherwise, an answer's body waits 40 ms for the receipt of its head,
    # because asyncio does not recognize a socket of `create_server` as one of TCP.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app.make(models, limits, page.Page(functools.partial(_networks, references))),
        log_level="warning",
        log_config=None,
        # A photo that is being stylized is finished first.
        timeout_graceful_shutdown=int(arguments.max_seconds) + 1,
    )
    host, port = listening.getsockname()[:2]
    terminal.say(f"serving {', '.join(models)}; press Ctrl-C to stop")
    terminal.show(f"http://{host}:{port}")
    uvicorn.Server(config).run(sockets=[listening])
    return terminal.DONE


def _networks(
    references: collections.abc.Mapping[str, store.Reference],
) -> dict[str, model.Model]:
    """Loads the networks for the page; exported SavedModels cannot run in a browser."""
    from fastnst.models import model, restore, store

    loaded = {}
    for name, reference in references.items():
        if (reference.path / store.SAVED_MODEL).exists():
            continue
        restored = restore.load(reference)
        if style := reference.style:
            others = [other for other in restored.description.names if other != style]
            restored = model.only(restored, style, *others)
        loaded[name] = restored
    if not loaded:
        raise errors.UserError("SavedModels run on the server only; serve a run or its weights")
    return loaded
