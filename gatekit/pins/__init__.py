"""Data that a `.dvc` file pins: what it pins, and where the pinned bytes are found.

The `.dvc` file is read directly. DVC itself is needed only to fetch what is not on this machine.
"""
