"""The peers of bench/serving.py that are a few lines of FastAPI."""

from __future__ import annotations

import os
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

constant = FastAPI()


@constant.post("/predict")
async def predict() -> dict[str, Any]:
    """A constant answer, and the body is not even looked at."""
    return {"predictions": [1]}


class Rows(BaseModel):
    """What the onnxruntime application takes."""

    features: list[list[float]]


def onnx() -> FastAPI:
    """FastAPI, pydantic and onnxruntime."""
    import numpy as np
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(os.environ["ONNX"], options, providers=["CPUExecutionProvider"])
    app = FastAPI()

    @app.post("/predict")
    async def predict(rows: Rows) -> dict[str, Any]:
        given = np.asarray(rows.features, dtype=np.float32)
        return {"predictions": session.run(["label"], {"x": given})[0].tolist()}

    return app
