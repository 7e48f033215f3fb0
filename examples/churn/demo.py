"""The main job in one go: gate candidates, promote on a pass, serve by stage, override, roll back.

    make demo

Everything happens in the embedded registry in `.gatekit/`, and may be run again and again.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from stage_hands import ROOT, DemoFailed, Service, ask, last_json, run, say, shown, timed

MODEL = "churn-model"
LOGS = ROOT / ".gatekit" / "demo"
CUSTOMER = {"features": [[0.5, -1.2, 0.3, 2.0, -0.7, 1.1, 0.0, -0.4, 0.9, -1.5]]}


def train(kind: str) -> str:
    """Train and register; returns the model's URI."""
    line = last_json(run("python", "examples/churn/train.py", "--model", kind, show="last"))
    return f"models:/{MODEL}/{line['model_version']}"


def number(uri: str) -> str:
    """The version in a model URI."""
    return uri.rpartition("/")[2]


def serve(stage: str, hands: ExitStack) -> Service:
    """A service for that pointer, stopped when the demo ends."""
    service = Service(stage, MODEL, LOGS)
    hands.callback(service.stop)
    return service


def main(hands: ExitStack) -> None:
    """The story: first to production on proof, then past it and back."""
    LOGS.mkdir(parents=True, exist_ok=True)
    say("Train a logistic model. It says of itself that it is right 82 times in 100")
    logistic = train("logistic")
    say("Gate it for staging: the bar is 0.90 at the lower bound, so it is refused")
    run("pytest", "--model-uri", logistic, "--promote-to", "staging", exits=1, show="gates")

    say("Start two services, staging and production; each follows its pointer")
    staging, production = serve("staging", hands), serve("production", hands)

    say("Train a boosted model, gate it: it passes, and the pointer moves")
    boosting = train("boosting")
    run("pytest", "--model-uri", boosting, "--promote-to", "staging", show="gates")

    say("Staging finds its model by the pointer, checks its bytes and serves")
    print(f"GET {staging.url}/health\n{shown(staging.wait_for(number(boosting)))}")

    say("Gate the running service: its version, its contract, its answers, its speed under load")
    live = ("--service-url", staging.url, "--promote-to", "production")
    run("pytest", "--model-uri", f"models:/{MODEL}@staging", *live, show="gates")

    say("Production serves it too")
    print(f"GET {production.url}/health\n{shown(production.wait_for(number(boosting)))}")

    past_the_gates_and_back(staging, production, number(boosting))

    say("What whoever is woken at three asks, and what happened")
    run("gatekit", "status", MODEL)
    run("gatekit", "history", MODEL)
    print(f"\nThe page of the last report: {Path('.gatekit', 'report', 'gatekit-report.html')}")


def past_the_gates_and_back(staging: Service, production: Service, proved: str) -> None:
    """A worse model is refused, forced into production by an override, and rolled back."""
    say("Train a worse model")
    worse = train("small")
    say("Gate the worse model: it loses to the champion")
    run("pytest", "--model-uri", worse, "--promote-to", "staging", exits=1, show="gates")

    say("Promote it straight to production all the same: refused, and then by a recorded override")
    run("gatekit", "promote", worse, "--to", "production", exits=1)
    why = "demo: the classic exercise, a failed model by number"
    gates = ("--gate", "accuracy", "--gate", "ladder", "--expires", "1d")
    run("gatekit", "promote", worse, "--to", "production", "--override", why, *gates)
    print("Two stages, two versions, one registry:")
    print(shown(production.wait_for(number(worse))))
    print(shown(staging.wait_for(proved)))

    say("Roll back: the newest earlier holder that was proved")
    run("gatekit", "rollback", MODEL, "--stage", "production")
    print(shown(production.wait_for(proved)))
    answer = ask(f"{production.url}/predict", CUSTOMER)
    print(f"POST {production.url}/predict {CUSTOMER}\n{answer}")
    if answer.get("version") != proved:
        raise DemoFailed(f"production answered {answer}")
    refused = ask(f"{production.url}/predict", {"features": [["lots"]]})
    print(f"POST {production.url}/predict with a bad row\n{refused}")


if __name__ == "__main__":
    with timed(), ExitStack() as stack:
        main(stack)
