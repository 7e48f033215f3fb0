"""treelite's trees through its C interface: its Python call costs more than a forest of a hundred.

Each call of `treelite.gtil.predict` writes a configuration as JSON, has it parsed, asks for the
shape and the types of the answer. Here that is done once, and a call is one call.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Grown:
    """An ensemble read back from its bytes; call it with rows.

    Raises:
        treelite.TreeliteError: the bytes hold no ensemble.
    """

    def __init__(self, grown: bytes) -> None:
        import treelite
        from treelite.gtil.gtil import GTILConfig
        from treelite.libpath import find_lib_path

        self._model = treelite.Model.deserialize_bytes(grown)
        self._handle = self._model.handle  # freed with the model
        self._type = self._model.input_type.encode()
        self._input = np.dtype(self._model.input_type)
        self._output = np.dtype(self._model.output_type)
        self.features = int(self._model.num_feature)
        nothing = np.zeros((1, self.features), self._input)
        asked: Array = treelite.gtil.predict(self._model, nothing, nthread=1)
        self.width = asked.shape[2]
        self._plain = GTILConfig(predict_type="default", nthread=1)
        self._margin = GTILConfig(predict_type="raw", nthread=1)
        library = ctypes.CDLL(str(find_lib_path()[0]))
        library.TreeliteGetLastError.restype = ctypes.c_char_p
        self._why = library.TreeliteGetLastError
        self._predict = library.TreeliteGTILPredict
        self._predict.argtypes = (
            *(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p),
            *(ctypes.c_uint64, ctypes.c_void_p, ctypes.c_void_p),
        )

    def __call__(self, rows: Array, *, margin: bool = False) -> Array:
        """Probabilities or sums of the leaves, (rows, width); `margin`: before any link.

        `rows` are (rows, features). Their numbers are read as treelite reads them, in
        the type of the ensemble.

        Raises:
            ValueError: the rows have another number of columns.
            treelite.TreeliteError: treelite refused.
        """
        count, features = rows.shape
        if features != self.features:
            raise ValueError(f"the ensemble reads {self.features} columns, a row has {features}")
        rows = np.ascontiguousarray(rows, dtype=self._input)
        said: Array = np.zeros((count, self.width), self._output)
        config = self._margin if margin else self._plain
        failed = self._predict(
            *(self._handle, rows.ctypes.data, self._type),
            *(count, said.ctypes.data, config.handle),
        )
        if failed:
            import treelite

            raise treelite.TreeliteError(self._why().decode(errors="replace"))
        return said
