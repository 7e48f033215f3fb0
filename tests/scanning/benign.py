"""Models as people log them: each is saved by real MLflow, passes the scan and loads in a runner."""

import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
RANDOM = np.random.default_rng(3)
X = pd.DataFrame({"a": RANDOM.random(200), "b": RANDOM.random(200)})
MIXED = X.assign(c=RANDOM.choice(["x", "y"], 200))
Y = (X.a > 0.5).astype(int)


def _signature(frame, said):
    from mlflow.models import infer_signature

    return infer_signature(frame, said)


def _sklearn(model, frame=X, kind="skops"):
    def save(folder):
        import mlflow.sklearn
        from skops.io import dumps, get_untrusted_types

        model.fit(frame, Y)
        more = {}
        if kind == "skops":
            more["skops_trusted_types"] = get_untrusted_types(data=dumps(model))
        mlflow.sklearn.save_model(
            model,
            folder,
            signature=_signature(frame, model.predict(frame)),
            pip_requirements=["scikit-learn"],
            serialization_format=kind,
            input_example=frame.head(3),
            **more,
        )
        return ()

    return save


def _pipeline():
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    columns = ColumnTransformer([("n", numbers, ["a", "b"]), ("w", OneHotEncoder(), ["c"])])
    return Pipeline([("columns", columns), ("model", LogisticRegression())])


def _xgboost(folder):
    import mlflow.xgboost
    from xgboost import XGBClassifier

    model = XGBClassifier(n_estimators=3).fit(X, Y)
    mlflow.xgboost.save_model(
        model, folder, signature=_signature(X, model.predict(X)), pip_requirements=["xgboost"]
    )
    return ()


def _booster(folder):
    import mlflow.lightgbm
    from lightgbm import Dataset, train

    model = train({"verbose": -1, "objective": "binary"}, Dataset(X, Y), 3)
    mlflow.lightgbm.save_model(
        model, folder, signature=_signature(X, model.predict(X)), pip_requirements=["lightgbm"]
    )
    return ()


def _lightgbm(folder):
    import mlflow.lightgbm
    from lightgbm import LGBMClassifier

    model = LGBMClassifier(n_estimators=3, verbose=-1).fit(X, Y)
    mlflow.lightgbm.save_model(
        model,
        folder,
        signature=_signature(X, model.predict(X)),
        pip_requirements=["lightgbm"],
        serialization_format="cloudpickle",
    )
    return ()


def _onnx(folder):
    import mlflow.onnx
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    rows = X.astype(np.float32)
    model = LogisticRegression().fit(rows.to_numpy(), Y)
    graph = to_onnx(model, rows.to_numpy()[:1], options={"zipmap": False})
    mlflow.onnx.save_model(
        graph, folder, signature=_signature(rows, Y.to_numpy()), pip_requirements=["onnxruntime"]
    )
    return ()


def _declared(folder):
    """A class of the team's, imported by name, and its estimator as a joblib artifact."""
    import joblib
    import mlflow.pyfunc
    from sklearn.ensemble import RandomForestClassifier

    if str(ROOT) not in sys.path:  # where the model's process finds gatekit, and this class
        sys.path.insert(0, str(ROOT))
    from tests.scanning.declared import Forest

    kept = folder.parent / "forest.joblib"
    joblib.dump(RandomForestClassifier(4).fit(X, Y), kept, compress=3)
    mlflow.pyfunc.save_model(
        folder,
        python_model=Forest(),
        artifacts={"forest": str(kept)},
        signature=_signature(X, Y.to_numpy()),
        pip_requirements=["mlflow"],
    )
    return ("tests.scanning.declared.Forest",)


def models():
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    return {
        "linear-skops": (_sklearn(LogisticRegression()), X),
        "pipeline-skops": (_sklearn(_pipeline(), MIXED), MIXED),
        "pipeline-cloudpickle": (_sklearn(_pipeline(), MIXED, "cloudpickle"), MIXED),
        "forest-skops": (_sklearn(RandomForestClassifier(4)), X),
        "forest-pickle": (_sklearn(RandomForestClassifier(4), kind="pickle"), X),
        "boosting-skops": (_sklearn(HistGradientBoostingClassifier(max_iter=4)), X),
        "boosting-cloudpickle": (
            _sklearn(HistGradientBoostingClassifier(max_iter=4), kind="cloudpickle"),
            X,
        ),
        "xgboost": (_xgboost, X),
        "lightgbm-booster": (_booster, X),
        "lightgbm-cloudpickle": (_lightgbm, X),
        "onnx": (_onnx, X.astype(np.float32)),
        "pyfunc-declared-class": (_declared, X),
    }


def save(name, folder):
    """Save that model; what a policy has to trust, and rows to ask it about."""
    saving, frame = models()[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return saving(folder), frame
