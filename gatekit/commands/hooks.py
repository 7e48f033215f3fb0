"""`gatekit hooks install`: the registry tells the service when something moves."""

from __future__ import annotations

import argparse
import os

from gatekit.commands.answer import REFUSED, Answer, Commands, policy_of, project_registry
from gatekit.errors import UsageProblem

SECRET = "GATEKIT_HOOK_SECRET"  # noqa: S105 - the name of a variable
ROUTE = "/hooks/mlflow"
FEWEST = 16


def add_hooks(commands: Commands, common: argparse.ArgumentParser) -> None:
    """Add `hooks` to the commands of the parser."""
    hooks = commands.add_parser(
        "hooks",
        parents=[common],
        help="let the registry tell a service when its pointer moves",
        description="Make a webhook in MLflow's registry for the service at --url, or give the "
        f"one that is there a new address and secret, and try it. The secret is read from "
        f"{SECRET}, which the service has too.",
    )
    hooks.add_argument("action", choices=("install",), help="make the webhook")
    hooks.add_argument("--url", required=True, metavar="URL", help="where the service answers")
    hooks.set_defaults(command=hooks_command)


def hooks_command(args: argparse.Namespace) -> Answer:
    """Install, and say whether the service was reached.

    Raises:
        UsageProblem: no secret, no URL, or a registry that has no webhooks.
        RegistryError: the registry refuses.
    """
    from gatekit.registry.mlflow_hooks import Hooks

    secret = os.environ.get(SECRET, "")
    if len(secret) < FEWEST:
        raise UsageProblem(
            f"{SECRET} is not set" if not secret else f"{SECRET} is shorter than {FEWEST} letters",
            "Make one: python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    if not args.url.startswith(("http://", "https://")):
        raise UsageProblem(f"--url {args.url}: no URL of a service", "Write https://HOST")
    policy, registry = policy_of(args), project_registry()
    hooks: Hooks | None = getattr(registry, "hooks", None)
    if hooks is None:
        raise UsageProblem("this registry has no webhooks", "MLflow's server has")
    url = args.url.rstrip("/") + ROUTE
    done = hooks.install(f"gatekit-{policy.model}", url, secret)
    lines = [
        f"webhook {done.name} {'made' if done.is_new else 'set right'}: {done.url}",
        f"the service answered {done.status}"
        if done.reached
        else f"the service was NOT reached: {done.error or f'it answered {done.status}'}",
        "The server needs MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY, or a restart loses the secret.",
        "Within the next minute some of its workers may not know of the webhook yet.",
    ]
    return Answer(lines, 0 if done.reached else REFUSED)
