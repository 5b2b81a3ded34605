"""Checkpoints to GGUF, without torch.

`planning.plan(folder, type)` says what will be, with the exact size; `conversion.convert(folder, file, type)`
writes it; `source.CheckpointSource` streams into whatever takes a `gguf_files.source.TensorSource` (the quantizer).
These modules import numpy.
"""
