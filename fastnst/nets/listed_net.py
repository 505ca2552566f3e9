"""Networks of other projects, which a model's description lists layer by layer."""

from __future__ import annotations

import collections.abc
from typing import Any

from fastnst import errors
from fastnst.nets import architectures, layers, listing, network

# The layers that a description may have, by name, beside those with variables.
_PLAIN: dict[str, collections.abc.Callable[..., listing.Layer]] = {
    kind.__name__: kind
    for kind in (
        listing.Affine,
        listing.Pad,
        listing.Extend,
        listing.Trim,
        listing.Crop,
        listing.DepthToSpace,
        listing.Repeat,
        listing.Relu,
        listing.Tanh,
        listing.Clip,
        listing.Add,
    )
}
_CONV = "ConvolveValid"


class ListedNet(network.Network):
    """A network that computes the layers of `architectures.Listed`, in float32."""

    def __init__(
        self, architecture: architectures.Listed, *, styles: int = 1, fused_norms: bool = True
    ) -> None:
        """Creates the variables.

        Args:
            architecture: The layers.
            styles: Number of rows.
            fused_norms: As in `network.Network`.

        Raises:
            UserError: If a layer is unknown, or reads one that does not precede it.
        """
        super().__init__(architecture.layout(), styles, fused_norms=fused_norms)
        self.architecture = architecture
        self.convs = {
            layer["name"]: layers.ValidConv(
                layer["name"], tuple(layer["shape"]), stride=layer["stride"], bias=layer["bias"]
            )
            for layer in architecture.layers
            if layer["kind"] == _CONV
        }
        known = {listing.PHOTO}
        for listed in self.list_layers():
            read = {listed.source, getattr(listed, "other", listed.source)}
            if unknown := (read | {getattr(listed, "like", listed.source)}) - known:
                raise errors.UserError(
                    f"layer {listed.name}: reads {unknown.pop()}, which is not an earlier layer"
                )
            known.add(listed.name)

    def copy(self, styles: int) -> ListedNet:
        """Returns a new network of the same layers, with a table of so many rows."""
        return ListedNet(self.architecture, styles=styles, fused_norms=self.fused_norms)

    def list_layers(self) -> tuple[listing.Layer, ...]:
        """Lists the layers in the order in which they are computed."""
        return tuple(map(self._layer, self.architecture.layers))

    def _layer(self, described: collections.abc.Mapping[str, Any]) -> listing.Layer:
        kind, name, source = (described[key] for key in ("kind", "name", "source"))
        if kind == _CONV:
            return listing.ConvolveValid(name, source, self.convs[name])
        if kind == architectures.NORM:
            return listing.Norm(name, source, described["epsilon"])
        if kind not in _PLAIN:
            raise errors.UserError(
                f"layer {name}: there is no kind {kind}; install a newer fastnst"
            )
        values = {key: value for key, value in described.items() if key != "kind"}
        if "margins" in values:
            values["margins"] = tuple(values["margins"])
        return _PLAIN[kind](**values)
