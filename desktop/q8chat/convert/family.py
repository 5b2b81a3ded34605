"""What all families share: the common keys, the naming of tensors and the choice of each tensor's type.

Facts: `conversion/base.py` of the llama.cpp inside llama-cpp-python 0.3.36.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

import gguf

from q8chat.convert import common_keys
from q8chat.convert.checkpoint import Checkpoint
from q8chat.convert.hparams import Defaults, Hparams, complete
from q8chat.convert.keys import Keys
from q8chat.convert.rows import Rows
from q8chat.convert.stored import Stored
from q8chat.convert.tensor_names import TensorNames, block_of
from q8chat.convert.tokenizers import bpe
from q8chat.core.errors import CheckpointError

Named = tuple[str, Rows]

# Parts of multimodal checkpoints that are not the language model.
NOT_TEXT_PREFIXES = (
    *("mlp", "vit.", "vpm.", "siglip2.", "conformer.", "merger.", "resampler.", "sound_encoder."),
    *("sound_projection.", "speech_embeddings."),
)
NOT_TEXT = re.compile(
    r"(visual|vision|audio|talker)\.|(vision|audio)_|(token2wav|code2wav|projector)\.|pre_mm_projector_norm"
    r"|image_newline|view_seperator|patch_embed|patch_merger\.|patch_merge_mlp\.|model\.connector\."
)
# Buffers that some checkpoints store and no model needs.
BUFFERS = (".attention.masked_bias", ".attention.bias", ".rotary_emb.inv_freq")


class Family:
    """One kind of model. A subclass overrides only what differs; see `convert/arch/__init__.py`."""

    arch: ClassVar[str]  # llama.cpp's name
    defaults: ClassVar[dict[str, Defaults]] = {}  # config.json's model_type -> transformers' defaults that matter

    def __init__(self, checkpoint: Checkpoint, file_type: gguf.LlamaFileType) -> None:
        self.checkpoint = checkpoint
        self.file_type = file_type
        self.hf_arch = checkpoint.architecture
        self.hp = Hparams(complete(checkpoint.config, self.defaults))
        self.rope = self.hp.rope()
        self.n_blocks = self.hp.count("n_layers", "num_hidden_layers", "n_layer", "num_layers")
        self.names = TensorNames(self.arch, self.n_blocks)
        self.warnings: list[str] = []

    # --- keys

    def add_first_keys(self, keys: Keys) -> None:
        """Parameters that stand before the general keys; hardly any family has some."""
        del keys

    def add_keys(self, keys: Keys) -> None:
        """The model's parameters, in the reference's order."""
        common_keys.add(keys, self)

    def add_vocabulary(self, keys: Keys) -> None:
        """The tokenizer. Byte-level BPE unless a family says otherwise."""
        bpe.add(keys, self.checkpoint, self.hp)

    # --- tensors

    def tensors(self) -> Iterator[tuple[str, str, Rows]]:
        """Checkpoint name, GGUF name and data of every tensor, in the reference's order."""
        for new_name, rows in self.extra_tensors():
            yield new_name, new_name, rows
        for entry in self.checkpoint.entries.values():
            name = self.renamed(entry.name)
            if name is None or name.endswith(BUFFERS):
                continue
            for new_name, rows in self._converted(name, Stored(entry)):
                yield name, new_name, rows
        self.check_complete()

    def _converted(self, name: str, rows: Rows) -> Iterator[Named]:
        try:
            yield from self.convert(name, rows, block_of(name))
        except (ValueError, TypeError, ArithmeticError) as e:  # row arithmetic that does not work out
            raise CheckpointError(
                f"Tensor {name} in {self.checkpoint.path} has the shape {list(rows.shape)}, "
                f"which does not fit config.json: {e}.",
                "Weights and config.json do not belong together.",
            ) from e

    def renamed(self, name: str) -> str | None:
        """A tensor's name before it is converted; None: it does not belong to the language model."""
        if name.startswith(NOT_TEXT_PREFIXES) or NOT_TEXT.search(name):
            return None
        return name.replace("language_model.", "")

    def extra_tensors(self) -> Iterable[Named]:
        """Tensors that are not in the checkpoint; they come first."""
        return ()

    def convert(self, name: str, rows: Rows, block: int | None) -> Iterable[Named]:
        """What becomes of one tensor: none, one or several, under their GGUF names."""
        del block
        return [(self.names.map(name), rows)]

    def check_complete(self) -> None:
        """Raises CheckpointError if tensors that were being collected (experts) did not all come."""

    def type_of(self, name: str, new_name: str, block: int | None, n_dims: int) -> gguf.GGMLQuantizationType | None:
        """A type that the family insists on; None: as asked for."""
        del name, new_name, block, n_dims
        return None
