"""The task of classification: one network that classifies pictures."""

from __future__ import annotations

import collections.abc
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf

from fastnst import events
from fastnst.data import distortions
from fastnst.nets import classifiers
from fastnst.reports import predictions
from fastnst.training import optimizers, task

# Pictures, uint8 [B, S, S, C], or features of the bottleneck, float32 [B, F]; labels, int32 [B].
Batch: TypeAlias = tuple[tf.Tensor, tf.Tensor]
# Pixels of the validation pictures that the network sees at once.
_PIXELS, _MOST = 2**20, 256


class Classification(task.Task):
    """Trains a classifier to minimize the cross-entropy.

    A batch of features, which were computed from pictures before, trains the last layer only.

    Attributes:
        net: The network that is trained.
        average: The moving average of its weights, which is validated and used; the network itself
            if there is none.
    """

    metric_names: tuple[str, ...] = ("error", "loss", "accuracy")
    items = "pictures"
    loss = "loss"

    def __init__(
        self,
        net: classifiers.Classifier,
        average: classifiers.Classifier | None,
        optimizer: tf.keras.optimizers.Optimizer,
        validation: tuple[np.ndarray, np.ndarray],
        classes: collections.abc.Sequence[str],
        *,
        trained: collections.abc.Sequence[tf.Variable] | None = None,
        distortion: str = "none",
        decay: float = 0.0,
        seed: int = 0,
    ) -> None:
        """Builds the optimizer; call it within the scope of the strategy.

        Args:
            net: The network.
            average: A network of the same architecture and weights; None for no average.
            optimizer: The optimizer, which must not be built yet.
            validation: Pictures, uint8 [N, S, S, C], and their labels, int [N].
            classes: Names of the classes.
            trained: The variables to train, those of the last layer among them; None for all.
            distortion: How to change pictures at random, one of `distortions.DISTORTIONS`.
            decay: Maximum decay of the moving average, in [0, 1); see `StyleTransfer`.
            seed: Seed of the distortions.
        """
        self.net, self.average = net, average or net
        self.variables = list(net.weights.values()) if trained is None else list(trained)
        optimizer.build(self.variables)
        self._optimizer = optimizer
        self._validation, self._classes = validation, tuple(classes)
        self._distort = distortions.DISTORTIONS[distortion]
        self._decay, self._seed = decay, seed
        self._judge = tf.function(self._tell, autograph=False, reduce_retracing=True)

    def kept(self) -> dict[str, Any]:
        """Returns the network, its average if there is one, and the optimizer."""
        average = {} if self.average is self.net else {"average": dict(self.average.weights)}
        return {"net": dict(self.net.weights), **average, "optimizer": self._optimizer}

    def step(self, batch: Batch, step: tf.Tensor) -> events.Metrics:
        """Trains on a batch.

        Args:
            batch: Pictures or features, and labels.
            step: Number of steps done before, an int64 scalar.

        Returns:
            Scalars by name: the learning rate, the cross-entropy in nats, and the share of the
            batch that the network classifies wrongly and rightly.
        """
        inputs, labels = batch
        of_features = inputs.shape.rank == 2
        variables = self.net.head if of_features else self.variables
        context = tf.distribute.get_replica_context()
        if not of_features:
            own = tf.stack([self._seed, tf.cast(step % 2**31, tf.int32)])
            own = tf.random.fold_in(own, context.replica_id_in_sync_group, alg="philox")
            pictures = self.net.crop(tf.cast(inputs, tf.float32))
            inputs = self._distort(pictures, own)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            features = inputs if of_features else self.net.features(inputs)
            logits = self.net.classify(features)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits))
            scaled = self._optimizer.scale_loss(loss / context.num_replicas_in_sync)
        gradients = tape.gradient(scaled, variables)
        found = optimizers.metrics(self._optimizer)
        self._optimizer.apply_gradients(zip(gradients, variables, strict=True))
        right = tf.equal(tf.argmax(logits, axis=1, output_type=tf.int32), labels)
        accuracy = tf.reduce_mean(tf.cast(right, tf.float32))
        return {
            **found,
            "loss": loss,
            "error": 1.0 - accuracy,
            "accuracy": accuracy,
        }

    def after_step(self, step: tf.Tensor) -> None:
        """Updates the moving average of the weights."""
        if self.average is self.net:
            return
        done = tf.cast(step, tf.float32) + 1.0
        rate = 1.0 - tf.minimum(self._decay, (1.0 + done) / (10.0 + done))

        def approach(mean: tf.Variable, value: tf.Tensor) -> tf.Operation:
            return mean.assign_add(rate * (value - mean))

        strategy = tf.distribute.get_strategy()
        for name, mean in self.average.weights.items():
            strategy.extended.update(mean, approach, args=(self.net.weights[name],))

    def validate(self) -> task.Judgement:
        """Tells the classes of the validation pictures.

        Returns:
            The share of errors, the cross-entropy and the accuracy; a sheet of predictions, and
            the confusion matrix.
        """
        found = self.predict()
        true = found.probabilities[np.arange(len(found.labels)), found.labels]
        accuracy = float((found.guesses == found.labels).mean())
        metrics = {
            "error": 1.0 - accuracy,
            # A probability that is rounded to 0 is not endlessly wrong.
            "loss": float(-np.log(np.maximum(true, 1e-12)).mean()),
            "accuracy": accuracy,
        }
        pictures = (predictions.sheet(found), predictions.matrix(found))
        return task.Judgement(metrics, outputs={"predictions": pictures})

    def predict(self) -> predictions.Predictions:
        """Returns the probabilities of the classes of all validation pictures."""
        pictures, labels = self._validation
        count = max(1, min(_MOST, _PIXELS // pictures.shape[1] ** 2))
        predicted = [
            self._judge(tf.constant(pictures[start : start + count])).numpy()
            for start in range(0, len(pictures), count)
        ]
        return predictions.Predictions(pictures, labels, np.concatenate(predicted), self._classes)

    def about(self) -> dict[str, Any]:
        """Returns the precision of the convolutions."""
        return {"precision": self.net.compute_dtype.name}

    def _tell(self, pictures: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(self.average(pictures))
