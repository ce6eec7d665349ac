"""Options that several commands have."""

from typing import Annotated

import typer

from leleka.cards import Card

StageName = Annotated[str, typer.Option("--stage", envvar="LELEKA_STAGE", help="Which stage.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
Timeout = Annotated[
    float, typer.Option("--timeout", min=1, help="Seconds to wait for the end; a customer's time to pay is extra.")
]
CardOption = Annotated[Card | None, typer.Option("--card", help="A card of the payment sandbox.")]
PaymentMethod = Annotated[
    str | None, typer.Option("--payment-method", help="A payment method's id, instead of --card.")
]
Ref = Annotated[str, typer.Argument(metavar="REF", help="A booking's record locator or its id.")]
Secret = Annotated[
    str | None,
    typer.Option("--secret", envvar="LELEKA_SECRET", help="The booking's secret; not needed where it was made."),
]
