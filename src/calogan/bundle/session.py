"""A network of a bundle, ready to run in ONNX Runtime."""

from __future__ import annotations

import os

import onnxruntime

from calogan.errors import ModelError

__all__ = ["open_session", "reason"]


def open_session(
    model: bytes, source: object, threads: int | None = None
) -> onnxruntime.InferenceSession:
    """Open a network on the CPU.

    Args:
        model: Content of `model.onnx`.
        source: Where it is from, for messages.
        threads: Threads of ONNX Runtime; as many as cores unless given.

    Raises:
        ModelError: It cannot be run.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or len(os.sched_getaffinity(0))
    options.log_severity_level = 4  # what goes wrong is raised; it is not printed as well
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime raises classes of its own, without a common base
        msg = f"{source} cannot be run: {reason(error)}"
        raise ModelError(msg) from error


def reason(error: Exception) -> str:
    """What ONNX Runtime says of an error, on one line."""
    return " ".join(str(error).split())[:200]
