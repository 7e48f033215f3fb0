"""What can go wrong, as a tree. Every error says what was asked, what was found, what to do.

GatekitError
  UsageProblem             the call was wrong; nothing was written; pytest exits with 4
    PolicyError            gates.toml cannot be read, or says something it may not
    CandidateError         the model URI leads to nothing that can be gated
    DataError              the data file is not what the policy says
    KeyProblem             a signing key cannot be read
  RegistryError            the registry answered, and the answer is no
    NotFound               the registry answered: there is no such thing
    RegistryUnavailable    the registry did not answer; nothing is known
  ModelMisbehaved          the candidate crashed, hung or answered nonsense
    ModelRefused           it raised an error about these rows, as it may
    ModelGone              its process has ended, or was ended
    NotAsked               nothing is asked of it: it was refused unloaded, or died too often
  BadRows                  rows sent to a model are not what its signature says
  EnvelopeProblem          what should be a signed statement is none
  ServiceProblem           a running service does not answer, or not as a service does
  PromotionRefused         the pointer was not moved, and why
"""


class GatekitError(Exception):
    """Base of all errors; `hint` says what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class UsageProblem(GatekitError):
    """The call itself is wrong; nothing has been run or written."""


class PolicyError(UsageProblem):
    """The policy file cannot be used."""


class CandidateError(UsageProblem):
    """The model URI cannot be gated."""


class DataError(UsageProblem):
    """A data file is missing, empty or lacks a column."""


class KeyProblem(UsageProblem):
    """A key is missing or of no kind that gatekit understands; never shows any of it."""


class RegistryError(GatekitError):
    """The registry refused."""


class NotFound(RegistryError):
    """The registry answered that there is no such model, version or alias."""


class RegistryUnavailable(RegistryError):
    """The registry did not answer; this is never the same as `NotFound`."""


class ModelMisbehaved(GatekitError):
    """A model process died, hung, or gave back something that is no prediction."""


class ModelRefused(ModelMisbehaved):
    """A model raised an error that is none of a program's accidents, such as ValueError; it lives.

    About rows it was not made for that is an answer; about any others it is misbehaviour.
    """


class ModelGone(ModelMisbehaved):
    """A model's process died, hung or wrote what is no answer: no more comes from that process."""


class NotAsked(ModelMisbehaved):
    """A model was refused before it was loaded, or died too often: no answer is to be had."""


class BadRows(GatekitError):
    """Rows do not fit the signature; the message never holds a value of theirs."""


class EnvelopeProblem(GatekitError):
    """Bytes that are no DSSE envelope, or whose payload is no statement gatekit reads."""


class ServiceProblem(GatekitError):
    """A running service did not answer, or answered what no gate can use."""


class PromotionRefused(GatekitError):
    """The pointer stays where it is; `reasons` lists every one of them."""

    def __init__(self, message: str, reasons: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint)
        self.reasons = reasons

    def __str__(self) -> str:
        listed = "".join(f"\n  - {reason}" for reason in self.reasons)
        return super().__str__() + listed
