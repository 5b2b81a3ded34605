"""What a tokenizer.json's post-processor puts around a text, as far as GGUF can say it.

Facts: `_try_load_from_tokenizer_json` of gguf-py's SpecialVocab, whose guesses are part of the expected result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Config = dict[str, Any]


@dataclass
class Around:
    """`adds`: role -> whether it is added; `roles`: the roles to look for, perhaps with eot and eom.

    `config`: tokenizer_config.json, into which found tokens are written; None if there is none.
    """

    config: Config | None
    roles: Sequence[str]
    adds: dict[str, bool] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)  # role -> text, as known so far

    def learn(self, role: str, text: Any) -> None:
        """A token's text, for here and, if there is such a file, for those who read tokenizer_config after us."""
        self.tokens[role] = text
        if self.config is not None:
            self.config[f"{role}_token"] = text


def read(processor: Config, config: Config | None, roles: Sequence[str]) -> Around:
    """`config` is changed: tokens that only the post-processor names are entered."""
    around = Around(config, roles)
    around.tokens = {role: (config or {}).get(f"{role}_token") for role in ("bos", "cls", "eos", "sep")}
    if config:
        for role, stand_in in (("bos", "cls"), ("eos", "sep")):
            if not around.tokens[role] and around.tokens[stand_in]:
                around.learn(role, around.tokens[stand_in])
    for step in processor.get("processors", [processor]):
        if (reader := READERS.get(step.get("type"))) is not None:
            reader(around, step)
    return around


def _byte_level(around: Around, step: Config) -> None:
    del step
    around.adds.setdefault("bos", False)
    around.adds.setdefault("eos", False)


def _roberta(around: Around, step: Config) -> None:
    around.adds |= {"bos": True, "eos": True, "sep": True}
    for role, stand_in in (("cls", "bos"), ("sep", "eos")):
        if not around.tokens[role] and around.config:
            around.learn(role, step.get(role, [around.tokens[stand_in]])[0])


def _template(around: Around, step: Config) -> None:
    single = step.get("single", [])
    first = last = None
    if len(single) > 1:
        if first := _special(single[0]):
            _leading(around, first)
        if last := _special(single[-1]):
            _trailing(around, last)
    if pair := step.get("pair", []):
        _between(around, pair, first, last)


READERS = {"ByteLevel": _byte_level, "RobertaProcessing": _roberta, "TemplateProcessing": _template}


def _special(part: Config) -> Any:
    return part.get("SpecialToken", {}).get("id")


def _leading(around: Around, first: Any) -> None:
    if not around.config:
        around.tokens["bos"] = first
    elif first not in (around.tokens["bos"], around.tokens["cls"]):
        for role in ("bos", "cls"):
            if not around.tokens[role]:
                around.learn(role, first)
    around.adds["bos"] = first in (around.tokens["bos"], around.tokens["cls"])


def _trailing(around: Around, last: Any) -> None:
    if not around.config:
        around.tokens["eos"] = last
    elif last != around.tokens["eos"]:
        for role in ("eot", "eom"):  # what was the end so far keeps a role of its own
            if role not in around.roles:
                around.roles = (*around.roles, role)
                around.config[f"{role}_token"] = around.tokens["eos"]
                break
        around.learn("eos", last)
    around.adds["eos"] = last == around.tokens["eos"]


def _between(around: Around, pair: list[Config], first: Any, last: Any) -> None:
    """Whether a separator stands between the two texts of a pair: A [sep] [eos] B."""
    start = 1 if first and _special(pair[0]) == first else 0
    stop = len(pair) - 1 if last and _special(pair[-1]) == last else len(pair)
    pair = pair[start:stop]
    if not pair or [p.get("Sequence", {}).get("id") for p in (pair[0], pair[-1])] != ["A", "B"]:
        return
    if not (middle := pair[1:-1]):
        return
    ends = (around.tokens["sep"], around.tokens["eos"])
    adds = bool(_special(middle[0])) and _special(middle[0]) in ends and not last
    if len(middle) == 2 and _special(middle[1]) and _special(middle[1]) in ends:
        adds = True
    around.adds["sep"] = adds
    if adds and not around.tokens["sep"] and around.config:
        around.config["sep_token"] = around.tokens["eos"]
