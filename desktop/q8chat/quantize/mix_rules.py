"""The tables of the mixes: for each role of a tensor, from quantization to rule.

The choices are llama.cpp's (`llama-quant.cpp` inside llama-cpp-python 0.3.36). A rule is a type, or a function of
where the tensor is; None leaves the quantization's own type.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from q8chat.quantize.ftypes import Ftype
from q8chat.quantize.model_facts import ModelFacts


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

VALUES: Rules = {
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
QUERIES_AND_KEYS: Rules = {"IQ3_XS": "IQ3_XXS", "IQ3_XXS": "IQ2_S"}
DOWN: Rules = {
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
GATE_AND_UP: Rules = {"IQ3_XS": lambda w: "IQ3_XXS" if w.middle else None}
ATTENTION_OUTPUT: Rules = {"Q2_K": "Q3_K", "IQ3_XXS": "IQ3_S", "Q3_K_M": "Q4_K", "Q3_K_L": "Q5_K", "IQ3_M": "Q4_K"}
ATTENTION_OUTPUT_FALCON: Rules = {"Q3_K_L": "Q4_K"}
ATTENTION_OUTPUT_8_EXPERTS: Rules = dict.fromkeys(
    ("Q2_K", "IQ3_XS", "IQ3_XXS", "Q3_K_S", "Q3_K_M", "IQ4_NL", "Q4_K_S", "Q4_K_M", "IQ3_S", "IQ3_M", "IQ4_XS"),
    "Q5_K",
)
EMBEDDING: Rules = {
    **dict.fromkeys(("IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M"), "Q2_K"),
    **dict.fromkeys(("IQ2_S", "IQ2_M", "IQ3_XXS"), "IQ3_S"),
    **dict.fromkeys(("TQ1_0", "TQ2_0", "Q2_0"), "Q4_K"),
}
# Below three bits the mixes are made otherwise. Value: what the more sensitive tensors get.
TINY = {
    **dict.fromkeys(("IQ2_XXS", "IQ2_XS", "IQ1_S", "IQ1_M"), "Q2_K"),
    **dict.fromkeys(("IQ2_S", "IQ2_M"), "IQ3_S"),
}
OUTPUT_Q5_K = frozenset({*TINY, "IQ3_XXS"})


def _falcon_down(w: Where) -> str:
    return "Q6_K" if w.first(16) else "Q5_K" if w.sensitive else "Q4_K"


def apply(rules: Rules, ftype: Ftype, where: Where) -> str | None:
    """What the table says for this quantization at this place."""
    rule = rules.get(ftype.name)
    return rule(where) if callable(rule) else rule
