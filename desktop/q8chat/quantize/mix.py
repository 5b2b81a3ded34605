"""The mixes: which tensor of a "Q4_K_M" is not Q4_K. The tables are in `mix_rules`."""

from __future__ import annotations

from dataclasses import dataclass, field

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files.source import TensorSpec
from q8chat.gguf_files.types import TYPES
from q8chat.quantize import mix_rules as rules
from q8chat.quantize.ftypes import TYPE_IDS, Ftype
from q8chat.quantize.mix_rules import Where, apply
from q8chat.quantize.model_facts import ModelFacts
from q8chat.quantize.tensor_rules import Role, layer


@dataclass
class Mix:
    """Chooses types for the tensors of one file, which must be asked for in the file's order: it counts them.

    `n_values`: tensors of role ATTENTION_V in the whole file. `tied`: the embedding is the output too.
    `output_type`: what the user wants for the output, "" for the mix's choice.
    """

    ftype: Ftype
    facts: ModelFacts
    n_values: int
    tied: bool
    imatrix: bool
    output_type: str = ""
    _seen: dict[Role, int] = field(default_factory=dict)

    def choose(self, spec: TensorSpec, role: Role) -> str:
        """The type of this tensor, before it is known whether it fits. Raises QuantizeError."""
        if self._kept_at_8_bits(spec.name):
            return "Q8_0"
        if role is Role.OUTPUT or (self.tied and role is Role.EMBEDDING):
            return self.output_type or self._output(spec)
        if self.ftype.name == "MXFP4_MOE":
            return "MXFP4" if self._is_expert(spec, role) else "Q8_0"
        if role is Role.EMBEDDING:
            return apply(rules.EMBEDDING, self.ftype, self._where()) or self.ftype.base
        chosen = self._tiny(role) if self.ftype.name in rules.TINY else self._usual(spec, role)
        return chosen or self.ftype.base

    def _kept_at_8_bits(self, name: str) -> bool:
        kept = ("attn_q_a", "attn_q_b", "nextn.eh_proj")
        return self.facts.architecture == "glm5-next" and any(p in name for p in kept)

    def _output(self, spec: TensorSpec) -> str:
        base = self.ftype.base
        fits = spec.row_length % TYPES[TYPE_IDS[base]].block == 0
        if self.ftype.name == "MXFP4_MOE" or self.facts.is_falcon or not fits or base == "Q8_0":
            return "Q8_0"
        return "Q5_K" if self.ftype.name in rules.OUTPUT_Q5_K else "Q6_K"

    def _is_expert(self, spec: TensorSpec, role: Role) -> bool:
        stacked = len(spec.shape) > 2 and spec.shape[2] > 1
        if self.facts.architecture == "bailingmoe3":  # its attention has stacked matrices too
            return stacked and role in (Role.FFN_UP, Role.FFN_GATE, Role.FFN_DOWN)
        return stacked

    def _where(self, i: int = 0, n: int = 0) -> Where:
        return Where(i, n, self.facts, self.imatrix)

    def _count(self, role: Role) -> int:
        i = self._seen.get(role, 0)
        self._seen[role] = i + 1
        return i

    def _tiny(self, role: Role) -> str | None:
        facts, better = self.facts, rules.TINY[self.ftype.name]
        if role is Role.ATTENTION_V:
            return "Q4_K" if facts.n_gqa >= 4 or facts.n_experts >= 4 else better
        if role is Role.ATTENTION_K:
            return "Q4_K" if facts.n_experts == 8 else None
        if role is Role.FFN_DOWN:
            return better if self._count(role) < facts.n_layers // 8 else None
        if role is Role.ATTENTION_OUTPUT:
            if facts.n_experts == 8:
                return "Q5_K"
            return {"IQ1_S": "IQ2_XXS", "IQ1_M": "IQ2_XXS", "IQ2_S": "IQ3_S", "IQ2_M": "IQ3_S"}.get(self.ftype.name)
        return None

    def _usual(self, spec: TensorSpec, role: Role) -> str | None:
        facts = self.facts
        if role is Role.ATTENTION_V:
            return self._values(apply(rules.VALUES, self.ftype, self._where(self._count(role), self.n_values)))
        if role in (Role.ATTENTION_K, Role.ATTENTION_Q):
            at_8 = role is Role.ATTENTION_K and facts.n_experts == 8
            return "Q8_0" if at_8 else apply(rules.QUERIES_AND_KEYS, self.ftype, self._where())
        if role in (Role.FFN_DOWN, Role.FFN_GATE, Role.FFN_UP):
            table = rules.DOWN if role is Role.FFN_DOWN else rules.GATE_AND_UP
            return apply(table, self.ftype, self._where(self._depth(spec.name, role), facts.n_layers))
        if role is Role.ATTENTION_OUTPUT:
            eight = rules.ATTENTION_OUTPUT_8_EXPERTS if facts.n_experts == 8 else rules.ATTENTION_OUTPUT
            table = rules.ATTENTION_OUTPUT_FALCON if facts.is_falcon else eight
            return apply(table, self.ftype, self._where())
        return None

    def _values(self, chosen: str | None) -> str | None:
        if self.facts.n_experts == 8:
            return "Q8_0"
        if self.facts.shares_values and (chosen or self.ftype.base) in ("Q3_K", "Q4_K"):
            return "Q5_K"  # eight query heads share each value head, so the tensor is small
        return chosen

    def _depth(self, name: str, role: Role) -> int:
        """Counted in order; by the name where there are experts, whose tensors need not be in order."""
        i = self._count(role)
        if self.facts.n_experts <= 1:
            return i
        named = layer(name)
        if named is None or not 0 <= named < self.facts.n_layers:
            raise QuantizeError(
                f"The tensor {name!r} belongs to no layer of this model, which has {self.facts.n_layers}.",
                "The file seems to be damaged; download or convert it again.",
            )
        return named
