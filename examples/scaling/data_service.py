"""Runs a part of a tf.data service, which reads the photos of a training run on other machines.

One machine runs the dispatcher, and each that shall read photos runs a worker, which needs the
records under the same paths as the training. Only TensorFlow is needed:

    python examples/scaling/data_service.py dispatcher --port 5050
    python examples/scaling/data_service.py worker --dispatcher one:5050 --address two:5051

The training then names the dispatcher: `--set data_service=grpc://one:5050`.
"""

from __future__ import annotations

import argparse

import tensorflow as tf

service = tf.data.experimental.service


def main() -> None:
    """Runs a dispatcher or a worker until it is terminated."""
    parser = argparse.ArgumentParser(description="Run a part of a tf.data service.")
    parts = parser.add_subparsers(dest="part", required=True)
    dispatcher = parts.add_parser("dispatcher", help="deal out the files")
    dispatcher.add_argument("--port", type=int, default=5050)
    worker = parts.add_parser("worker", help="read photos")
    worker.add_argument("--dispatcher", required=True, metavar="HOST:PORT")
    worker.add_argument(
        "--address", required=True, metavar="HOST:PORT", help="where trainings reach this worker"
    )
    arguments = parser.parse_args()
    if arguments.part == "dispatcher":
        server = service.DispatchServer(service.DispatcherConfig(port=arguments.port))
    else:
        server = service.WorkerServer(
            service.WorkerConfig(
                dispatcher_address=arguments.dispatcher,
                worker_address=arguments.address,
                port=int(arguments.address.rpartition(":")[2]),
            )
        )
    print(f"{arguments.part} is ready", flush=True)
    server.join()


if __name__ == "__main__":
    main()
