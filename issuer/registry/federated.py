"""Which workloads of a federation a client is: the rules that its record lists."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, InstanceOf, WithJsonSchema
from pydantic.dataclasses import dataclass

from issuer.registry.claim_rules import ClaimRules, Path, check_pattern, matches, read_rules
from issuer.registry.record import STRICT, Name

Pattern = Annotated[str, Field(max_length=1000), AfterValidator(check_pattern)]
Rules = Annotated[
    InstanceOf[ClaimRules], BeforeValidator(read_rules), WithJsonSchema({"type": "object"})
]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Federated:
    """Tokens of a federation that are as good as a credential of the client's own."""

    federation: Name
    """What it is called under [federations]."""
    subject: Pattern | None = None
    """The ``sub`` of the token. A * stands for some characters, but never for / or :."""
    claims: Rules = field(default_factory=ClaimRules)
    """Claims that it must have, each with a value like ``subject``, or a list of which one is
    enough; a claim within a claim is a table within this one."""

    def __post_init__(self) -> None:
        """That it says whom it is for."""
        if self.subject is None and not self.claims:
            raise ValueError("must have a subject or claims: else it is for all of the federation")

    def mismatches(self, claims: Mapping[str, Any]) -> Iterator[Path]:
        """The claims that are missing, or say something else than the rule."""
        if self.subject is not None and not matches(self.subject, claims.get("sub")):
            yield ("sub",)
        yield from self.claims.mismatches(claims)

    def matches(self, claims: Mapping[str, Any]) -> bool:
        """Whether ``claims``, of a token of the federation, are the client's."""
        return next(self.mismatches(claims), None) is None
