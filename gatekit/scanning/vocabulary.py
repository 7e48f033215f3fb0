"""The names that a model's pickles and skops files may use; whatever is not here is refused.

Every name here was chosen because calling it with hostile arguments, or setting its attributes,
runs no code of the model's choice. Left out with reason: scipy.stats' distributions (they `exec` a
template held in their state), numpy.memmap (overwrites files), functools.partial, getattr,
operator's callers, ufunc reconstruction by name, and all of cloudpickle (it rebuilds code).
"""

from __future__ import annotations

import _compat_pickle
import re
from dataclasses import dataclass

from gatekit.scanning.sklearn_names import CLASSES, FUNCTIONS, PACKAGES

IDENTIFIER = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
CYTHON = re.compile(r"__pyx_unpickle_\w+", re.ASCII)  # makes one class, and fills it
# Cython's way to make an empty object of the class it is given.
NEW_OBJECT = ("_dist_metrics", "_kd_tree", "_ball_tree", "_quad_tree")

_SCALARS = """bool bool_ int8 int16 int32 int64 intc intp uint8 uint16 uint32 uint64 uintc uintp
    longlong ulonglong float16 float32 float64 longdouble complex64 complex128 str_ bytes_ object_
    datetime64 timedelta64 void"""
_UFUNCS = """abs absolute add cbrt ceil clip cos exp exp2 expm1 floor fabs isfinite isnan log log10
    log1p log2 maximum mean median minimum multiply nan_to_num nanmean nanmedian reciprocal rint
    round sign sin sqrt square std subtract sum tan tanh"""
_PREFIXED = {
    "builtins": """bool bytearray bytes complex dict float frozenset int list object range set slice
        str tuple""",
    "collections": "Counter OrderedDict defaultdict deque",
    "copyreg": "_reconstructor __newobj__",
    "_codecs": "encode",
    "datetime": "date datetime time timedelta timezone",
    "decimal": "Decimal",
    "numpy": f"ndarray dtype {_SCALARS} {_UFUNCS}",
    "numpy.ma": "MaskedArray",
    "numpy.ma.core": "MaskedArray _mareconstruct",
    "numpy._core.multiarray": "_reconstruct scalar",
    "numpy._core.numeric": "_frombuffer",
    "numpy.dtypes": """BoolDType Int8DType Int16DType Int32DType Int64DType UInt8DType UInt16DType
        UInt32DType UInt64DType Float16DType Float32DType Float64DType StrDType BytesDType
        ObjectDType VoidDType DateTime64DType TimeDelta64DType""",
    "numpy.random._pickle": "__bit_generator_ctor __generator_ctor __randomstate_ctor",
    "numpy.random._mt19937": "MT19937",
    "numpy.random._pcg64": "PCG64 PCG64DXSM",
    "numpy.random._philox": "Philox",
    "numpy.random._sfc64": "SFC64",
    "numpy.random._generator": "Generator",
    "numpy.random.mtrand": "RandomState",
    "numpy.random.bit_generator": "SeedSequence __pyx_unpickle_SeedSequence",
    "joblib.numpy_pickle": "NumpyArrayWrapper",
    "scipy.interpolate._bsplines": "BSpline",
    "scipy.interpolate._interpolate": "PPoly interp1d",
    "scipy.interpolate.interpolate": "interp1d",
    "scipy._lib.array_api_compat.numpy._aliases": "asarray",
    "scipy.sparse._csr": "csr_matrix csr_array",
    "scipy.sparse._csc": "csc_matrix csc_array",
    "scipy.sparse._coo": "coo_matrix coo_array",
    "scipy.sparse.csr": "csr_matrix",
    "scipy.sparse.csc": "csc_matrix",
}
_PANDAS = {
    "pandas": "DataFrame Series Index RangeIndex MultiIndex CategoricalDtype",
    "pandas.core.frame": "DataFrame",
    "pandas.core.series": "Series",
    "pandas.core.indexes.base": "Index _new_Index",
    "pandas.core.indexes.range": "RangeIndex",
    "pandas.core.internals.managers": "BlockManager SingleBlockManager",
    "pandas._libs.internals": "_unpickle_block",
    "pandas.core.arrays.categorical": "Categorical",
    "pandas.core.dtypes.dtypes": "CategoricalDtype",
    "pandas._libs.arrays": "__pyx_unpickle_NDArrayBacked",
    "pandas._libs.tslibs.timestamps": "_unpickle_timestamp",
    "pandas._libs.missing": "NAType",
}
_PYFUNC = frozenset({"mlflow.models.signature._TypeHints"})  # a pair, kept in every PythonModel
_XGBOOST = {
    "xgboost": "Booster",
    "xgboost.core": "Booster",
    "xgboost.sklearn": """XGBClassifier XGBRegressor XGBRanker XGBRFClassifier XGBRFRegressor
        XGBModel""",
}
_LIGHTGBM = {
    "lightgbm": "Booster",
    "lightgbm.basic": "Booster",
    "lightgbm.sklearn": "LGBMClassifier LGBMRegressor LGBMRanker LGBMModel",
}


