"""Q8 Chat: private chat with language models on your own CPU."""

__version__ = "0.1.0"
