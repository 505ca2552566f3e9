"""Trains one network in several styles at once: pretrained/base.ckpt, the start of other networks.

    python -m tools.train_base candy mosaic wave --dataset path/to/photos

All styles share the kernels, and each has its own scales and shifts (conditional instance norm,
Dumoulin et al. 2017), so that each style benefits from the others. The resulting network has the
mean of those scales and shifts. It paints in no particular style, but learns a new one faster than
from random weights. An interrupted run resumes with the same command.
"""

from __future__ import annotations

import argparse
import collections.abc
import dataclasses
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
import tqdm

from fastnst import checkpoint_file, config, data, devices, errors
from fastnst.cli import terminal
from fastnst.data import feed
from fastnst.losses import perceptual
from fastnst.models import store
from fastnst.nets import layers, transform_net
from fastnst.training import engine, optimizers
from fastnst.training.tasks import factory

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "build" / "base"
_SAVE_EVERY = 1000
# Decay of the moving average, which covers about the last tenth of a run in small batches.
_DECAY = 0.9998


def main(argv: collections.abc.Sequence[str] | None = None) -> int:
    """Trains or resumes, then writes the base network and, in the run folder, each style's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("styles", nargs="+", help="names of conf files")
    parser.add_argument("--dataset", default="bundled", help="as in a conf file")
    parser.add_argument("--steps", type=int, default=60_000, help="steps of all styles together")
    parser.add_argument("--image_size", type=int, default=192)
    parser.add_argument("--batch_size", type=int, default=1)
    parser.add_argument("--learning_rate", type=float, default=3e-3)
    parser.add_argument(
        "--start_from", type=Path, metavar="RUN", help="run whose styles' weights to start from"
    )
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--run", type=Path, default=RUN, help="folder of checkpoints and styles")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "pretrained" / "base.ckpt")
    arguments = parser.parse_args(argv)
    return terminal.guarded("train_base", lambda: _run(arguments))


def share_kernels(nets: collections.abc.Sequence[transform_net.TransformNet]) -> None:
    """Makes all networks share the kernels of the first; each keeps its own norms and skips."""
    first, *others = nets
    for net in others:
        for owner, model in ((net, first), *zip(net.residuals, first.residuals, strict=True)):
            for name, part in vars(model).items():
                if isinstance(part, (layers.Conv, layers.UpsampleConv)):
                    setattr(owner, name, part)


def mean_weights(
    nets: collections.abc.Sequence[transform_net.TransformNet],
) -> dict[str, np.ndarray]:
    """Returns the shared kernels and the means of all other variables, by name."""
    tensors = [net.tensors() for net in nets]
    return {name: np.mean([each[name] for each in tensors], axis=0) for name in tensors[0]}


@dataclasses.dataclass(frozen=True)
class _Style:
    """A style: its name, its averaged network, and the function that trains it on a batch."""

    name: str
    average: transform_net.TransformNet
    step: collections.abc.Callable[[tf.Tensor, tf.Tensor], tf.Tensor]


def _run(arguments: argparse.Namespace) -> int:
    source = data.open_photos(arguments.dataset)
    # Sorted, because the optimizer identifies variables by their positions.
    names = sorted(set(arguments.styles))
    confs = [config.load(ROOT / "conf" / f"{name}.yml") for name in names]
    dtype = devices.compute_dtype("auto")
    shapes = transform_net.Architecture(width=arguments.width)
    nets, averages = ([transform_net.TransformNet(shapes, dtype) for _ in confs] for _ in range(2))
    share_kernels(nets)
    share_kernels(averages)
    if arguments.start_from:
        for conf, net, average in zip(confs, nets, averages, strict=True):
            tensors = store.load_net(arguments.start_from / conf.naming).tensors()
            net.assign(tensors)
            average.assign(tensors)
    variables = {variable.ref(): variable for net in nets for variable in net.trainable_variables}
    rate = tf.keras.optimizers.schedules.CosineDecay(
        0.0, arguments.steps, warmup_target=arguments.learning_rate, warmup_steps=50
    )
    optimizer = optimizers.Muon(rate)
    optimizer.build(list(variables.values()))
    done = tf.Variable(0, dtype=tf.int64, trainable=False)
    position = tf.Variable(0, dtype=tf.int64, trainable=False)
    saved = tf.train.CheckpointManager(
        tf.train.Checkpoint(
            nets=_by_style(confs, nets),
            averages=_by_style(confs, averages),
            optimizer=optimizer,
            done=done,
            position=position,
        ),
        str(arguments.run),
        max_to_keep=2,
    )
    if saved.latest_checkpoint:
        try:
            saved.checkpoint.restore(saved.latest_checkpoint).assert_consumed()
        except (AssertionError, ValueError):
            raise errors.UserError(
                f"{arguments.run}: was started with other styles or another width; choose another "
                "folder with --run"
            ) from None
    styles = [
        _Style(
            conf.naming,
            average,
            _make_step(factory.make_objective(conf, dtype)[0], net, average, optimizer, len(confs)),
        )
        for conf, net, average in zip(confs, nets, averages, strict=True)
    ]
    batches = feed.batches(
        source,
        tf.distribute.get_strategy(),
        lambda step: (arguments.image_size, None),
        batch_size=arguments.batch_size,
        augment="crop",
        seed=0,
        step=int(done),
        position=int(position),
        say=print,
    )
    losses: dict[str, list[tf.Tensor]] = {style.name: [] for style in styles}
    with (
        terminal.stopping_gently() as should_stop,
        tqdm.tqdm(initial=int(done), total=arguments.steps, unit=" steps", disable=None) as bar,
    ):
        while int(done) < arguments.steps and not should_stop():
            images, after = next(batches)
            style = styles[int(done) % len(styles)]
            losses[style.name].append(style.step(images, done))
            done.assign_add(1)
            position.assign(after)
            bar.update()
            if int(done) % _SAVE_EVERY == 0 or int(done) == arguments.steps:
                means = {name: np.mean(found) for name, found in losses.items() if found}
                if not np.isfinite(list(means.values())).all():
                    raise FloatingPointError("the loss became NaN or infinite")
                summary = ", ".join(f"{name} {mean / 1e3:.0f} k" for name, mean in means.items())
                bar.write(f"{int(done)} of {arguments.steps}: {summary}")
                losses = {style.name: [] for style in styles}
                saved.save()
    if int(done) < arguments.steps:
        saved.save()
        print(f"stopped and saved at step {int(done)}; run the same command again to resume")
        return terminal.INTERRUPTED
    for style in styles:
        checkpoint_file.write_checkpoint(arguments.run / style.name, style.average.tensors())
    base = {name: tensor.astype(np.float16) for name, tensor in mean_weights(averages).items()}
    checkpoint_file.write_checkpoint(arguments.output, base)
    print(arguments.output)
    return terminal.DONE


def _by_style(
    confs: collections.abc.Sequence[config.Config],
    nets: collections.abc.Sequence[transform_net.TransformNet],
) -> dict[str, dict[str, tf.Variable]]:
    return {conf.naming: net.named_variables() for conf, net in zip(confs, nets, strict=True)}


def _make_step(
    objective: perceptual.PerceptualLoss,
    net: transform_net.TransformNet,
    average: transform_net.TransformNet,
    optimizer: tf.keras.optimizers.Optimizer,
    styles: int,
) -> collections.abc.Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Builds the function that trains one style on a batch, at a step, and returns its loss."""
    variables = net.trainable_variables
    pairs = list(zip(average.trainable_variables, variables, strict=True))

    @tf.function(autograph=False)
    def step(images: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            total, _ = objective(*engine.jitter(number, images, net(images)))
            # The losses of styles differ several-fold; their logarithms weigh all styles equally.
            loss = tf.math.log(total)
        gradients = tape.gradient(loss, variables)
        optimizer.apply_gradients(zip(gradients, variables, strict=True))
        steps = tf.cast(optimizer.iterations, tf.float32)
        for mean, value in pairs:
            # A style's own variables are trained in one of `styles` steps, shared ones in each.
            own = len(value.shape) == 1
            turns = styles if own else 1
            seen, most = steps / turns, _DECAY**turns
            rate = 1.0 - tf.minimum(most, (1.0 + seen) / (10.0 + seen))
            mean.assign_add(rate * (value - mean))
        return total

    return step


if __name__ == "__main__":
    sys.exit(main())
