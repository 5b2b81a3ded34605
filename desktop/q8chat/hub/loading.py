"""Loading `huggingface_hub` the way we want it: without telemetry, with our client."""

from __future__ import annotations

import os
from functools import lru_cache


@lru_cache(maxsize=1)
def quiet_import() -> None:
    """To be called before any import of huggingface_hub, which reads the environment once. Takes 0.2 s."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from huggingface_hub import set_client_factory

    from q8chat.hub.client import new_client

    set_client_factory(new_client)
