"""A team's own model class, in a module that both sides can import."""

import joblib
from mlflow.pyfunc.model import PythonModel


class Forest(PythonModel):
    def load_context(self, context):
        self.model = joblib.load(context.artifacts["forest"])

    def predict(self, context, model_input, params=None):
        return self.model.predict(model_input)
