"""The mixes: which tensor of a "Q4_K_M" is not Q4_K. A table for each role, from quantization to rule.

The choices are llama.cpp's (`llama-quant.cpp` inside llama-cpp-python 0.3.36). A rule is a type, or a function of
where the tensor is; None leaves the quantization's own type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from q8chat.core.errors import QuantizeError
from q8chat.gguf_files.source import TensorSpec
from q8chat.gguf_files.types import TYPES
from q8chat.quantize.ftypes import TYPE_IDS, Ftype
from q8chat.quantize.model_facts import ModelFacts
from q8chat.quantize.tensor_rules import Role, layer


@dataclass(frozen=True, slots=True)
class Where:
    """`i` of `n`: how deep the tensor is, counted in its role; `imatrix`: there is an importance matrix."""

    i: int
    n: int
    facts: ModelFacts
    imatrix: bool

    @property
    def grouped(self) -> bool:
        """Few value heads: their tensors are small, and many queries depend on them."""
        return self.facts.n_gqa >= 4

    @property
    def falcon(self) -> bool:
        return self.facts.is_falcon

    @property
    def eight_experts(self) -> bool:
        return self.facts.n_experts == 8

    @property
    def sensitive(self) -> bool:
        """The first and last eighth of the layers and every third between."""
        eighth = self.n // 8
        return self.i < eighth or self.i >= 7 * self.n // 8 or (self.i - eighth) % 3 == 2

    def first(self, part: int) -> bool:
        """In the first 1/part of the layers."""
        return self.i < self.n // part

    @property
    def middle(self) -> bool:
        """Outside the first and last eighth."""
        return self.n // 8 <= self.i < 7 * self.n // 8


Rule = str | Callable[[Where], str | None]
Rules = Mapping[str, Rule]

_VALUES: Rules = {
    "Q2_K": lambda w: "Q4_K" if w.grouped else "Q3_K",
    "Q2_K_S": lambda w: "Q4_K" if w.grouped else None,
    "IQ3_XXS": lambda w: "Q4_K" if w.grouped else "IQ3_XXS" if w.imatrix else "IQ3_S",
    "IQ3_XS": lambda w: "Q4_K" if w.grouped else None,
    "IQ3_S": lambda w: "Q4_K" if w.grouped else None,
    "IQ3_M": "Q4_K",
    "Q3_K_M": lambda w: "Q5_K" if w.i < 2 else "Q4_K",
    "Q3_K_L": "Q5_K",
    "IQ4_NL": lambda w: "Q5_K" if w.grouped else None,
    "IQ4_XS": lambda w: "Q5_K" if w.grouped else None,
    "Q4_K_S": lambda w: "Q5_K" if w.i < 4 else None,
    "Q4_K_M": lambda w: "Q6_K" if w.sensitive else None,
    "Q5_K_M": lambda w: "Q6_K" if w.sensitive else None,
}
_QUERIES_AND_KEYS: Rules = {"IQ3_XS": "IQ3_XXS", "IQ3_XXS": "IQ2_S"}
_DOWN: Rules = {
    "Q2_K": "Q3_K",
    "Q2_K_S": lambda w: "Q4_K" if w.first(8) else None,
    "IQ3_XXS": lambda w: None if w.imatrix else "Q4_K" if w.first(8) else "Q3_K",
    "IQ3_M": lambda w: "Q4_K" if w.first(8) or (w.eight_experts and w.sensitive) else None,
    "Q3_K_M": lambda w: "Q5_K" if w.first(16) else "Q4_K" if not w.falcon or w.sensitive else "Q3_K",
    "Q3_K_L": lambda w: "Q4_K" if w.falcon else "Q5_K",
    "Q4_K_M": lambda w: _falcon_down(w) if w.falcon else "Q6_K" if w.sensitive else None,
    "Q4_K_S": lambda w: "Q5_K" if w.first(8) and not w.falcon else None,
    "Q5_K_M": lambda w: "Q6_K" if w.sensitive else None,
    "IQ4_NL": lambda w: "Q5_K" if w.first(8) and not w.imatrix else None,
    "IQ4_XS": lambda w: "Q5_K" if w.first(8) and not w.imatrix else None,
    "Q4_0": lambda w: "Q4_1" if w.first(8) and w.imatrix else None,
    "Q5_0": lambda w: "Q5_1" if w.first(8) and w.imatrix else None,
}
_GATE_AND_UP: Rules = {"IQ3_XS": lambda w: "IQ3_XXS" if w.middle else None}
_ATTENTION_OUTPUT: Rules = {"Q2_K": "Q3_K", "IQ3_XXS": "IQ3_S", "Q3_K_M": "Q4_K", "Q3_K_L": "Q5_K", "IQ3_M": "Q4_K"}
_ATTENTION_OUTPUT_FALCON: Rules = {"Q3_K_L": "Q4_K"}
_ATTENTION_OUTPUT_8_EXPERTS: Rules = dict.fromkeys(
    ("Q2_K", "IQ3_XS", "IQ3_XXS", "Q3_K_S", "Q3_K_M", "IQ4_NL", "Q4_K_S", "Q4_K_M", "IQ3_S", "IQ3_M", "IQ4_XS"),
    "Q5_K",
)
_EMBEDDING: Rules = {
    **dict.fromkeys(("IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M"), "Q2_K"),
    **dict.fromkeys(("IQ2_S", "IQ2_M", "IQ3_XXS"), "IQ3_S"),
    **dict.fromkeys(("TQ1_0", "TQ2_0", "Q2_0"), "Q4_K"),
}
# Below three bits the mixes are made otherwise. Value: what the more sensitive tensors get.
_TINY = {
    **dict.fromkeys(("IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M"), "Q2_K"),
    **dict.fromkeys(("IQ2_S", "IQ2_M"), "IQ3_S"),
}
_OUTPUT_Q5_K = frozenset({*_TINY, "IQ3_XXS"})


def _falcon_down(w: Where) -> str:
    return "Q6_K" if w.first(16) else "Q5_K" if w.sensitive else "Q4_K"


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
            return _apply(_EMBEDDING, self.ftype, self._where(role)) or self.ftype.base
        chosen = self._tiny(role) if self.ftype.name in _TINY else self._usual(spec, role)
        return chosen or self.ftype.base

    def _kept_at_8_bits(self, name: str) -> bool:
        kept = ("attn_q_a", "attn_q_b", "nextn.eh_proj")
        return self.facts.architecture == "glm5-next" and any(p in name for p in kept)

    def _output(self, spec: TensorSpec) -> str:
        base = self.ftype.base
        fits = spec.row_length % TYPES[TYPE_IDS[base]].block == 0
        if self.ftype.name == "MXFP4_MOE" or self.facts.is_falcon or not fits or base == "Q8_0":
            return "Q8_0"
        return "Q5_K" if self.ftype.name in _OUTPUT_Q5_K else "Q6_K"

    def _is_expert(self, spec: TensorSpec, role: Role) -> bool:
        stacked = len(spec.shape) > 2 and spec.shape[2] > 1
        if self.facts.architecture == "bailingmoe3":  # its attention has stacked matrices too
            return stacked and role in (Role.FFN_UP, Role.FFN_GATE, Role.FFN_DOWN)
        return stacked

    def _where(self, role: Role, i: int = 0, n: int = 0) -> Where:
        return Where(i, n, self.facts, self.imatrix)

    def _count(self, role: Role) -> int:
        i = self._seen.get(role, 0)
        self._seen[role] = i + 1
        return i

    def _tiny(self, role: Role) -> str | None:
        facts, better = self.facts, _TINY[self.ftype.name]
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
            return self._values(_apply(_VALUES, self.ftype, self._where(role, self._count(role), self.n_values)))
        if role in (Role.ATTENTION_K, Role.ATTENTION_Q):
            at_8 = role is Role.ATTENTION_K and facts.n_experts == 8
            return "Q8_0" if at_8 else _apply(_QUERIES_AND_KEYS, self.ftype, self._where(role))
        if role in (Role.FFN_DOWN, Role.FFN_GATE, Role.FFN_UP):
            rules = _DOWN if role is Role.FFN_DOWN else _GATE_AND_UP
            return _apply(rules, self.ftype, self._where(role, self._depth(spec.name, role), facts.n_layers))
        if role is Role.ATTENTION_OUTPUT:
            eight = _ATTENTION_OUTPUT_8_EXPERTS if facts.n_experts == 8 else _ATTENTION_OUTPUT
            rules = _ATTENTION_OUTPUT_FALCON if facts.is_falcon else eight
            return _apply(rules, self.ftype, self._where(role))
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


def _apply(rules: Rules, ftype: Ftype, where: Where) -> str | None:
    rule = rules.get(ftype.name)
    return rule(where) if callable(rule) else rule
