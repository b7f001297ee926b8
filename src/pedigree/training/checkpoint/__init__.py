"""Exact resume: everything that decides the rest of a training, in two files that anybody can read.

A checkpoint is a folder `step-<step, 12 digits>`, or `step-<step>.<n>` where a step was saved again, with three files:

- `tensors.safetensors`: every tensor and array, by name.
- `state.json`: everything else, in the order it had; {"$tensor": NAME} stands where a tensor was (nested.py has all such signs).
- `digests`: BLAKE3-256 of both, as `b3sum` writes them: `b3sum --check digests` in the folder checks it.

It appears under its name whole and on the disk, or not at all. Nothing in it is code, and reading it runs none.
"""