def _dotted(table: dict[str, str]) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for module, text in table.items() for name in text.split())


BASE, PANDAS = _dotted(_PREFIXED), _dotted(_PANDAS)
XGBOOST, LIGHTGBM = _dotted(_XGBOOST), _dotted(_LIGHTGBM)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Names in force for one model: exact ones, whether scikit-learn's are, and the policy's."""

    exact: frozenset[str]
    sklearn: bool
    trusted: frozenset[str]

    def allows(self, module: str, name: str) -> bool:
        """Whether a pickle may import `name` from `module`; both as Python 3 calls them."""
        dotted = f"{module}.{name}"
        if dotted in self.trusted:
            return True
        if "." in name:  # an attribute of an attribute is only ever trusted by its full name
            return False
        if dotted.startswith("numpy.core."):  # what it was called before numpy 2
            dotted = "numpy._core." + dotted.removeprefix("numpy.core.")
        return dotted in self.exact or (self.sklearn and _is_sklearn(module, name))

    def allows_dotted(self, dotted: object) -> bool:
        """As `allows`, for one word such as MLmodel holds."""
        if not isinstance(dotted, str) or not IDENTIFIER.fullmatch(dotted):
            return False
        module, _, name = dotted.rpartition(".")
        return self.allows(module, name)


def vocabulary(flavors: set[str], trusted: tuple[str, ...]) -> Vocabulary:
    """The names for a model of those flavors (`sklearn`, `xgboost`, `mlflow.pyfunc.model`, ...)."""
    exact, wide = BASE, bool(flavors & {"sklearn", "mlflow.pyfunc.model"})
    if wide:
        exact |= PANDAS
    if "mlflow.pyfunc.model" in flavors:
        exact |= _PYFUNC
    if wide or "xgboost" in flavors:
        exact |= XGBOOST
    if wide or "lightgbm" in flavors:
        exact |= LIGHTGBM
    sklearn = wide or bool(flavors & {"xgboost", "lightgbm"})  # they hold its label encoder
    return Vocabulary(exact, sklearn, frozenset(trusted))


def modern(module: str, name: str) -> tuple[str, str]:
    """What Python 3 imports for a name in a pickle of protocol 0 to 2."""
    if (module, name) in _compat_pickle.NAME_MAPPING:
        return _compat_pickle.NAME_MAPPING[module, name]
    return _compat_pickle.IMPORT_MAPPING.get(module, module), name


def _is_sklearn(module: str, name: str) -> bool:
    parts = module.split(".")
    if f"{module}.{name}" in FUNCTIONS:
        return True
    if parts[0] != "sklearn" or len(parts) < 2 or "tests" in parts:  # noqa: PLR2004 - has a room
        return False
    if parts[1] not in PACKAGES:
        return False
    return (
        name in CLASSES
        or bool(CYTHON.fullmatch(name))
        or (name == "newObj" and parts[-1] in NEW_OBJECT)
    )
