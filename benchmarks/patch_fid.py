"""How far are a model's paintings from the pictures of a domain?

    python -m benchmarks.patch_fid --model monet --domain paintings/ --photos path/to/photos

Prints the Frechet distance between patches, in features of the loss network, of the photos as they
are, of the same photos painted, and between two halves of the domain, which no model is likely to
fall below. See `fastnst.losses.patch_distance`; distances compare at one size and number of
pictures only.
"""

from __future__ import annotations

import collections.abc
import sys

import numpy as np

from benchmarks import contest
from fastnst import data, files
from fastnst.data import domains
from fastnst.features import loss_network
from fastnst.losses import patch_distance
from fastnst.models import loading


def main(argv: collections.abc.Sequence[str] | None = None) -> int:
    """Runs the benchmark."""
    parser = contest.parser(__doc__)
    parser.add_argument("--model", default="candy", help="the model (default: candy)")
    parser.add_argument("--domain", default="img", help="the domain's pictures (default: img)")
    parser.add_argument("--photos", default=data.BUNDLED, help="the photos (default: bundled)")
    parser.add_argument("--size", type=int, default=256, help="side of the crops (default: 256)")
    parser.add_argument("--count", type=int, default=96, help="crops of each (default: 96)")
    arguments = parser.parse_args(argv)
    size, count = (32, 4) if arguments.toy else (arguments.size, arguments.count)
    weights = loss_network.load_weights(files.asset("pretrained/vgg_16.ckpt"))
    patches = patch_distance.Patches(
        loss_network.LossNetwork(weights, [patch_distance.LAYER]), patch_distance.LAYER
    )
    photos, domain = (
        domains.sample(data.open_photos(spec), size, count)
        for spec in (arguments.photos, arguments.domain)
    )
    model = loading.load(arguments.model)
    painted = [np.float32(model(np.uint8(photo))) for photo in photos]
    found = compare(patches, photos, painted, domain)
    rows = [[name, f"{value:.3f}"] for name, value in found.items()]
    print(contest.table(["patches of", "distance from the domain"], rows))
    return contest.finish("patch_fid", distances=found)


def compare(
    patches: patch_distance.Patches,
    photos: collections.abc.Sequence[np.ndarray],
    painted: collections.abc.Sequence[np.ndarray],
    domain: collections.abc.Sequence[np.ndarray],
) -> dict[str, float]:
    """Returns the distances by what is compared with the domain.

    Args:
        patches: Computes the moments of patches.
        photos: Photos, RGB [H, W, 3] in [0, 255] each.
        painted: The same photos, painted.
        domain: Pictures of the domain, at least two.
    """
    of_domain = patches(domain)
    return {
        "photos": patch_distance.relative(patches(photos), of_domain),
        "painted photos": patch_distance.relative(patches(painted), of_domain),
        "half of the domain, from the other half": patch_distance.relative(
            patches(domain[::2]), patches(domain[1::2])
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
