"""The families of models: one file each.

How a family is added: write `convert/arch/<name>.py` with a subclass of `Family`, decorated with
`@register("ClassNameInConfigJson", ...)`. Nothing else has to be touched: the registry imports every file here.

What a family may say, from the most to the least common (see `convert/family.py` for the contracts):

`arch`: llama.cpp's name of the architecture, one of gguf.MODEL_ARCH_NAMES' values.

`defaults`: config.json's model_type -> transformers' defaults that reach the file. A constant stands in for an
absent key, a function of the configuration also for a null one.

`add_keys(keys)`: super().add_keys(keys) writes what most models have (`common_keys.py`); add the rest after it with
gguf's methods (`keys.add_sliding_window(...)`). A family whose keys differ entirely does not call super().
`add_first_keys(keys)` is for what the reference writes before everything else (long rope's attention factor).

`add_vocabulary(keys)`: byte-level BPE from tokenizer.json unless overridden (`tokenizers/bpe.py`). Others are
`sentencepiece.add`, `llama_hf.add` (a SentencePiece-like tokenizer.json) and `arch.llama.add_vocabulary`, which
takes whichever is there.

`renamed(name)`: a checkpoint's tensor name before mapping; None drops the tensor.

`convert(name, rows, block)`: yields (GGUF name, Rows). `self.names.map(name)` maps a name; `convert/rows.py` has
the transformations: pair_halves (q/k), Transposed, Gathered (rows in any order), rows_of, Stacked (concatenated, or
experts with shape=...), Mapped (element by element), Reshaped, Fixed. They are lazy: nothing is read before the
tensor is written, and then in blocks of rows. A ValueError raised here is said with the tensor's name.

`extra_tensors()`: tensors made here (rope factors); they come first in the file.

`type_of(...)`: a tensor type that the family insists on.

`self.hp`: config.json as get(*names), need(*names), count(*names), head_dim. `self.rope`: the rotary parameters,
brought together. `self.warnings`: sentences for the user about what is no error but should be known.
`experts.Collector` collects the experts of a mixture and gives them stacked.
"""
