"""A fake hub that looks like a real one: for pictures, and to try the window by hand.

python -m tests.fakes.hub_showcase   # prints the address for HF_ENDPOINT and serves until it is ended
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from q8chat.core import paths
from tests.fakes.hub_contents import RandomContent
from tests.fakes.hub_models import Shape
from tests.fakes.hub_repo import Source
from tests.fakes.hub_server import HubServer

SMOL_REPO = "bartowski/SmolLM2-135M-Instruct-GGUF"
SMOL = Shape(30, 576, 1536, 9, 3, 49152, 8192)
LLAMA_3B = Shape(28, 3072, 8192, 24, 8, 128256, 131072)
LLAMA_8B = Shape(32, 4096, 14336, 32, 8, 128256, 131072)
MISTRAL = Shape(32, 4096, 14336, 32, 8, 32768, 32768)
LLAMA_70B = Shape(80, 8192, 28672, 64, 8, 128256, 131072)
LABELS = ("Q2_K", "Q3_K_M", "Q4_0", "Q4_K_S", "Q4_K_M", "IQ4_XS", "Q5_K_M", "Q6_K", "Q8_0", "F16")
CARD = """---
license: apache-2.0
---
<div align="center"><img src="https://example.org/logo.png" width="300"/></div>
<!-- build 4173 -->

# {name}

![benchmark](https://example.org/chart.png)

Quantizations of **{name}**, made with llama.cpp and an importance matrix. The original model was trained by its
publisher; see its page for benchmarks and the *intended use*.

## Which file should I choose?

| File | Bits | What for |
|---|---:|---|
| Q4_K_M | 4.8 | Good quality, the usual choice |
| Q6_K | 6.6 | Very close to the original |
| Q8_0 | 8.5 | Practically without loss |

## Prompt format

```
<|im_start|>system
{{system_prompt}}<|im_end|>
```

- Use a temperature between `0.2` and `0.7`.<br>Higher values make it ramble.
- See [the documentation](https://example.org/docs) for more.
"""


def add_model(hub: HubServer, name: str, shape: Shape, labels: tuple[str, ...] = LABELS, **about: object) -> None:
    """A repository with the model in these quantizations, to be looked at."""
    base = name.rpartition("/")[2].removesuffix("-GGUF")
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, Source] = {
            f"{base}-{label}.gguf": shape.write(Path(folder, "model.gguf"), label) for label in labels
        }
    gguf = {"total": shape.parameters, "architecture": shape.architecture, "context_length": shape.context}
    settings = {"card": CARD.format(name=base), "gguf": gguf, "tags": ("gguf",), **about}
    hub.add_repo(name, files, **settings)


def add_smol(hub: HubServer) -> None:
    """The starter model, which can really be fetched, beside others of its repository."""
    starter = next(paths.bundled_models_dir().rglob("*.gguf"))
    base = "SmolLM2-135M-Instruct"
    with tempfile.TemporaryDirectory() as folder:
        files: dict[str, Source] = {
            f"{base}-{label}.gguf": SMOL.write(Path(folder, "m.gguf"), label) for label in ("Q4_K_M", "Q8_0", "F16")
        }
    files[f"{base}-Q4_1.gguf"] = starter
    files[f"{base}-Q6_K-00001-of-00002.gguf"] = RandomContent(60 << 20, seed=6)
    hub.add_repo(
        SMOL_REPO,
        files,
        card=CARD.format(name=base),
        card_data={"license": "apache-2.0"},
        gguf={"total": SMOL.parameters, "architecture": "llama", "context_length": SMOL.context},
        downloads=214_388,
        likes=57,
        updated="2026-11-19T08:00:00.000Z",
    )


def fill(hub: HubServer) -> None:
    """All repositories."""
    add_smol(hub)
    licence = {"license": "llama3.2"}
    add_model(
        hub, "bartowski/Llama-3.2-3B-Instruct-GGUF", LLAMA_3B, card_data=licence, downloads=1_834_201, likes=203
    )
    add_model(
        hub,
        "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF",
        LLAMA_8B,
        card_data={"license": "llama3.1"},
        downloads=3_120_554,
        likes=431,
        updated="2026-11-02T10:00:00.000Z",
    )
    add_model(
        hub,
        "meta-llama/Llama-3.2-3B-Instruct-GGUF",
        LLAMA_3B,
        ("Q4_K_M", "Q8_0"),
        card_data=licence,
        gated="manual",
        downloads=94_112,
        likes=1204,
    )
    add_model(
        hub,
        "MaziyarPanahi/Mistral-7B-Instruct-v0.3-GGUF",
        MISTRAL,
        card_data={"license": "apache-2.0"},
        downloads=402_987,
        likes=88,
        updated="2026-05-22T10:00:00.000Z",
    )
    add_model(
        hub,
        "unsloth/Llama-3.3-70B-Instruct-GGUF",
        LLAMA_70B,
        ("Q2_K", "Q4_K_M", "Q8_0"),
        card_data={"license": "llama3.3"},
        downloads=88_020,
        likes=97,
    )
    config = {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}
    hub.add_repo(
        "HuggingFaceTB/SmolLM2-360M-Instruct",
        {"model.safetensors": RandomContent(40 << 20), "config.json": "{}", "tokenizer.json": "{}"},
        card=CARD.format(name="SmolLM2-360M-Instruct"),
        card_data={"license": "apache-2.0"},
        config=config,
        safetensors={"total": 361_821_120, "parameters": {"BF16": 361_821_120}},
        tags=("transformers", "text-generation"),
        downloads=512_000,
        likes=140,
    )


if __name__ == "__main__":
    with HubServer() as server:
        fill(server)
        server.page_size = 4
        print(server.endpoint, flush=True)
        while True:
            time.sleep(3600)
