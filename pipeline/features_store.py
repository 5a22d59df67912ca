"""Vectors of a split's texts, computed once and kept under their content address.

The address knows the encoder's weights and sizes, the tokens as they were read, how they are pooled, and what computed
them; it knows no labels, no ids and no place.

Shape letters: E examples, N sequences, S of them without a second direction, W width of a vector.
"""

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray
from safetensors import SafetensorError

from finetune.answering.dev_batches import ANSWERING_TOKENS, dev_batches
from finetune.encoding.encoded import Encoded
from model.network import Network
from model.pooled_vectors import PooledVectors
from model.public import PublicModel
from model.public_load import load_into
from pipeline.vector_address import encoder_content, vector_address
from tokenization.atomic import aside
from tokenization.errors import CheckpointError
from tokenization.fingerprint import of_value
from training.distributed import World
from training.engine import Reader


@dataclass(frozen=True)
class Features:
    """The vectors of a split.

    Attributes:
        vectors_EW: float32, in the order of the examples.
        address: their content address.
        stored: whether they were there already.
        seconds: what computing them took; 0 where they were there.
    """

    vectors_EW: NDArray[np.float32]
    address: str
    stored: bool
    seconds: float


class FeatureStore:
    """A folder of vectors of one encoder, pooled in one way.

    Raises:
        RecipeError: a pool or a layer that there is not.
    """

    def __init__(self, folder: Path, network: Network, world: World, pool: str, layer: str) -> None:
        self.pool, self.layer, self._folder = pool, layer, folder
        how = {"pool": pool, "layer": layer}
        self._encoder = vector_address(encoder_content(network), world.device.type, how)
        self._reader = Reader(PooledVectors(network, pool, layer), world, bf16=False)

    def features(self, encoded: Encoded) -> Features:
        """The vectors of a split, computed where they are not there yet.

        Raises:
            CheckpointError: the file is damaged.
            RunError: the disk is full.
        """
        address = of_value([self._encoder, text_of(encoded)])
        path = self._folder / f"{address}.safetensors"
        if path.is_file():
            return Features(_load(path), address, True, 0.0)
        begun = time.monotonic()
        vectors_EW = self._computed(encoded)
        with aside(path) as temporary:
            temporary.write_bytes(safetensors.numpy.save({"vectors": vectors_EW}))
        return Features(vectors_EW, address, False, time.monotonic() - begun)

    def _computed(self, encoded: Encoded) -> NDArray[np.float32]:
        found: dict[int, NDArray[np.float32]] = {}
        for batch in dev_batches(encoded, ANSWERING_TOKENS):
            (vectors_NW,) = self._reader.infer(batch.batch)
            vectors_SW = vectors_NW.reshape(len(batch.sequences_S), -1)  # of two directions, both side by side
            found.update(zip(batch.sequences_S.tolist(), vectors_SW.float().cpu().numpy(), strict=True))
        return np.stack([found[sequence] for sequence in range(len(encoded))])


def encoder_of(public: PublicModel) -> Network:
    """A model's encoder, without its heads."""
    network = Network(public.config, (), seed=None)
    load_into(network, public)
    return network


def text_of(encoded: Encoded) -> str:
    """The content of a split's sequences, as the encoder reads them."""
    state = hashlib.blake2b(digest_size=8)
    for part in (encoded.tokens_T, encoded.segments_T, encoded.offsets_N1):
        state.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
    return f"{encoded.spec.attention} {state.hexdigest()}"


def _load(path: Path) -> NDArray[np.float32]:
    try:
        return safetensors.numpy.load_file(path)["vectors"]
    except (OSError, SafetensorError, KeyError) as error:
        raise CheckpointError(f"{path}: cut short or damaged ({error}); remove it, and it is computed anew.") from None
