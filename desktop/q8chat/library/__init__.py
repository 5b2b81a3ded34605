"""Models on this machine: scan, describe, verify, rename, delete."""
