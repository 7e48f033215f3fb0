"""What the code cannot say of itself, for docs/reference.md."""

HOOKS = {
    "pytest_addoption": "the options below `promotion gates (gatekit)` in `pytest --help`",
    "pytest_configure": "declares the marker; with `--model-uri` it opens the run and registers "
    "everything else, without it nothing more of gatekit is imported",
    "pytest_collection_modifyitems": "last of all: takes out built-in gates that the policy does "
    "not ask for",
    "pytest_collection_finish": "remembers which gate tests there are, so that one that never ran "
    "is known; counts the use of the test set",
    "pytest_runtestloop": "where `schema` will be asked: draws its rows while the models load",
    "pytest_deselected": "remembers gate tests that were taken out, by `-k` or by a plugin",
    "pytest_runtest_makereport": "adds what a gate test measured to its report, where xdist and "
    "JUnit find it",
    "pytest_runtest_call": "the progress line is taken away when a test ends.",
    "pytest_runtest_setup": "the progress line learns which gate is measured.",
    "pytest_runtest_logfinish": "after the last test that times anything: makes ready what renders "
    "the page",
    "pytest_runtest_logreport": "writes outcome and measurements of every phase into the ledger",
    "pytest_sessionfinish": "judges the ledger, writes the report, signs, files and promotes, and "
    "sets pytest's exit code",
    "pytest_report_header": "the lines with model, champion and data",
    "pytest_assertrepr_compare": "the E lines of a comparison that did not pass",
    "pytest_report_teststatus": "`I` for a test that is inconclusive and not failed",
    "pytest_terminal_summary": "the table of gates and the verdict",
    "pytest_configure_node": "of xdist: hands the run to a worker",
    "pytest_testnodedown": "of xdist: a lost worker voids the run",
}
VARIABLES = {
    "MLFLOW_TRACKING_URI": "the registry; wins over `[tool.gatekit] registry`. With neither: an "
    "embedded SQLite file in `.gatekit/`. A model's process is given a place that does not exist",
    "MLFLOW_REGISTRY_URI": "MLflow's own: where the model registry is, if not at the tracking URI",
    "MLFLOW_TRACKING_USERNAME": "MLflow's own, with `MLFLOW_TRACKING_PASSWORD`: who asks the "
    "server ([rights](rights.md)); the service's quick look at its pointer uses it, too",
    "MLFLOW_TRACKING_PASSWORD": "MLflow's own: see `MLFLOW_TRACKING_USERNAME`",
    "MLFLOW_TRACKING_TOKEN": "MLflow's own: a bearer token instead of name and password",
    "MLFLOW_TRACKING_INSECURE_TLS": "MLflow's own: `true` does not check the server's certificate",
    "MLFLOW_TRACKING_SERVER_CERT_PATH": "MLflow's own: the authority that signed the server's "
    "certificate",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "MLflow's own; `1` unless you set it: MLflow would repeat "
    "for four minutes what a server answers with 500",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "MLflow's own, in seconds; `10` unless you set it",
    "MLFLOW_DISABLE_TELEMETRY": "MLflow's own; `true` unless you set it",
    "DO_NOT_TRACK": "`true` unless you set it",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "MLflow's own; `false` unless you set it",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "MLflow's own; `true` unless you set it",
    "MLFLOW_LOGGING_LEVEL": "MLflow's own; `CRITICAL` unless you set it",
    "GATEKIT_SIGNING_KEY": "the private key that signs, as PEM or as the path of a file; "
    "`[attestation] key_env` names another variable. A gate run takes it out of its environment "
    "before a model is started ([signed proof](attestation.md))",
    "GATEKIT_EVIDENCE": "where the evidence of very large holdouts is kept for later runs, with "
    "`[streaming] cache` ([scale](scale.md)); else in the user's cache.",
    "GATEKIT_ENVIRONMENTS": "where built environments are kept, for `--model-env declared` "
    "([environment](environment.md)); else in the user's cache",
    "XDG_CACHE_HOME": "the user's cache folder, `~/.cache` without it",
    "GITLAB_USER_LOGIN": "who is asking, in GitLab; else `GITHUB_ACTOR`, else the login name",
    "GITHUB_ACTOR": "who is asking, in GitHub",
    "CI_COMMIT_SHA": "the commit, in GitLab; else `GITHUB_SHA`, else git's",
    "GITHUB_SHA": "the commit, in GitHub",
    "OMP_NUM_THREADS": "threads of one prediction, in the model's process and in the service; "
    "`1` unless you set it",
    "OPENBLAS_NUM_THREADS": "as `OMP_NUM_THREADS`",
    "MKL_NUM_THREADS": "as `OMP_NUM_THREADS`",
    "VECLIB_MAXIMUM_THREADS": "passed on to a model's process as it is",
    "NUMEXPR_NUM_THREADS": "passed on to a model's process as it is",
    "LD_LIBRARY_PATH": "passed on to a model's process, which may read the folders it names",
}
DEPLOYMENT = {
    "DEPLOY_WITH": "`compose` (the default), `kubectl` or `process`",
    "IMAGE": "the image that was pushed; not for `process`",
    "GATEKIT_MODEL": "the registered model that is served",
    "MLFLOW_TRACKING_URI": "the registry; with `kubectl` it is in the secret `gatekit-registry`",
    "GATEKIT_VERIFY": "with `process`: as the service's own; `enforce` unless you set it",
    "PYTHON": "with `process`: the Python that runs the service; else the one that runs deploy",
    "DEPLOY_URL": "where the service will answer; without it it is not asked",
    "VERSION": "wait until it serves this version; without it any",
    "DEPLOY_SECONDS": "how long to wait, `180` unless you set it",
    "DEPLOY_STATE": "with `process`: where its process id and its log lie, `.gatekit/deploy` "
    "unless you set it",
}
PROJECT = {
    "gates": "where the policy is, relative to this file; else `gates.toml` beside it",
    "registry": "the registry's URI: `sqlite:///...`, `http(s)://...`, `databricks`, `folder:PATH`",
}
CODES = {
    "pytest": {
        0: "the gates passed, and the pointer moved if that was asked for. Of a part of the "
        "gates: those that ran passed; it is marked INCOMPLETE",
        1: "no pass: a gate failed, was inconclusive or left out; or the promotion was refused; or "
        "any other test failed",
        2: "interrupted; the run counts for nothing",
        3: "an internal error of pytest or a plugin; the run counts for nothing",
        4: "the call was wrong: an option, the policy, the URI, the data, a key; or the registry "
        "did not answer. Nothing was run",
        5: "no test was collected, without `--model-uri`",
        6: "more warnings than were allowed, of pytest 9.1 and later",
    },
    "gatekit": {
        0: "done; what was asked is as it should be",
        1: "refused, or found wanting (`verify`, `reverify`, `monitor`, `history`); or something "
        "that was to be written is there (`init`); or the registry does not answer",
        4: "the call was wrong; nothing was written",
    },
    "python -m gatekit_service": {
        0: "told to stop, and stopped",
        2: "a setting is missing or makes no sense, or the extra `service` is not installed; one "
        "sentence says which",
    },
    "locust": {
        0: "the load was sent, and no limit was broken",
        1: "a limit was broken (`--most-p99-ms`, `--most-error-rate`)",
        3: "rows or options cannot be used; nothing was sent",
    },
    "service/deploy/deploy": {
        0: "it is up, or down if that was asked, and serves the version that was asked for",
        1: "it could not be done, or did not serve in time; one sentence says why",
        2: "the call was wrong",
    },
}
