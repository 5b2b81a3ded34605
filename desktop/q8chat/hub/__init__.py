"""The Hugging Face Hub: search, repositories, downloads that resume and are verified."""
