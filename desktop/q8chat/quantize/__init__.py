"""GGUF to GGUF at another level: types per tensor, the pipeline, calibration."""
